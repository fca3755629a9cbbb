// Numbers and texts as bytes, little-endian and length-prefixed, and back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace detectd {

class Packer {
 public:
  // Appends to `out`, which must outlive the packer.
  explicit Packer(std::string& out) : out_(out) {}

  Packer& number(int64_t number) {
    char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(static_cast<uint64_t>(number) >> (8 * i));
    out_.append(bytes, sizeof bytes);
    return *this;
  }
  Packer& optional(std::optional<int64_t> value) {
    out_ += value ? '\1' : '\0';
    return value ? number(*value) : *this;
  }
  Packer& text(std::string_view text) {
    number(static_cast<int64_t>(text.size()));
    out_ += text;
    return *this;
  }

 private:
  std::string& out_;
};

// Safe on any bytes: after the first that do not fit, every value is left as it was.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : rest_(bytes) {}

  Unpacker& number(int64_t& number) {
    if (!take(8)) return *this;
    uint64_t value = 0;
    for (int i = 7; i >= 0; --i) value = value << 8 | static_cast<uint8_t>(taken_[static_cast<size_t>(i)]);
    number = static_cast<int64_t>(value);
    return *this;
  }
  Unpacker& optional(std::optional<int64_t>& value) {
    if (!take(1)) return *this;
    if (taken_[0] == '\0') return *this;
    int64_t told = 0;
    number(told);
    value = told;
    return *this;
  }
  Unpacker& text(std::string& text) {
    int64_t size = -1;
    number(size);
    if (size < 0 || !take(static_cast<uint64_t>(size))) {
      good_ = false;
    } else {
      text = taken_;
    }
    return *this;
  }

  // Everything was there, and nothing is left.
  bool complete() const { return good_ && rest_.empty(); }

 private:
  bool take(uint64_t size) {
    good_ = good_ && size <= rest_.size();
    if (!good_) return false;
    taken_ = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest_;
  std::string_view taken_;
  bool good_ = true;
};

}  // namespace detectd

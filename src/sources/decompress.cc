#include "src/sources/decompress.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

namespace detectd {
namespace {

class Plain : public Decompressor {
 public:
  size_t unpack(std::string_view& input, char* to, size_t size) override {
    const size_t taken = std::min(size, input.size());
    std::memcpy(to, input.data(), taken);
    input.remove_prefix(taken);
    return taken;
  }
  bool at_boundary() const override { return true; }
  std::string_view damage() const override { return {}; }
};

class Gzip : public Decompressor {
 public:
  Gzip() {
    constexpr int kGzipOnly = 15 + 16;
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~Gzip() override { inflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  size_t unpack(std::string_view& input, char* to, size_t size) override {
    while (damage_.empty()) {
      if (between_ && input.empty()) break;
      if (between_ && !begin_member(input)) continue;
      // Also without input: what was unpacked before may not have found room.
      const size_t written = inflate_some(input, to, size);
      if (written > 0) return written;
      if (input.empty()) break;
    }
    return 0;
  }
  bool at_boundary() const override { return between_; }
  std::string_view damage() const override { return damage_; }

 private:
  // Members follow each other directly; tape tools fill up with zeros.
  bool begin_member(std::string_view& input) {
    if (input.front() == '\0') {
      input.remove_prefix(1);
      return false;
    }
    if (input.front() != '\x1f') {
      damage_ = "something that is not gzip follows";
      return false;
    }
    inflateReset(&stream_);
    between_ = false;
    return true;
  }

  size_t inflate_some(std::string_view& input, char* to, size_t size) {
    constexpr size_t kMost = std::numeric_limits<uInt>::max();
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(std::min(input.size(), kMost));
    stream_.next_out = reinterpret_cast<Bytef*>(to);
    stream_.avail_out = static_cast<uInt>(std::min(size, kMost));
    const uInt room = stream_.avail_out;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    input = input.substr(static_cast<size_t>(reinterpret_cast<char*>(stream_.next_in) - input.data()));
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    if (status == Z_STREAM_END) {
      between_ = true;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      damage_ = stream_.msg != nullptr ? stream_.msg : "damaged";
    }
    return room - stream_.avail_out;
  }

  z_stream stream_{};
  bool between_ = false;  // two members, or behind the last
  std::string damage_;
};

class Zstd : public Decompressor {
 public:
  Zstd() : stream_(ZSTD_createDStream()) {
    if (!stream_) throw std::bad_alloc();
  }

  size_t unpack(std::string_view& input, char* to, size_t size) override {
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{to, size, 0};
    // Also without input: what was unpacked before may not have found room.
    do {
      const size_t before = in.pos;
      const size_t left = ZSTD_decompressStream(stream_.get(), &out, &in);
      if (ZSTD_isError(left)) {
        damage_ = ZSTD_getErrorName(left);
        break;
      }
      if (in.pos != before || out.pos > 0) between_ = left == 0;
    } while (out.pos == 0 && in.pos < in.size);
    input.remove_prefix(in.pos);
    return out.pos;
  }
  bool at_boundary() const override { return between_; }
  std::string_view damage() const override { return damage_; }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  bool between_ = false;
  std::string damage_;
};

}  // namespace

std::unique_ptr<Decompressor> make_decompressor(std::string_view head) {
  using namespace std::string_view_literals;
  if (head.starts_with("\x1f\x8b"sv)) return std::make_unique<Gzip>();
  const bool skippable =
      head.size() >= 4 && (head[0] & 0xF0) == 0x50 && head.substr(1, 3) == "\x2a\x4d\x18"sv;
  if (head.starts_with("\x28\xb5\x2f\xfd"sv) || skippable) return std::make_unique<Zstd>();
  return std::make_unique<Plain>();
}

}  // namespace detectd

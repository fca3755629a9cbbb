// SHA-256 and the encodings of its results; the only file of the engine that sees libcrypto.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace detectd {

using Sha256 = std::array<uint8_t, 32>;

// Incremental; a digest's inputs are told apart by length-prefixing, see add_part().
class Sha256Hasher {
 public:
  Sha256Hasher();
  ~Sha256Hasher();
  Sha256Hasher(const Sha256Hasher&) = delete;
  Sha256Hasher& operator=(const Sha256Hasher&) = delete;

  void add(std::string_view bytes);
  // The length as 8 bytes, little-endian, then the bytes: ("ab","c") and ("a","bc") differ.
  void add_part(std::string_view bytes);
  void add_number(int64_t number);  // 8 bytes, little-endian
  // The digest of what was added; the hasher is then empty again.
  Sha256 finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string hex(std::string_view bytes);
std::string hex(const Sha256& digest);
// Without padding.
std::string base64url(std::string_view bytes);
std::string base64(std::string_view bytes);  // with padding

}  // namespace detectd

// Plain bytes to compressed ones, piece by piece. With sources/decompress.cc, its inverse, the only file that sees
// zlib and zstd.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace detectd {

class Compressor {
 public:
  enum class Until : uint8_t {
    kLater,  // what is held back may wait for more
    kBlock,  // all bytes so far can be read back
    kEnd,    // and nothing follows
  };

  virtual ~Compressor() = default;

  // Appends to `out` what `text`, and what was held back, gives.
  virtual void compress(std::string_view text, Until until, std::string& out) = 0;
};

// By the end of a file's name: zstd for .zst, gzip for .gz, else one that changes nothing.
std::unique_ptr<Compressor> make_compressor(std::string_view path);

}  // namespace detectd

// Compressed bytes to plain ones, piece by piece. The only file that sees zlib and zstd.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace detectd {

class Decompressor {
 public:
  virtual ~Decompressor() = default;

  // Takes bytes from the front of `input` and writes at most `size` to `to`. Gives how many were written;
  // 0 with input left is damage, see damage().
  virtual size_t unpack(std::string_view& input, char* to, size_t size) = 0;
  // Whether the input may end here.
  virtual bool at_boundary() const = 0;
  // Why unpacking cannot go on; empty if it can.
  virtual std::string_view damage() const = 0;
};

// By the first four bytes of a file: gzip (of any number of members), zstd (of any number of frames), else
// one that changes nothing.
std::unique_ptr<Decompressor> make_decompressor(std::string_view head);

}  // namespace detectd

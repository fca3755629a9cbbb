#include "src/detectctl/tar.h"

#include <array>
#include <cassert>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <utility>

namespace detectd {
namespace {

constexpr size_t kBlock = 512;

using Header = std::array<char, kBlock>;

void put(Header& header, size_t offset, std::string_view text) {
  std::memcpy(header.data() + offset, text.data(), text.size());
}

// Octal digits, and a NUL.
void put_number(Header& header, size_t offset, size_t digits, uint64_t number) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%0*llo", static_cast<int>(digits),
                static_cast<unsigned long long>(number));
  put(header, offset, text.data());
}

}  // namespace

void TarWriter::add(std::string_view name, std::string_view content) {
  assert(name.size() <= 100 && "a name of a ustar archive");
  Header header{};
  put(header, 0, name);
  put_number(header, 100, 7, 0600);
  put_number(header, 108, 7, 0);
  put_number(header, 116, 7, 0);
  put_number(header, 124, 11, content.size());
  put_number(header, 136, 11, static_cast<uint64_t>(time_s_));
  // The sum is taken with blanks in its own place.
  put(header, 148, "        0");
  put(header, 257, std::string_view("ustar\00000", 8));
  put(header, 265, "root");
  put(header, 297, "root");
  const unsigned sum = std::accumulate(header.begin(), header.end(), 0U, [](unsigned so_far, char c) {
    return so_far + static_cast<unsigned char>(c);
  });
  put_number(header, 148, 6, sum);
  header[154] = '\0';
  archive_.append(header.data(), header.size());
  archive_ += content;
  archive_.append((kBlock - content.size() % kBlock) % kBlock, '\0');
}

std::string TarWriter::take() {
  archive_.append(2 * kBlock, '\0');
  return std::move(archive_);
}

}  // namespace detectd

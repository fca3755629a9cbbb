#include "tests/support/tar_gz.h"

#include <zlib.h>

#include <cstdlib>
#include <cstring>

namespace detectd::test {
namespace {

std::string gunzip(const std::string& path) {
  std::string text;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return text;
  char buffer[65'536];
  for (int size = gzread(file, buffer, sizeof buffer); size > 0; size = gzread(file, buffer, sizeof buffer))
    text.append(buffer, static_cast<size_t>(size));
  gzclose(file);
  return text;
}

// A field of a header: up to the first NUL.
std::string field(const std::string& archive, size_t at, size_t size) {
  const std::string text = archive.substr(at, size);
  return text.substr(0, text.find('\0'));
}

}  // namespace

std::vector<ArchivedFile> read_tar_gz(const std::string& path) {
  constexpr size_t kBlock = 512;
  const std::string archive = gunzip(path);
  std::vector<ArchivedFile> files;
  std::string long_name;
  for (size_t at = 0; at + kBlock <= archive.size() && archive[at] != '\0';) {
    const size_t size = std::strtoull(field(archive, at + 124, 12).c_str(), nullptr, 8);
    const char type = archive[at + 156];
    const std::string prefix = field(archive, at + 345, 155);
    std::string name = (prefix.empty() ? "" : prefix + "/") + field(archive, at, 100);
    std::string text = archive.substr(at + kBlock, size);
    at += kBlock + (size + kBlock - 1) / kBlock * kBlock;
    if (type == 'L') {
      long_name = text.substr(0, text.find('\0'));
    } else if (type == '0' || type == '\0') {
      files.push_back({.name = long_name.empty() ? std::move(name) : long_name, .text = std::move(text)});
      long_name.clear();
    }
  }
  return files;
}

}  // namespace detectd::test

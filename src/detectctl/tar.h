// A tar archive (ustar, POSIX.1-1988) of small files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace detectd {

class TarWriter {
 public:
  explicit TarWriter(int64_t time_s) : time_s_(time_s) {}

  // `name` has at most 100 bytes.
  void add(std::string_view name, std::string_view content);
  // With its end; nothing can be added behind it.
  std::string take();

 private:
  int64_t time_s_;
  std::string archive_;
};

}  // namespace detectd

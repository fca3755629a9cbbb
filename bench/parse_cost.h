// P, the yardstick of the goals: what it takes to parse a capture, and nothing else.
#pragma once

#include <cstdint>
#include <string>

namespace detectd::bench {

// A file in memory, with the room behind it that the parser wants.
class ParsedFile {
 public:
  // `text` is lines of JSON.
  explicit ParsedFile(std::string text);

  // Every object of every line walked once, every string unescaped, on this thread. Returns how many bytes the strings
  // had; 0 where a line is no JSON, or the processor lacks what this was compiled for.
  uint64_t parse() const;
  uint64_t lines() const { return lines_; }

 private:
  std::string text_;
  size_t size_ = 0;
  uint64_t lines_ = 0;
};

}  // namespace detectd::bench

// Standard output, buffered, with its failures kept: a full disk or a closed pipe is noticed once and
// reported at the end, and nothing is written after it.
#pragma once

#include <string>
#include <string_view>

#include "engine/result.h"

namespace detectd {

class Output {
 public:
  explicit Output(int descriptor) : descriptor_(descriptor) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void write(std::string_view text);
  void flush();

  bool failed() const { return error_number_ != 0; }
  // The reader is gone (EPIPE): to be left in silence.
  bool closed() const;
  // What went wrong, if anything.
  Status status() const;

 private:
  int descriptor_;
  int error_number_ = 0;
  std::string buffer_;
};

}  // namespace detectd

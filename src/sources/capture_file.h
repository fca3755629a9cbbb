// One file of captured events as lines: opened, told from other formats, unpacked, cut at newlines.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/result.h"
#include "src/sources/decompress.h"

namespace detectd {

struct CaptureLine {
  std::string_view text;  // without newline; EventDecoder::kPadding readable bytes follow
  uint64_t number = 0;    // from 1
  uint64_t offset = 0;    // bytes of unpacked text before it
  bool ended = true;      // false: the file ends without a newline behind it
  bool too_long = false;  // more than kMaxLine bytes: `text` is its begin
};

// Why a file can not be read, or not to its end.
struct CaptureFault {
  std::string code;  // D302, D310, D311, D312
  std::string message;
  std::string help;
};

class CaptureFile {
 public:
  static constexpr size_t kMaxLine = size_t{8} << 20;

  // `-` is standard input. Reads as much as is needed to know the format. An Error where the system said
  // no; a fault() where the file is none of ours.
  static Result<std::unique_ptr<CaptureFile>> open(const std::string& path, size_t read_bytes);
  ~CaptureFile();

  // Replaces `lines` by the next ones, at most `max_lines`, blank ones left out; none at the end. They are
  // valid until the next call. Waits only when not one line is there: a pipe's lines come as they arrive.
  // When the run is told to stop (stop.h), what is left is not read: that is an end, and no cut.
  Status read_lines(size_t max_lines, std::vector<CaptureLine>& lines);

  // To be looked at when there are no more lines; then a last line without newline is cut.
  const std::optional<CaptureFault>& fault() const { return fault_; }
  // As stored, and unpacked by now.
  uint64_t bytes_read() const { return bytes_read_ - unread_.size(); }
  uint64_t bytes_total() const { return bytes_total_; }  // 0 where unknown
  uint64_t text_bytes() const { return text_bytes_; }    // unpacked

 private:
  CaptureFile(int fd, size_t read_bytes);

  Status read_head();
  Status refill();
  Status read_input();
  bool take_line(CaptureLine& line);
  void make_room();

  int fd_;
  bool owns_fd_;
  size_t read_bytes_;
  std::string input_;        // as stored
  std::string_view unread_;  // of input_
  bool input_ended_ = false;
  std::unique_ptr<Decompressor> decompressor_;
  std::string text_;     // unpacked; lines point into it; ends with padding
  size_t begin_ = 0;     // of what no line has been made of
  size_t searched_ = 0;  // no newline between begin_ and here
  size_t end_ = 0;
  bool ended_ = false;
  bool stopped_ = false;   // before the end of the file
  bool skipping_ = false;  // the rest of a line that is too long
  uint64_t lines_ = 0;
  uint64_t bytes_read_ = 0;
  uint64_t bytes_total_ = 0;
  uint64_t text_bytes_ = 0;
  std::optional<CaptureFault> fault_;
};

}  // namespace detectd

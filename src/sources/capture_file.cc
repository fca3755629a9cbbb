#include "src/sources/capture_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include "engine/event_codec.h"
#include "src/sources/foreign_format.h"
#include "src/stop.h"

namespace detectd {
namespace {

constexpr size_t kHeadBytes = 64;

Error system_error(std::string_view what, int error) {
  Errc code = Errc::kSystem;
  if (error == ENOENT) code = Errc::kNotFound;
  if (error == EACCES || error == EPERM) code = Errc::kPermission;
  std::string said = std::generic_category().message(error);
  if (!said.empty() && said[0] >= 'A' && said[0] <= 'Z') said[0] = static_cast<char>(said[0] - 'A' + 'a');
  return {code, std::string(what) + ": " + said};
}

std::string mebibytes(uint64_t bytes) {
  if (bytes < 1024 * 1024) return std::to_string(bytes) + " bytes";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f MiB", static_cast<double>(bytes) / (1024.0 * 1024.0));
  return text.data();
}

bool blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

}  // namespace

CaptureFile::CaptureFile(int fd, size_t read_bytes)
    : fd_(fd), owns_fd_(fd != STDIN_FILENO), read_bytes_(read_bytes) {}

CaptureFile::~CaptureFile() {
  if (owns_fd_) ::close(fd_);
}

Result<std::unique_ptr<CaptureFile>> CaptureFile::open(const std::string& path, size_t read_bytes) {
  const int fd = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return system_error("open " + path, errno);
  std::unique_ptr<CaptureFile> file(new CaptureFile(fd, read_bytes));
  struct stat status {};
  if (::fstat(fd, &status) == 0) {
    if (S_ISDIR(status.st_mode)) {
      file->fault_ = CaptureFault{"D312", "this is a directory", "pass files, or - for standard input"};
      return file;
    }
    if (S_ISREG(status.st_mode)) file->bytes_total_ = static_cast<uint64_t>(status.st_size);
  }
  if (Status head = file->read_head(); !head) return std::move(head).error().within(path);
  return file;
}

Status CaptureFile::read_head() {
  // The format of the packing, then that of what is packed.
  while (unread_.size() < 4 && !input_ended_ && !stopped_) {
    if (Status status = read_input(); !status) return status;
  }
  decompressor_ = make_decompressor(unread_);
  while (end_ - begin_ < kHeadBytes && !ended_) {
    if (Status status = refill(); !status) return status;
  }
  if (fault_ || stopped_) return {};
  std::string_view head(text_.data() + begin_, end_ - begin_);
  if (head.empty()) {
    fault_ =
        CaptureFault{"D311", "the file is empty", "pass files that hold events, or - for standard input"};
    return {};
  }
  if (head.starts_with("\xef\xbb\xbf")) {
    begin_ += 3;
    head.remove_prefix(3);
  }
  if (auto foreign = find_foreign_format(head)) {
    fault_ = CaptureFault{"D310", std::move(foreign->message), std::move(foreign->help)};
  }
  return {};
}

Status CaptureFile::read_input() {
  // What was not unpacked yet stays in front; it is short, but for a head of a few bytes.
  const size_t kept = unread_.size();
  if (kept > 0) std::memmove(input_.data(), unread_.data(), kept);
  if (input_.size() < kept + read_bytes_) input_.resize(kept + read_bytes_);
  unread_ = std::string_view(input_).substr(0, kept);
  ssize_t got = 0;
  do {
    got = ::read(fd_, input_.data() + kept, read_bytes_);
    // A pipe may stay silent for ever.
    if (got < 0 && errno == EINTR && stop_requested()) {
      stopped_ = ended_ = true;
      return {};
    }
  } while (got < 0 && errno == EINTR);
  if (got < 0) return system_error("read", errno);
  if (got == 0) input_ended_ = true;
  bytes_read_ += static_cast<uint64_t>(got);
  unread_ = std::string_view(input_).substr(0, kept + static_cast<size_t>(got));
  return {};
}

// Lines may be kept from call to call of this one, but not over make_room().
void CaptureFile::make_room() {
  if (begin_ > 0) {
    std::memmove(text_.data(), text_.data() + begin_, end_ - begin_);
    searched_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  const size_t wanted = end_ + read_bytes_ + EventDecoder::kPadding;
  if (text_.size() < wanted) {
    text_.resize(std::max(wanted, text_.size() * 2));
  } else if (text_.size() > 4 * read_bytes_ + EventDecoder::kPadding && end_ < read_bytes_) {
    text_.resize(2 * read_bytes_ + EventDecoder::kPadding);  // after a long line
    text_.shrink_to_fit();
  }
}

// More text, or the end.
Status CaptureFile::refill() {
  // Blank lines, or a line that is too long, may never end.
  if (stop_requested()) {
    stopped_ = ended_ = true;
    return {};
  }
  make_room();
  while (!ended_) {
    const size_t got = decompressor_->unpack(unread_, text_.data() + end_, read_bytes_);
    end_ += got;
    text_bytes_ += got;
    text_[end_] = '\0';
    if (!decompressor_->damage().empty()) {
      ended_ = true;
      fault_ = CaptureFault{"D302",
                            "the compressed stream is damaged after " + mebibytes(bytes_read_) + ": " +
                                std::string(decompressor_->damage()),
                            ""};
      return {};
    }
    if (got > 0) return {};
    if (input_ended_) {
      ended_ = true;
      if (!decompressor_->at_boundary()) {
        fault_ = CaptureFault{"D302", "stream ends early after " + mebibytes(bytes_read_),
                              "the file was cut, or was still being written"};
      }
      return {};
    }
    if (Status status = read_input(); !status) return status;
  }
  return {};
}

Status CaptureFile::read_lines(size_t max_lines, std::vector<CaptureLine>& lines) {
  lines.clear();
  CaptureLine line;
  while (lines.empty()) {
    while (lines.size() < max_lines && take_line(line)) {
      if (line.too_long || !blank(line.text)) lines.push_back(line);
    }
    if (!lines.empty() || (ended_ && begin_ == end_)) break;
    if (ended_) continue;
    if (Status status = refill(); !status) return status;
  }
  return {};
}

bool CaptureFile::take_line(CaptureLine& line) {
  const auto take = [&](size_t to, size_t next) {
    line.text = std::string_view(text_).substr(begin_, to - begin_);
    line.offset = text_bytes_ - (end_ - begin_);
    begin_ = searched_ = next;
  };
  while (true) {
    const void* const newline = std::memchr(text_.data() + searched_, '\n', end_ - searched_);
    line.ended = newline != nullptr;
    if (line.ended) {
      const auto at = static_cast<size_t>(static_cast<const char*>(newline) - text_.data());
      take(at, at + 1);
      // The rest of a line that was given already.
      if (std::exchange(skipping_, false)) continue;
    } else {
      searched_ = end_;
      // The begin of a line that was not read on is no line, nor is it a cut one.
      if (skipping_ || stopped_) begin_ = end_;
      const bool long_enough = end_ - begin_ > kMaxLine;
      if (begin_ == end_ || (!ended_ && !long_enough)) return false;
      skipping_ = long_enough;
      take(end_, end_);
    }
    line.too_long = line.text.size() > kMaxLine;
    line.number = ++lines_;
    if (!line.text.empty() && line.text.back() == '\r') line.text.remove_suffix(1);
    return true;
  }
}

}  // namespace detectd

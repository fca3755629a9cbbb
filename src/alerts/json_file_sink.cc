#include "src/alerts/json_file_sink.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "src/fd.h"
#include "src/own_file.h"

namespace detectd {
namespace {

class JsonFileSink final : public Sink {
 public:
  explicit JsonFileSink(JsonFileOptions options) : options_(std::move(options)) {}

  Delivered deliver(const Alert& alert, const Interrupt& interrupt) override;
  Delivered settle(const Interrupt& interrupt) override;
  void reopen() override { moved_ = true; }

 private:
  bool open_file();
  bool was_moved() const;
  Delivered failed(const char* what);
  void rotate();

  JsonFileOptions options_;
  Fd file_;
  struct stat opened_ {};
  uint64_t size_ = 0;
  std::atomic<bool> moved_{false};
};

Delivered JsonFileSink::failed(const char* what) {
  std::string why = std::string(what) + " " + options_.path + ": " + own_file_error(errno);
  file_.reset();
  return try_again(std::move(why));
}

bool JsonFileSink::open_file() {
  file_ = open_own_file(options_.path, O_RDWR | O_APPEND | O_CREAT);
  if (!file_ || fstat(file_.number(), &opened_) != 0) return false;
  if (!S_ISREG(opened_.st_mode) || opened_.st_nlink > 1) {
    file_.reset();
    errno = ELOOP;
    return false;
  }
  if ((opened_.st_mode & 077) != 0 && fchmod(file_.number(), 0600) != 0) return false;
  size_ = static_cast<uint64_t>(opened_.st_size);
  char last = '\n';
  if (size_ != 0 && pread(file_.number(), &last, 1, static_cast<off_t>(size_ - 1)) != 1) return false;
  if (last == '\n') return true;
  ++size_;
  return write(file_.number(), "\n", 1) == 1;
}

bool JsonFileSink::was_moved() const {
  struct stat now {};
  return lstat(options_.path.c_str(), &now) != 0 || now.st_ino != opened_.st_ino ||
         now.st_dev != opened_.st_dev;
}

void JsonFileSink::rotate() {
  file_.reset();
  for (uint64_t i = options_.keep; i > 1; --i) {
    std::rename((options_.path + "." + std::to_string(i - 1)).c_str(),
                (options_.path + "." + std::to_string(i)).c_str());
  }
  if (options_.keep != 0) {
    std::rename(options_.path.c_str(), (options_.path + ".1").c_str());
  } else {
    unlink(options_.path.c_str());
  }
}

Delivered JsonFileSink::deliver(const Alert& alert, const Interrupt& interrupt) {
  if (moved_.exchange(false) || (file_ && was_moved())) file_.reset();
  const std::string line = alert.json + "\n";
  if (file_ && size_ != 0 && size_ + line.size() > options_.max_bytes) {
    if (Delivered settled = settle(interrupt); settled.what != Delivered::What::kDelivered) return settled;
    rotate();
  }
  if (!file_ && !open_file()) return failed("open");
  size_t written = 0;
  while (written < line.size()) {
    const ssize_t size = write(file_.number(), line.data() + written, line.size() - written);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) {
      const int error = errno;
      // So that no line stands behind half of one.
      static_cast<void>(ftruncate(file_.number(), static_cast<off_t>(size_)) == 0);
      errno = error;
      return failed("write");
    }
    written += static_cast<size_t>(size);
  }
  size_ += line.size();
  return {Delivered::What::kTaken, {}};
}

Delivered JsonFileSink::settle(const Interrupt&) {
  if (file_ && fdatasync(file_.number()) != 0) return failed("write");
  return {};
}

}  // namespace

std::unique_ptr<Sink> make_json_file_sink(JsonFileOptions options) {
  return std::make_unique<JsonFileSink>(std::move(options));
}

}  // namespace detectd

#include "src/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>

#include "engine/escape.h"
#include "engine/timestamp.h"
#include "src/clock.h"
#include "src/own_file.h"

namespace detectd {
namespace {

// pid 812 since 2026-11-22T08:00:00Z boot 2c1e... alive 123456789 running
struct Record {
  uint32_t pid = 0;
  std::string since;
  std::string boot_id;
  int64_t alive_boot_ns = 0;
  std::string state;
};

std::optional<Record> read_record(int file) {
  std::array<char, 512> buffer{};
  const ssize_t size = pread(file, buffer.data(), buffer.size() - 1, 0);
  if (size <= 0) return std::nullopt;
  std::istringstream text(std::string(buffer.data(), static_cast<size_t>(size)));
  Record record;
  std::string pid, since, boot, alive;
  text >> pid >> record.pid >> since >> record.since >> boot >> record.boot_id >> alive >>
      record.alive_boot_ns >> record.state;
  if (!text || pid != "pid" || alive != "alive") return std::nullopt;
  return record;
}

Error failure(const std::string& path) {
  const Errc code = errno == EACCES || errno == EPERM ? Errc::kPermission : Errc::kSystem;
  return {code, "cannot take the lock " + path + ": " + own_file_error(errno)};
}

}  // namespace

Result<RunLock> RunLock::take(const std::string& path, const std::string& boot_id) {
  const std::string directory = path.substr(0, path.rfind('/'));
  if (mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return failure(path);
  Fd file = open_own_file(path, O_RDWR | O_CREAT, 0644);
  if (!file) return failure(path);
  const std::optional<Record> last = read_record(file.number());
  if (flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failure(path);
    std::string who = "another detectd";
    if (last) who += " (pid " + std::to_string(last->pid) + ", since " + escape_text(last->since) + ")";
    return Error{Errc::kSystem, who + " holds " + path};
  }
  RunLock lock(std::move(file), "pid " + std::to_string(getpid()) + " since " +
                                    format_rfc3339(wall_clock_ns(), 0) + " boot " +
                                    (boot_id.empty() ? "-" : boot_id));
  // After the lock was got: until then the other may have written.
  const std::optional<Record> record = read_record(lock.file_.number());
  if (record && record->state == "running" && record->boot_id == boot_id) {
    lock.killed_ = Killed{.pid = record->pid, .alive_boot_ns = record->alive_boot_ns};
  }
  return lock;
}

// Who never watched leaves what the one before it left: nobody watched since.
RunLock::~RunLock() {
  if (file_ && has_beaten_) write(0, "ended");
}

void RunLock::beat(int64_t boot_ns) {
  has_beaten_ = true;
  write(boot_ns, "running");
}

void RunLock::write(int64_t boot_ns, const char* state) {
  const std::string text = head_ + " alive " + std::to_string(boot_ns) + " " + state + "\n";
  // What cannot be written makes the next daemon know less; nothing depends on it.
  if (pwrite(file_.number(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size())) {
    static_cast<void>(!ftruncate(file_.number(), static_cast<off_t>(text.size())));
  }
}

}  // namespace detectd

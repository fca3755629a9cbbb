#include "src/detectctl/rule_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

#include "engine/escape.h"
#include "src/stop.h"

namespace detectd {
namespace {

constexpr size_t kMaxDirectories = 8192;
constexpr uint32_t kMask = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                           IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::chrono::milliseconds kQuiet{50};
constexpr std::chrono::seconds kPatience{1};

Error watch_error(const std::string& path, int number) {
  const bool is_full = number == ENOSPC || number == EMFILE;
  return {number == ENOENT ? Errc::kNotFound : Errc::kSystem,
          "watch " + escape_text(path) + ": " +
              (is_full ? std::string("too many watches; see fs.inotify in /proc/sys")
                       : std::generic_category().message(number))};
}

// While it lives, signals that end the program come only into wait().
class HeldSignals {
 public:
  HeldSignals() {
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~HeldSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  // As poll(2). Nothing: without a time to wait.
  int wait(std::array<pollfd, 2>& asked, const std::chrono::milliseconds* time) const {
    timespec limit{};
    if (time != nullptr) limit.tv_nsec = static_cast<long>(time->count()) * 1'000'000;
    return ppoll(asked.data(), asked.size(), time == nullptr ? nullptr : &limit, &before_);
  }

 private:
  sigset_t before_{};
};

bool typed_q(int keyboard) {
  char keys[64];
  const ssize_t count = read(keyboard, keys, sizeof keys);
  // The terminal is gone.
  if (count == 0) return true;
  return count > 0 && std::find(keys, keys + count, 'q') != keys + count;
}

// A file that was made is looked at when it has been written; a link is written by nobody.
bool is_being_written(const inotify_event& event, const std::string& path) {
  struct stat info {};
  return (event.mask & IN_CREATE) != 0 && lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         info.st_nlink == 1;
}

bool is_rule_file(std::string_view name) { return name.ends_with(".toml") && !name.starts_with('.'); }

}  // namespace

bool RuleWatch::Directory::has(const std::string& name, bool is_directory) const {
  return names.contains(name) || (all && (is_directory || name.empty() || is_rule_file(name)));
}

Result<RuleWatch> RuleWatch::open(const std::vector<std::string>& paths) {
  RuleWatch watch;
  watch.inotify_ = Fd(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!watch.inotify_) return watch_error("rules", errno);
  for (const std::string& path : paths) {
    struct stat info {};
    // A file that is away for a moment comes back into its directory.
    const bool is_away = stat(path.c_str(), &info) != 0;
    if (is_away && errno != ENOENT) return watch_error(path, errno);
    const size_t name = path.rfind('/') + 1;
    const bool is_directory = !is_away && S_ISDIR(info.st_mode);
    Status status = is_directory
                        ? watch.add_tree(path)
                        : watch.add_directory(name == 0 ? "." : path.substr(0, name), path.substr(name));
    if (!status) return std::move(status).error();
  }
  return watch;
}

Status RuleWatch::add_directory(const std::string& path, const std::string& only) {
  const int number = inotify_add_watch(inotify_.number(), path.c_str(), kMask);
  if (number < 0) return watch_error(path, errno);
  auto known = std::find_if(directories_.begin(), directories_.end(),
                            [number](const auto& directory) { return directory.first == number; });
  if (known == directories_.end()) {
    if (directories_.size() == kMaxDirectories) return watch_error(path, ENOSPC);
    known = directories_.insert(known, {number, Directory{.path = path, .all = false, .names = {}}});
  }
  known->second.all |= only.empty();
  if (!only.empty()) known->second.names.insert(only);
  return {};
}

Status RuleWatch::add_tree(const std::string& path) {
  if (Status status = add_directory(path, {}); !status) return status;
  std::error_code error;
  std::filesystem::recursive_directory_iterator entries(path, error), end;
  for (; !error && entries != end; entries.increment(error)) {
    std::error_code gone;
    if (!entries->is_directory(gone) || entries->path().filename().string().starts_with('.')) continue;
    // One that has gone again meanwhile has no rules.
    Status status = add_directory(entries->path().string(), {});
    if (!status && status.error().code != Errc::kNotFound) return status;
  }
  return {};
}

std::string RuleWatch::read_changes() {
  std::string first;
  alignas(inotify_event) std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t count = read(inotify_.number(), buffer.data(), buffer.size());
    if (count <= 0) return first;
    for (ssize_t at = 0; at < count;) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* const text = buffer.data() + at + sizeof event;
      const std::string name(text, strnlen(text, event.len));
      at += static_cast<ssize_t>(sizeof event + event.len);
      if ((event.mask & IN_Q_OVERFLOW) != 0) first = first.empty() ? "rules" : first;
      for (const auto& [number, directory] : directories_) {
        if (number != event.wd || !directory.has(name, (event.mask & IN_ISDIR) != 0)) continue;
        const std::string path = directory.path + (directory.path.ends_with('/') ? "" : "/") + name;
        if (first.empty() && !is_being_written(event, path)) first = path;
      }
    }
  }
}

Result<RuleWatch::Woken> RuleWatch::wait(int keyboard) {
  const HeldSignals signals;
  Woken woken;
  // Polled without a limit until the first change, then until it is quiet.
  std::chrono::milliseconds waited{0};
  while (!stop_requested()) {
    std::array<pollfd, 2> asked = {pollfd{inotify_.number(), POLLIN, 0}, pollfd{keyboard, POLLIN, 0}};
    const int ready = signals.wait(asked, woken.changed ? &kQuiet : nullptr);
    if (ready < 0 && errno != EINTR) return watch_error("rules", errno);
    if (ready < 0) continue;
    if (ready == 0) return woken;
    if (asked[1].revents != 0 && typed_q(keyboard)) return Woken{};
    if (asked[0].revents == 0) continue;
    const std::string path = read_changes();
    if (path.empty()) continue;
    if (!woken.changed) woken.path = path;
    woken.changed = true;
    waited += kQuiet;
    if (waited > kPatience) return woken;
  }
  return Woken{};
}

struct RawKeyboard::Before {
  termios settings{};
};

RawKeyboard::RawKeyboard(int descriptor) : descriptor_(descriptor) {
  auto before = std::make_unique<Before>();
  if (isatty(descriptor) == 0 || tcgetattr(descriptor, &before->settings) != 0) return;
  termios raw = before->settings;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  if (tcsetattr(descriptor, TCSANOW, &raw) == 0) before_ = std::move(before);
}

RawKeyboard::~RawKeyboard() {
  if (before_) tcsetattr(descriptor_, TCSANOW, &before_->settings);
}

int RawKeyboard::descriptor() const { return before_ ? descriptor_ : -1; }

}  // namespace detectd

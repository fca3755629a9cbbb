#include "src/detectctl/own_child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <cstring>
#include <utility>

#include "src/clock.h"

namespace detectd {
namespace {

constexpr size_t kMaxLineBytes = size_t{1} << 20;
constexpr int64_t kStepNs = 10'000'000;

}  // namespace

Result<OwnChild> OwnChild::start(const std::vector<std::string>& words) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    return Error{Errc::kSystem, std::string("pipe: ") + std::strerror(errno)};
  Fd read_end(ends[0]);
  const Fd write_end(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, write_end.number(), 1);
  posix_spawn_file_actions_adddup2(&actions, write_end.number(), 2);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = -1;
  const int failed = posix_spawn(&pid, words.front().c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    return Error{Errc::kSystem, "cannot start " + words.front() + ": " + std::strerror(failed)};
  return OwnChild(pid, std::move(read_end));
}

OwnChild::OwnChild(OwnChild&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      output_(std::move(other.output_)),
      buffer_(std::move(other.buffer_)) {}

OwnChild::~OwnChild() { wait(0); }

bool OwnChild::has_ended() {
  if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) != 0) pid_ = -1;
  return pid_ <= 0;
}

// It is not waited for yet, so its pid is nobody else's.
void OwnChild::pause() {
  if (!has_ended()) kill(pid_, SIGSTOP);
}

void OwnChild::go_on() {
  if (!has_ended()) kill(pid_, SIGCONT);
}

void OwnChild::wait(int64_t timeout_ns) {
  const int64_t until_ns = steady_clock_ns() + timeout_ns;
  while (!has_ended()) {
    if (steady_clock_ns() >= until_ns) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
      pid_ = -1;
      return;
    }
    poll(nullptr, 0, static_cast<int>(kStepNs / 1'000'000));
  }
}

bool OwnChild::read_until(const std::function<bool(const std::string& line)>& is_it, int64_t timeout_ns) {
  const int64_t until_ns = steady_clock_ns() + timeout_ns;
  while (true) {
    for (size_t end = 0; (end = buffer_.find('\n')) != std::string::npos;) {
      const std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      if (is_it(line)) return true;
    }
    const int64_t left_ns = until_ns - steady_clock_ns();
    if (left_ns <= 0 || buffer_.size() > kMaxLineBytes) return false;
    pollfd polled{.fd = output_.number(), .events = POLLIN, .revents = 0};
    if (poll(&polled, 1, static_cast<int>(left_ns / 1'000'000 + 1)) <= 0) continue;
    std::array<char, 4096> bytes;
    const ssize_t size = read(output_.number(), bytes.data(), bytes.size());
    if (size <= 0) return false;
    buffer_.append(bytes.data(), static_cast<size_t>(size));
  }
}

}  // namespace detectd

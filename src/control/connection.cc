#include "src/control/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "engine/escape.h"

namespace detectd {
namespace {

// For the last words to get out.
constexpr int64_t kFarewellNs = 2'000'000'000;
constexpr size_t kReadBytes = size_t{16} << 10;

bool must_wait(int number) { return number == EAGAIN || number == EWOULDBLOCK || number == EINTR; }

}  // namespace

std::string to_string(const ControlPeer& peer) {
  std::string text = "uid " + std::to_string(peer.uid);
  if (peer.login_uid && *peer.login_uid != peer.uid) {
    text += " (login uid " + std::to_string(*peer.login_uid) + ")";
  }
  return text + ", pid " + std::to_string(peer.pid);
}

ControlConnection::ControlConnection(Fd socket, ControlPeer peer, const Limits& limits, uint64_t id,
                                     int64_t now_ns)
    : socket_(std::move(socket)),
      peer_(peer),
      limits_(limits),
      id_(id),
      due_ns_(now_ns + limits.request_ns) {}

short ControlConnection::events() const {
  short wanted = 0;
  if (state_ == State::kReading || state_ == State::kFollowing) wanted |= POLLIN;
  if (to_send() != 0) wanted |= POLLOUT;
  return wanted;
}

int64_t ControlConnection::deadline_ns() const {
  int64_t deadline = std::numeric_limits<int64_t>::max();
  if (due_ns_ != 0) deadline = due_ns_;
  if (read_due_ns_ != 0) deadline = std::min(deadline, read_due_ns_);
  return deadline;
}

void ControlConnection::handle(short events, int64_t now_ns) {
  if ((events & POLLOUT) != 0) send(now_ns);
  if ((events & POLLIN) != 0) receive(now_ns);
  // Who closed its side while it waited wants no answer.
  if ((events & (POLLHUP | POLLERR)) != 0 && (events & POLLIN) == 0) state_ = State::kClosed;
}

void ControlConnection::receive(int64_t now_ns) {
  std::array<char, kReadBytes> buffer;
  const ssize_t size = recv(socket(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0 && must_wait(errno)) return;
  if (size <= 0) {
    // Who asks nothing more may still want to read.
    const bool reads = size == 0 && state_ == State::kReading && to_send() != 0;
    state_ = reads ? State::kClosing : State::kClosed;
    return;
  }
  if (state_ == State::kFollowing) {
    return refuse({Errc::kUsage, "who follows events asks nothing else: open another connection"}, now_ns);
  }
  in_.append(buffer.data(), static_cast<size_t>(size));
}

std::optional<ControlRequest> ControlConnection::take_request(int64_t now_ns) {
  if (state_ != State::kReading || in_.empty()) return std::nullopt;
  const size_t end = in_.find('\n');
  if (end >= kMaxRequestBytes) {
    if (end == std::string::npos && in_.size() < kMaxRequestBytes) return std::nullopt;
    refuse({Errc::kFull, "a request has at most " + std::to_string(kMaxRequestBytes) + " bytes"}, now_ns);
    return std::nullopt;
  }
  const Result<ControlRequest> request = parse_request(std::string_view(in_).substr(0, end));
  in_.erase(0, end + 1);
  if (!request) {
    refuse(request.error(), now_ns);
    return std::nullopt;
  }
  request_ = *request;
  if (request_.verb == ControlRequest::Verb::kFollow) {
    state_ = State::kFollowing;
    due_ns_ = 0;
    needle_.clear();
    append_json_escaped(request_.contains, needle_);
    append(text_line("following"), now_ns);
    return std::nullopt;
  }
  state_ = State::kWaiting;
  const bool reloads = request_.verb == ControlRequest::Verb::kReload;
  due_ns_ = now_ns + (reloads ? limits_.reload_ns : limits_.answer_ns);
  return request_;
}

void ControlConnection::append(std::string_view lines, int64_t now_ns) {
  if (to_send() == 0) read_due_ns_ = now_ns + limits_.read_ns;
  out_ += lines;
  send(now_ns);
}

void ControlConnection::send(int64_t now_ns) {
  while (to_send() != 0) {
    const ssize_t size = ::send(socket(), out_.data() + sent_, to_send(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0 && must_wait(errno)) return;
    if (size <= 0) {
      state_ = State::kClosed;
      return;
    }
    sent_ += static_cast<size_t>(size);
    read_due_ns_ = now_ns + limits_.read_ns;
    if (sent_ > (size_t{1} << 16)) {
      out_.erase(0, sent_);
      sent_ = 0;
    }
  }
  out_.clear();
  sent_ = 0;
  read_due_ns_ = 0;
  if (state_ == State::kClosing) state_ = State::kClosed;
}

void ControlConnection::answer(std::string_view lines, int64_t now_ns) {
  if (state_ != State::kWaiting) return;
  state_ = State::kReading;
  due_ns_ = now_ns + limits_.request_ns;
  append(lines, now_ns);
}

void ControlConnection::refuse(const Error& error, int64_t now_ns) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosing;
  due_ns_ = now_ns + kFarewellNs;
  append(error_line(error), now_ns);
}

void ControlConnection::show(const EventFeed::Line& line, int64_t now_ns) {
  if (line.is_hit ? !request_.hits : !request_.kinds.has(line.kind)) return;
  if (!needle_.empty() && line.json.find(needle_) == std::string::npos) return;
  if (to_send() > limits_.max_followed_bytes) {
    ++missed_;
    return;
  }
  tell_missed(now_ns);
  append(line.json, now_ns);
}

void ControlConnection::tell_missed(int64_t now_ns) {
  if (missed_ == 0 || to_send() > limits_.max_followed_bytes) return;
  append("{\"type\":\"missed\",\"lines\":" + std::to_string(missed_) + "}\n", now_ns);
  missed_ = 0;
}

void ControlConnection::check_time(int64_t now_ns) {
  if (read_due_ns_ != 0 && now_ns >= read_due_ns_) {
    state_ = State::kClosed;
    return;
  }
  if (!is_due(now_ns) || state_ == State::kClosed) return;
  if (state_ == State::kWaiting) {
    return refuse({Errc::kSystem, "detectd is busy and did not answer in time"}, now_ns);
  }
  // Its answer is still on the way; then it has its time for another question.
  if (state_ == State::kReading && to_send() != 0) return;
  state_ = State::kClosed;
}

}  // namespace detectd

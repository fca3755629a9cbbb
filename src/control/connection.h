// One client of the control socket: what it sent, what it is to get, and how long it may take for each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/control/event_feed.h"
#include "src/control/protocol.h"
#include "src/fd.h"

namespace detectd {

// Who asks, as the kernel says.
struct ControlPeer {
  int64_t pid = 0;
  uint32_t uid = 0;
  std::optional<uint32_t> login_uid = std::nullopt;  // who logged in, whatever it became since
};
// `uid 0 (login uid 1000), pid 4242`
std::string to_string(const ControlPeer& peer);

class ControlConnection {
 public:
  struct Limits {
    int64_t request_ns = 5'000'000'000;  // for a whole request, from the connection or the last answer on
    int64_t answer_ns = 5'000'000'000;   // for the daemon to get to it
    int64_t reload_ns = 60'000'000'000;
    int64_t read_ns = 30'000'000'000;  // for the client to read anything of what waits for it
    size_t max_followed_bytes = size_t{256} << 10;
  };

  ControlConnection(Fd socket, ControlPeer peer, const Limits& limits, uint64_t id, int64_t now_ns);

  uint64_t id() const { return id_; }
  const ControlPeer& peer() const { return peer_; }
  int socket() const { return socket_.number(); }
  bool closed() const { return state_ == State::kClosed; }
  bool waiting() const { return state_ == State::kWaiting; }
  // The request that it follows by; null: it does not.
  const ControlRequest* following() const { return state_ == State::kFollowing ? &request_ : nullptr; }
  // As of poll(2).
  short events() const;
  // When something is to be done though nothing happened.
  int64_t deadline_ns() const;

  // What poll(2) saw.
  void handle(short events, int64_t now_ns);
  // A request that has just come whole: to be asked of the daemon.
  std::optional<ControlRequest> take_request(int64_t now_ns);
  // The answer to it, last line included.
  void answer(std::string_view lines, int64_t now_ns);
  // Ends the connection, once it got this.
  void refuse(const Error& error, int64_t now_ns);
  // A line that it may want to follow; `missed` in all so far is what nobody got.
  void show(const EventFeed::Line& line, int64_t now_ns);
  void note_missed(uint64_t missed) { missed_ += missed; }
  void tell_missed(int64_t now_ns);
  bool is_due(int64_t now_ns) const { return due_ns_ != 0 && now_ns >= due_ns_; }
  // As long again as for the daemon to get to it.
  void wait_longer(int64_t now_ns) { due_ns_ = now_ns + limits_.answer_ns; }
  // Whose time is up is told so, or left.
  void check_time(int64_t now_ns);

 private:
  enum class State : uint8_t { kReading, kWaiting, kFollowing, kClosing, kClosed };

  void receive(int64_t now_ns);
  void send(int64_t now_ns);
  void append(std::string_view lines, int64_t now_ns);
  size_t to_send() const { return out_.size() - sent_; }

  Fd socket_;
  ControlPeer peer_;
  const Limits& limits_;
  uint64_t id_;
  State state_ = State::kReading;
  int64_t due_ns_;           // of the state; 0: never
  int64_t read_due_ns_ = 0;  // for the client to read; while something waits for it
  std::string in_;
  std::string out_;
  size_t sent_ = 0;
  ControlRequest request_;
  std::string needle_;  // as it stands in JSON
  uint64_t missed_ = 0;
};

}  // namespace detectd

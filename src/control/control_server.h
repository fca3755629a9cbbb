// The control socket of a daemon, served by a thread of its own. The thread that judges is asked for what only it
// knows, between two chunks, and waits for nobody: neither for a client nor for the thread that serves.
//
//   client ─► socket ─► [who is it? a request? at most 64 KiB, 5 s] ─► asked ─► serve(), by who judges
//          ◄─ lines  ◄───────────────────────────────────────────── answers ◄─┘
//
// Root may ask, the user that the daemon runs as, and a group that the configuration names. How many clients there are
// is bounded, and how many of one user: nobody keeps root out.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/result.h"
#include "src/control/connection.h"
#include "src/control/event_feed.h"
#include "src/control/protocol.h"
#include "src/fd.h"

namespace detectd {

// Lines of an answer, each of them whole, without the last.
struct ControlAnswer {
  std::string lines = {};
  // What takes its time: called by the thread that serves. More lines, or how the answer ends. May be empty.
  std::function<Result<std::string>()> more = {};
  std::optional<Error> error = std::nullopt;  // the answer ends with it
};

class ControlServer {
 public:
  using Handler = std::function<ControlAnswer(const ControlRequest&, const ControlPeer&)>;

  struct Options {
    std::string path = kControlPath;
    std::optional<uint32_t> group = std::nullopt;  // its id
    ControlConnection::Limits limits = {};
    size_t max_clients = 16;
    size_t max_clients_of_user = 4;  // but of root
  };
  struct Counters {
    std::atomic<uint64_t> clients{0};  // at all
    std::atomic<uint64_t> refused{0};  // of them: not permitted, or too many
  };

  // Takes the place of a socket that an earlier daemon left; Errc::kSystem where one still answers there.
  static Result<std::unique_ptr<ControlServer>> open(Options options);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  // By the thread that judges, between two chunks. Costs next to nothing where nobody asked.
  void serve(const Handler& handler);

  EventFeed& feed() { return feed_; }
  const Counters& counters() const { return counters_; }

 private:
  struct Question {
    uint64_t client = 0;
    ControlRequest request;
    ControlPeer peer;
  };
  struct Answered {
    uint64_t client = 0;
    ControlAnswer answer;
  };

  explicit ControlServer(Options options) : options_(std::move(options)) {}
  Status listen();
  void run();
  void turn();
  void wait();
  void accept_clients(int64_t now_ns);
  std::optional<Error> refusal(const ControlPeer& peer, int socket) const;
  void ask(int64_t now_ns);
  void take_answers(int64_t now_ns);
  // False where it was taken already.
  bool withdraw(uint64_t client);
  void show_feed(int64_t now_ns);
  bool hand_over();

  Options options_;
  Fd lock_;
  Fd listener_;
  Fd wake_;
  std::atomic<bool> stop_{false};
  EventFeed feed_;
  Counters counters_;

  std::mutex mutex_;
  std::vector<Question> asked_;
  std::vector<Answered> answered_;
  std::atomic<bool> has_asked_{false};
  std::vector<Answered> given_;  // the judging thread's: to be handed over

  // The thread's own.
  std::vector<std::unique_ptr<ControlConnection>> clients_;
  uint64_t next_id_ = 1;
  uint64_t feed_missed_ = 0;
  EventFeed::Line line_;
  std::thread thread_;
};

}  // namespace detectd

#include "src/control/control_server.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <new>

#include "engine/escape.h"
#include "src/clock.h"
#include "src/own_file.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr int kBacklog = 16;
constexpr size_t kAcceptsATurn = 32;
constexpr int64_t kFeedNs = 20'000'000;
constexpr int64_t kLongestWaitNs = 1'000'000'000;
constexpr size_t kMaxGroups = 1024;
// Nobody logged in (audit).
constexpr uint32_t kNoLogin = 0xFFFFFFFF;

Error failure(const std::string& path, const char* what) {
  const Errc code = errno == EACCES || errno == EPERM ? Errc::kPermission : Errc::kSystem;
  return {code, "cannot " + std::string(what) + " the control socket " + path + ": " + own_file_error(errno)};
}

std::optional<uint32_t> read_login_uid(int64_t pid) {
  const Fd file(open(("/proc/" + std::to_string(pid) + "/loginuid").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 16> text{};
  if (!file || read(file.number(), text.data(), text.size() - 1) <= 0) return std::nullopt;
  uint32_t uid = kNoLogin;
  std::from_chars(text.data(), text.data() + text.size(), uid);
  return uid == kNoLogin ? std::nullopt : std::optional(uid);
}

ControlPeer read_peer(int socket) {
  ucred who{};
  socklen_t size = sizeof who;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return {.pid = 0, .uid = kNoLogin};
  return {.pid = who.pid, .uid = who.uid, .login_uid = read_login_uid(who.pid)};
}

bool is_in_group(int socket, uint32_t group) {
  ucred who{};
  socklen_t size = sizeof who;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.gid == group) return true;
  std::vector<gid_t> groups(kMaxGroups);
  size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return false;
  const auto end = groups.begin() + static_cast<std::ptrdiff_t>(size / sizeof(gid_t));
  return std::find(groups.begin(), end, group) != end;
}

// What the thread that judges may have raised for itself.
void be_ordinary() {
  const auto self = static_cast<id_t>(syscall(SYS_gettid));
  if (getpriority(PRIO_PROCESS, self) < 0) setpriority(PRIO_PROCESS, self, 0);
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::open(Options options) {
  std::unique_ptr<ControlServer> server(new ControlServer(std::move(options)));
  if (Status status = server->listen(); !status) return std::move(status).error();
  // Signals are for the thread that judges.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  server->thread_ = std::thread([self = server.get()] { self->run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return server;
}

ControlServer::~ControlServer() {
  if (!thread_.joinable()) return;
  stop_ = true;
  eventfd_write(wake_.number(), 1);
  thread_.join();
  unlink(options_.path.c_str());
}

// Bound under another name and put into place whole: nobody connects before its mode is right.
Status ControlServer::listen() {
  const std::string& path = options_.path;
  const std::string made = path + ".new";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (made.size() >= sizeof address.sun_path) {
    return Error{Errc::kUsage, "the path of the control socket is too long: " + path};
  }
  std::memcpy(address.sun_path, made.c_str(), made.size() + 1);
  mkdir(path.substr(0, path.rfind('/')).c_str(), 0755);
  lock_ = open_own_file(path + ".lock", O_RDWR | O_CREAT);
  if (!lock_) return failure(path, "lock");
  if (flock(lock_.number(), LOCK_EX | LOCK_NB) != 0) {
    return Error{Errc::kSystem, "another detectd answers at " + path};
  }
  listener_.reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  wake_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!listener_ || !wake_) return failure(path, "make");
  unlink(made.c_str());
  if (bind(listener_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failure(path, "make");
  }
  const bool placed =
      (!options_.group || lchown(made.c_str(), static_cast<uid_t>(-1), *options_.group) == 0) &&
      chmod(made.c_str(), 0660) == 0 && ::listen(listener_.number(), kBacklog) == 0 &&
      rename(made.c_str(), path.c_str()) == 0;
  if (!placed) {
    Error error = failure(path, "open");
    unlink(made.c_str());
    return error;
  }
  return {};
}

void ControlServer::run() {
  be_ordinary();
  while (!stop_) {
    try {
      turn();
    } catch (const std::bad_alloc&) {
      // Who asked for so much goes; what is judged is not touched.
      clients_.clear();
    }
  }
}

void ControlServer::turn() {
  wait();
  const int64_t now_ns = steady_clock_ns();
  take_answers(now_ns);
  accept_clients(now_ns);
  ask(now_ns);
  show_feed(now_ns);
  for (const auto& client : clients_) {
    // Before it is told that nobody got to it: what is being done already will have an answer.
    if (client->waiting() && client->is_due(now_ns) && !withdraw(client->id())) client->wait_longer(now_ns);
    client->check_time(now_ns);
    // Nor is who left obeyed later.
    if (has_asked_ && !client->waiting()) withdraw(client->id());
  }
  std::erase_if(clients_, [](const auto& client) { return client->closed(); });
}

void ControlServer::wait() {
  std::vector<pollfd> polled = {{.fd = wake_.number(), .events = POLLIN, .revents = 0},
                                {.fd = listener_.number(), .events = POLLIN, .revents = 0}};
  const int64_t now_ns = steady_clock_ns();
  int64_t wait_ns = kLongestWaitNs;
  for (const auto& client : clients_) {
    polled.push_back({.fd = client->socket(), .events = client->events(), .revents = 0});
    wait_ns = std::min(wait_ns, client->deadline_ns() - now_ns);
    if (client->following() != nullptr) wait_ns = std::min(wait_ns, kFeedNs);
  }
  poll(polled.data(), polled.size(), static_cast<int>(std::max<int64_t>(0, wait_ns) / 1'000'000 + 1));
  eventfd_t ignored = 0;
  eventfd_read(wake_.number(), &ignored);
  const int64_t then_ns = steady_clock_ns();
  for (size_t i = 2; i < polled.size(); ++i) clients_[i - 2]->handle(polled[i].revents, then_ns);
}

void ControlServer::accept_clients(int64_t now_ns) {
  for (size_t i = 0; i < kAcceptsATurn; ++i) {
    Fd socket(accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) return;
    ++counters_.clients;
    const ControlPeer peer = read_peer(socket.number());
    const std::optional<Error> refused = refusal(peer, socket.number());
    auto client =
        std::make_unique<ControlConnection>(std::move(socket), peer, options_.limits, next_id_++, now_ns);
    if (refused) {
      // Told once, without waiting: who does not read it at once does not get it.
      ++counters_.refused;
      client->refuse(*refused, now_ns);
      continue;
    }
    clients_.push_back(std::move(client));
  }
}

std::optional<Error> ControlServer::refusal(const ControlPeer& peer, int socket) const {
  const bool may =
      peer.uid == 0 || peer.uid == geteuid() || (options_.group && is_in_group(socket, *options_.group));
  if (!may) {
    return Error{Errc::kPermission, to_string(peer) +
                                        " may not ask this detectd: root may, and the group that " +
                                        "control.group in its configuration names"};
  }
  const auto of_user = std::count_if(clients_.begin(), clients_.end(),
                                     [&](const auto& client) { return client->peer().uid == peer.uid; });
  const size_t max_of_user = peer.uid == 0 ? options_.max_clients : options_.max_clients_of_user;
  // What others may have leaves room for root.
  const size_t max_in_all =
      peer.uid == 0 ? options_.max_clients : options_.max_clients - options_.max_clients_of_user;
  if (static_cast<size_t>(of_user) >= max_of_user || clients_.size() >= max_in_all) {
    return Error{Errc::kFull, "too many ask detectd already: " + plural(clients_.size(), "connection") +
                                  "; try again when one has ended"};
  }
  return std::nullopt;
}

void ControlServer::ask(int64_t now_ns) {
  KindSet kinds;
  bool hits = false;
  for (const auto& client : clients_) {
    if (auto request = client->take_request(now_ns)) {
      const std::lock_guard lock(mutex_);
      asked_.push_back({client->id(), *std::move(request), client->peer()});
      has_asked_.store(true, std::memory_order_release);
    }
    if (const ControlRequest* following = client->following()) {
      kinds = kinds.with(following->kinds);
      hits |= following->hits;
    }
  }
  feed_.want(kinds, hits);
}

bool ControlServer::withdraw(uint64_t client) {
  const std::lock_guard lock(mutex_);
  return std::erase_if(asked_, [client](const Question& question) { return question.client == client; }) != 0;
}

void ControlServer::take_answers(int64_t now_ns) {
  std::vector<Answered> answered;
  {
    const std::lock_guard lock(mutex_);
    answered.swap(answered_);
  }
  for (Answered& given : answered) {
    const auto client = std::find_if(clients_.begin(), clients_.end(), [&](const auto& one) {
      return one->id() == given.client && !one->closed();
    });
    if (client == clients_.end()) continue;
    std::string lines = std::move(given.answer.lines);
    std::optional<Error> error = std::move(given.answer.error);
    if (given.answer.more) {
      const Result<std::string> more = given.answer.more();
      if (more) lines += *more;
      if (!more) error = more.error();
    }
    lines += error ? error_line(*error) : done_line();
    (*client)->answer(lines, now_ns);
  }
}

void ControlServer::show_feed(int64_t now_ns) {
  const uint64_t missed = feed_.missed();
  while (feed_.pop(line_)) {
    for (const auto& client : clients_) {
      if (client->following() != nullptr) client->show(line_, now_ns);
    }
  }
  for (const auto& client : clients_) {
    if (client->following() == nullptr) continue;
    client->note_missed(missed - feed_missed_);
    client->tell_missed(now_ns);
  }
  feed_missed_ = missed;
}

// False where the other thread has the lock just now.
bool ControlServer::hand_over() {
  if (given_.empty()) return true;
  {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) return false;
    for (Answered& given : given_) answered_.push_back(std::move(given));
  }
  given_.clear();
  eventfd_write(wake_.number(), 1);
  return true;
}

void ControlServer::serve(const Handler& handler) {
  if (!hand_over() || !has_asked_.load(std::memory_order_acquire)) return;
  std::vector<Question> questions;
  {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) return;
    questions.swap(asked_);
    has_asked_.store(false, std::memory_order_release);
  }
  for (const Question& question : questions) {
    given_.push_back({question.client, handler(question.request, question.peer)});
  }
  hand_over();
}

}  // namespace detectd

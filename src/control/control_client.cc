#include "src/control/control_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "engine/escape.h"
#include "src/clock.h"
#include "src/stop.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr int64_t kLookForStopNs = 200'000'000;

}  // namespace

Result<ControlClient> ControlClient::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Error{Errc::kUsage, "the path of the socket is too long"};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return Error{Errc::kSystem, std::string("socket: ") + std::strerror(errno)};
  if (::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return ControlClient(std::move(socket), path);
  }
  const int number = errno;
  if (number == EACCES || number == EPERM) {
    return Error{Errc::kPermission,
                 "only root may ask the detectd at " + path +
                     ", and the group that control.group in its configuration names: use sudo"};
  }
  std::string help = "is it running? systemctl status detectd";
  if (number != ENOENT && number != ECONNREFUSED) help = std::strerror(number);
  return Error{Errc::kSystem, "no detectd answers at " + path + ": " + help};
}

Error ControlClient::lost(const std::string& what) const {
  return {Errc::kSystem, "the detectd at " + path_ + " " + what};
}

Status ControlClient::ask(const ControlRequest& request) {
  const std::string line = encode(request);
  size_t sent = 0;
  while (sent < line.size()) {
    const ssize_t size = send(socket_.number(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    // What it said before it hung up is still to be read.
    if (size <= 0) break;
    sent += static_cast<size_t>(size);
  }
  return {};
}

Result<std::optional<JsonValue>> ControlClient::next(std::optional<int64_t> timeout_ns) {
  const int64_t until_ns = timeout_ns ? steady_clock_ns() + *timeout_ns : 0;
  size_t end = buffer_.find('\n', begin_);
  while (end == std::string::npos) {
    if (buffer_.size() - begin_ > kMaxAnswerLineBytes) return lost("sent a line without an end");
    if (stop_requested()) return std::optional<JsonValue>();
    int64_t wait_ns = kLookForStopNs;
    if (timeout_ns) wait_ns = std::min(wait_ns, until_ns - steady_clock_ns());
    if (wait_ns <= 0) return lost("does not answer: it is busy, or was stopped");
    pollfd polled{.fd = socket_.number(), .events = POLLIN, .revents = 0};
    if (poll(&polled, 1, static_cast<int>(wait_ns / 1'000'000 + 1)) <= 0) continue;
    std::array<char, size_t{64} << 10> bytes;
    const ssize_t size = recv(socket_.number(), bytes.data(), bytes.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return lost("ended the connection");
    buffer_.erase(0, begin_);
    begin_ = 0;
    const size_t searched = buffer_.size();
    buffer_.append(bytes.data(), static_cast<size_t>(size));
    end = buffer_.find('\n', searched);
  }
  const std::string_view line = std::string_view(buffer_).substr(begin_, end - begin_);
  Result<JsonValue> object = parse_json_object(line);
  begin_ = end + 1;
  if (!object) return lost("sent what is no answer: " + object.error().message);
  const std::string type = object->text_of("type");
  if (type == "done") return std::optional<JsonValue>();
  if (type == "error") return Error{find_errc(object->text_of("code")), object->text_of("message")};
  return std::optional<JsonValue>(*std::move(object));
}

}  // namespace detectd

#include "src/enrich/sock_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "src/fd.h"

namespace detectd {
namespace {

constexpr std::array<uint8_t, 12> kMappedIpv4 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr size_t kBufferBytes = size_t{32} << 10;

bool is_mapped(const std::array<uint8_t, 16>& address) {
  return std::equal(kMappedIpv4.begin(), kMappedIpv4.end(), address.begin());
}

Error failed(int number) {
  return Error{Errc::kSystem, "list the sockets of this host: " + std::generic_category().message(number)};
}

template <typename Question>
bool ask(int netlink, uint16_t type, const Question& question) {
  struct {
    nlmsghdr header;
    Question question;
  } message{};
  message.header.nlmsg_len = sizeof(message);
  message.header.nlmsg_type = type;
  message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  message.question = question;
  return send(netlink, &message, sizeof(message), 0) == static_cast<ssize_t>(sizeof(message));
}

bool ask_for(int netlink, int family, const DiagQuestion& question) {
  inet_diag_req_v2 asked{};
  asked.sdiag_family = static_cast<uint8_t>(family);
  asked.sdiag_protocol = question.udp ? IPPROTO_UDP : IPPROTO_TCP;
  asked.idiag_states = question.states;
  return ask(netlink, SOCK_DIAG_BY_FAMILY, asked);
}

// Of both families. It is the older question, which knows of no families (inet_diag_dump_compat() of the kernel): to walk
// through the table of all connections takes long however few there are, 0.35 ms where it has 262,144 places, and the
// newer one takes it for each family.
bool ask_for_tcp(int netlink, uint32_t states) {
  inet_diag_req asked{};
  asked.idiag_states = states;
  return ask(netlink, TCPDIAG_GETSOCK, asked);
}

enum class Answer : uint8_t { kMore, kDone, kEnough, kBroken };

// The messages of one datagram. On kBroken errno says why.
Answer read_datagram(std::string_view datagram, bool udp,
                     const std::function<bool(const DiagSocket&)>& visit) {
  errno = EPROTO;
  while (datagram.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, datagram.data(), sizeof(header));
    if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > datagram.size()) return Answer::kBroken;
    const std::string_view payload = datagram.substr(sizeof(header), header.nlmsg_len - sizeof(header));
    if (header.nlmsg_type == NLMSG_DONE) return Answer::kDone;
    if (header.nlmsg_type == NLMSG_ERROR) {
      int error = 0;
      if (payload.size() >= sizeof(error)) std::memcpy(&error, payload.data(), sizeof(error));
      if (error < 0) errno = -error;
      return Answer::kBroken;
    }
    if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY || header.nlmsg_type == TCPDIAG_GETSOCK) {
      std::optional<DiagSocket> socket = parse_diag(payload);
      if (socket) socket->udp = udp;
      if (socket && !visit(*socket)) return Answer::kEnough;
    }
    datagram.remove_prefix(std::min<size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
  }
  return Answer::kMore;
}

// All that answers one question; never kMore.
Answer read_answer(int netlink, bool udp, std::string& buffer,
                   const std::function<bool(const DiagSocket&)>& visit) {
  while (true) {
    sockaddr_nl sender{};
    socklen_t size = sizeof(sender);
    const ssize_t got =
        recvfrom(netlink, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&sender), &size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Answer::kBroken;
    // Only the kernel has no port; nobody else can answer.
    if (sender.nl_pid != 0) continue;
    const Answer answer = read_datagram({buffer.data(), static_cast<size_t>(got)}, udp, visit);
    if (answer != Answer::kMore) return answer;
  }
}

}  // namespace

bool SocketEnd::is_any() const {
  const size_t first = is_mapped(address) ? kMappedIpv4.size() : 0;
  return std::all_of(address.begin() + static_cast<ptrdiff_t>(first), address.end(),
                     [](uint8_t byte) { return byte == 0; });
}

std::string SocketEnd::ip() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool ipv4 = is_mapped(address);
  inet_ntop(ipv4 ? AF_INET : AF_INET6, address.data() + (ipv4 ? kMappedIpv4.size() : 0), text.data(),
            text.size());
  return text.data();
}

std::optional<SocketEnd> make_end(int family, std::string_view address, uint16_t port) {
  const size_t size = family == AF_INET ? 4 : 16;
  if ((family != AF_INET && family != AF_INET6) || address.size() != size) return std::nullopt;
  SocketEnd end{.address = {}, .port = port};
  if (family == AF_INET) std::copy(kMappedIpv4.begin(), kMappedIpv4.end(), end.address.begin());
  std::memcpy(end.address.data() + end.address.size() - size, address.data(), size);
  return end;
}

std::optional<DiagSocket> parse_diag(std::string_view payload) {
  inet_diag_msg message{};
  if (payload.size() < sizeof(message)) return std::nullopt;
  std::memcpy(&message, payload.data(), sizeof(message));
  const auto end = [&](const auto& address, uint16_t port) {
    const size_t size = message.idiag_family == AF_INET ? 4 : 16;
    return make_end(message.idiag_family, {reinterpret_cast<const char*>(address), size}, ntohs(port));
  };
  const auto local = end(message.id.idiag_src, message.id.idiag_sport);
  const auto remote = end(message.id.idiag_dst, message.id.idiag_dport);
  if (!local || !remote) return std::nullopt;
  return DiagSocket{.cookie = uint64_t{message.id.idiag_cookie[1]} << 32 | message.id.idiag_cookie[0],
                    .inode = message.idiag_inode,
                    .state = static_cast<SocketState>(message.idiag_state),
                    .udp = false,
                    .local = *local,
                    .remote = *remote};
}

Status list_sockets(const DiagQuestion& question, std::string& buffer,
                    const std::function<bool(const DiagSocket&)>& visit) {
  const Fd netlink(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink) return failed(errno);
  buffer.resize(kBufferBytes);
  bool visited = false;
  const auto note = [&](const DiagSocket& socket) {
    visited = true;
    return visit(socket);
  };
  const auto read = [&](bool asked) {
    return asked ? read_answer(netlink.number(), question.udp, buffer, note) : Answer::kBroken;
  };
  if (!question.udp) {
    const Answer answer = read(ask_for_tcp(netlink.number(), question.states));
    if (answer != Answer::kBroken) return {};
    if (visited) return failed(errno);
  }
  for (const int family : {AF_INET, AF_INET6}) {
    const Answer answer = read(ask_for(netlink.number(), family, question));
    if (answer == Answer::kEnough) break;
    if (answer == Answer::kBroken && family == AF_INET) return failed(errno);
  }
  return {};
}

}  // namespace detectd

#include "src/enrich/file_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/timestamp.h"
#include "src/bare_process.h"
#include "src/clock.h"

namespace detectd {
namespace {

constexpr size_t kPipeBytes = size_t{1} << 20;

// With an order come the file and the pipe; its end is told by as many bytes.
constexpr char kOrder = 1;

struct Parcel {
  char order = kOrder;
  iovec part{.iov_base = &order, .iov_len = 1};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
  msghdr header{};

  Parcel() {
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
  }
  Parcel(const Parcel&) = delete;
  Parcel& operator=(const Parcel&) = delete;
};

bool send_order(int socket, int file, int pipe) {
  Parcel parcel;
  cmsghdr* const rights = CMSG_FIRSTHDR(&parcel.header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(2 * sizeof(int));
  const int files[] = {file, pipe};
  std::memcpy(CMSG_DATA(rights), files, sizeof files);
  return sendmsg(socket, &parcel.header, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

struct Order {
  int file = -1;
  int pipe = -1;
};

// Waits. Nothing: nobody gives orders any more.
std::optional<Order> take_order(int socket) {
  Parcel parcel;
  ssize_t size = 0;
  do {
    size = recvmsg(socket, &parcel.header, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  const cmsghdr* const rights = size == 1 ? CMSG_FIRSTHDR(&parcel.header) : nullptr;
  if (rights == nullptr || rights->cmsg_type != SCM_RIGHTS || rights->cmsg_len != CMSG_LEN(2 * sizeof(int)))
    return std::nullopt;
  int files[2];
  std::memcpy(files, CMSG_DATA(rights), sizeof files);
  return Order{.file = files[0], .pipe = files[1]};
}

[[noreturn]] void serve(int inherited, FileReader::Copy copy, pid_t parent) {
  const int socket = shed_what_was_inherited(inherited, "detectd-reader", parent);
  setpriority(PRIO_PROCESS, 0, 0);
  while (const auto order = take_order(socket)) {
    copy(order->file, order->pipe);
    close(order->file);
    close(order->pipe);
    if (send(socket, &kOrder, 1, MSG_NOSIGNAL) != 1) break;
  }
  _exit(0);
}

// False: its end has not come by then.
bool is_readable(int pipe, int64_t until_ns) {
  pollfd source{.fd = pipe, .events = POLLIN, .revents = 0};
  while (true) {
    const int64_t left_ns = std::max<int64_t>(0, until_ns - steady_clock_ns());
    const timespec wait{.tv_sec = left_ns / kNanosPerSecond, .tv_nsec = left_ns % kNanosPerSecond};
    const int ready = ppoll(&source, 1, &wait, nullptr);
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

}  // namespace

std::optional<FileVersion> version_of(int file) {
  constexpr unsigned kWanted = STATX_TYPE | STATX_INO | STATX_SIZE | STATX_MTIME | STATX_CTIME;
  struct statx info {};
  if (statx(file, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, kWanted, &info) != 0 || !S_ISREG(info.stx_mode))
    return std::nullopt;
  const auto ns = [](const statx_timestamp& time) { return time.tv_sec * kNanosPerSecond + time.tv_nsec; };
  return FileVersion(makedev(info.stx_dev_major, info.stx_dev_minor), info.stx_ino, info.stx_size,
                     ns(info.stx_mtime), ns(info.stx_ctime));
}

void FileReader::copy_file(int file, int pipe) {
  char name[] = "/proc/self/fd/\0\0\0\0\0\0\0\0\0\0";
  char* digit = name + sizeof "/proc/self/fd/" - 1;
  int scale = 1;
  while (file / scale >= 10) scale *= 10;
  for (; scale > 0; scale /= 10) *digit++ = static_cast<char>('0' + file / scale % 10);
  const int opened = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (opened < 0) return;
  // Not with sendfile(2): of pages that are not read yet, who takes them out of the pipe waits for the file.
  std::array<char, size_t{64} << 10> piece;
  while (true) {
    const ssize_t got = ::read(opened, piece.data(), piece.size());
    if (got <= 0) break;
    if (write(pipe, piece.data(), static_cast<size_t>(got)) != got) break;
  }
  close(opened);
}

FileReader::~FileReader() {
  take_ends();
  for (Process& process : processes_) {
    // It may be stopped, and keeps nothing.
    syscall(SYS_pidfd_send_signal, process.pidfd.number(), SIGKILL, nullptr, 0);
    siginfo_t ended{};
    if (!process.late) waitid(P_PIDFD, static_cast<id_t>(process.pidfd.number()), &ended, WEXITED);
  }
}

// Forgets those that are no more.
void FileReader::take_ends() {
  std::erase_if(processes_, [](Process& process) {
    std::array<char, 64> ends;
    const ssize_t size = recv(process.socket.number(), ends.data(), ends.size(), MSG_DONTWAIT);
    if (size > 0) process.unended -= std::min(process.unended, static_cast<size_t>(size));
    if (process.unended == 0) process.late.reset();
    const bool is_gone = size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
    siginfo_t ended{};
    if (is_gone) waitid(P_PIDFD, static_cast<id_t>(process.pidfd.number()), &ended, WEXITED);
    return is_gone;
  });
}

bool FileReader::accepts(const FileVersion& version) {
  take_ends();
  const dev_t device = std::get<0>(version);
  size_t late = 0;
  for (const Process& process : processes_) {
    if (!process.late) continue;
    ++late;
    if (std::get<0>(*process.late) == device) return false;
  }
  return late < (major(device) == 0 ? kMaxProcesses - 1 : kMaxProcesses);
}

// Null: there can not be another one.
FileReader::Process* FileReader::idle_process() {
  const auto idle =
      std::find_if(processes_.begin(), processes_.end(), [](const auto& one) { return !one.late; });
  if (idle != processes_.end()) return &*idle;
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) return nullptr;
  Process process{.pidfd = {}, .socket = Fd(sockets[0]), .unended = 0, .late = {}};
  const Fd theirs(sockets[1]);
  const pid_t parent = getpid();
  const pid_t child = clone_bare(process.pidfd);
  if (child == 0) serve(theirs.number(), copy_, parent);
  return child < 0 ? nullptr : &processes_.emplace_back(std::move(process));
}

FileReader::Answer FileReader::read(const Fd& file, const FileVersion& version, int64_t wait_ns) {
  const int64_t until_ns = steady_clock_ns() + wait_ns;
  const Answer failed{.in_time = true, .digest = {}};
  Process* const process = idle_process();
  int ends[2];
  if (process == nullptr || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return failed;
  const Fd from(ends[0]);
  Fd to(ends[1]);
  fcntl(to.number(), F_SETFL, 0);
  fcntl(from.number(), F_SETPIPE_SZ, static_cast<int>(kPipeBytes));
  if (!send_order(process->socket.number(), file.number(), to.number())) return failed;
  ++process->unended;
  to.reset();
  std::vector<char> buffer(kPipeBytes);
  Sha256Hasher hasher;
  const uint64_t size = std::get<2>(version);
  uint64_t done = 0;
  // Until it is at the end, who copies may hang.
  process->late = version;
  while (is_readable(from.number(), until_ns)) {
    const ssize_t got = ::read(from.number(), buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return failed;
    if (got == 0) {
      process->late.reset();
      if (done != size || version_of(file.number()) != version) return failed;
      return {.in_time = true, .digest = hasher.finish()};
    }
    done += static_cast<uint64_t>(got);
    if (done > size) return failed;
    hasher.add({buffer.data(), static_cast<size_t>(got)});
  }
  return {};
}

}  // namespace detectd

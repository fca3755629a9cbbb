#include "src/sources/proc_event.h"

#include <charconv>
#include <cstring>
#include <utility>

namespace detectd {
namespace {

constexpr uint32_t kFork = 0x1;
constexpr uint32_t kExec = 0x2;
constexpr uint32_t kUid = 0x4;
constexpr uint32_t kGid = 0x40;
constexpr uint32_t kSession = 0x80;
constexpr uint32_t kPtrace = 0x100;
constexpr uint32_t kComm = 0x200;
constexpr uint32_t kCoredump = 0x40000000;
constexpr uint32_t kExit = 0x80000000;

constexpr size_t kConnectorHead = 16;
constexpr size_t kEventHead = 36;
constexpr size_t kEventData = 52;
constexpr uint32_t kConnectorIndex = 1;  // CN_IDX_PROC
constexpr uint32_t kConnectorValue = 1;  // CN_VAL_PROC
constexpr uint16_t kDone = 3;            // NLMSG_DONE
// 146 years: with room to be turned into a time of the wall clock.
constexpr uint64_t kMaxMonotonic = uint64_t{1} << 62;

template <class T>
T read(std::span<const std::byte> bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <class T, size_t kSize>
void write(std::array<std::byte, kSize>& bytes, size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

struct Layout {
  ProcWhat what;
  size_t data_bytes;
};

Layout layout_of(uint32_t what) {
  switch (what) {
    case 0: return {ProcWhat::kAck, 0};
    case kFork: return {ProcWhat::kFork, 16};
    case kExec: return {ProcWhat::kExec, 8};
    case kUid: return {ProcWhat::kUid, 16};
    case kGid: return {ProcWhat::kGid, 16};
    case kSession: return {ProcWhat::kSession, 8};
    case kPtrace: return {ProcWhat::kPtrace, 16};
    case kComm: return {ProcWhat::kComm, 24};
    case kCoredump: return {ProcWhat::kCoredump, 8};
    case kExit: return {ProcWhat::kExit, 16};
    default: return {ProcWhat::kUnknown, 0};
  }
}

void read_data(std::span<const std::byte> data, ProcEvent& event) {
  const auto word = [&](size_t number) { return read<uint32_t>(data, 4 * number); };
  if (event.what == ProcWhat::kFork) {
    event.other_thread = word(0);
    event.other_pid = word(1);
    event.thread = word(2);
    event.pid = word(3);
    return;
  }
  event.thread = word(0);
  event.pid = word(1);
  switch (event.what) {
    case ProcWhat::kUid:
    case ProcWhat::kGid:
      event.real_id = word(2);
      event.effective_id = word(3);
      break;
    case ProcWhat::kPtrace:
      event.other_thread = word(2);
      event.other_pid = word(3);
      break;
    case ProcWhat::kComm: std::memcpy(event.comm.data(), data.data() + 8, event.comm.size()); break;
    case ProcWhat::kExit: event.exit_status = word(2); break;
    default: break;
  }
}

}  // namespace

std::string_view ProcEvent::thread_name() const {
  const std::string_view all(comm.data(), comm.size());
  return all.substr(0, all.find('\0'));
}

std::optional<ProcEvent> decode_proc_message(std::span<const std::byte> message) {
  if (message.size() < kEventData) return std::nullopt;
  const auto length = read<uint32_t>(message, 0);
  if (length > message.size() || length < kEventData) return std::nullopt;
  if (read<uint32_t>(message, kConnectorHead) != kConnectorIndex ||
      read<uint32_t>(message, kConnectorHead + 4) != kConnectorValue) {
    return std::nullopt;
  }
  ProcEvent event;
  event.sequence = read<uint32_t>(message, kConnectorHead + 8);
  const Layout layout = layout_of(read<uint32_t>(message, kEventHead));
  event.what = layout.what;
  event.cpu = read<uint32_t>(message, kEventHead + 4);
  const auto monotonic = read<uint64_t>(message, kEventHead + 8);
  if (monotonic > kMaxMonotonic) return std::nullopt;
  event.monotonic_ns = static_cast<int64_t>(monotonic);
  const auto data = message.subspan(kEventData, length - kEventData);
  if (data.size() < layout.data_bytes) return std::nullopt;
  if (layout.data_bytes != 0) read_data(data, event);
  return event;
}

uint32_t proc_event_mask(KindSet kinds) {
  uint32_t mask = kFork | kExec | kExit;
  if (kinds.has(EventKind::kUidChange)) mask |= kUid;
  if (kinds.has(EventKind::kGidChange)) mask |= kGid;
  if (kinds.has(EventKind::kSessionIdChange)) mask |= kSession;
  if (kinds.has(EventKind::kPtrace) || kinds.has(EventKind::kPtraceDetach)) mask |= kPtrace;
  if (kinds.has(EventKind::kCommChange)) mask |= kComm;
  if (kinds.has(EventKind::kCoredump)) mask |= kCoredump;
  return mask;
}

uint32_t proc_event_bit(ProcWhat what) {
  switch (what) {
    case ProcWhat::kFork: return kFork;
    case ProcWhat::kExec: return kExec;
    case ProcWhat::kUid: return kUid;
    case ProcWhat::kGid: return kGid;
    case ProcWhat::kSession: return kSession;
    case ProcWhat::kPtrace: return kPtrace;
    case ProcWhat::kComm: return kComm;
    case ProcWhat::kCoredump: return kCoredump;
    case ProcWhat::kExit: return kExit;
    case ProcWhat::kAck:
    case ProcWhat::kBeat:
    case ProcWhat::kUnknown: break;
  }
  return 0;
}

bool knows_event_mask(std::string_view release) {
  constexpr std::pair<uint32_t, uint32_t> kFirst{6, 6};
  std::pair<uint32_t, uint32_t> version{};
  const char* const end = release.data() + release.size();
  const auto [dot, error] = std::from_chars(release.data(), end, version.first);
  if (error != std::errc{} || dot == end || *dot != '.') return false;
  if (std::from_chars(dot + 1, end, version.second).ec != std::errc{}) return false;
  return version >= kFirst;
}

std::array<std::byte, 44> encode_subscription(std::optional<uint32_t> mask, uint32_t port, size_t& size) {
  std::array<std::byte, 44> bytes{};
  const uint16_t data_bytes = mask ? 8 : 4;
  size = kEventHead + data_bytes;
  write<uint32_t>(bytes, 0, static_cast<uint32_t>(size));
  write<uint16_t>(bytes, 4, kDone);
  write<uint32_t>(bytes, 12, port);
  write<uint32_t>(bytes, 16, kConnectorIndex);
  write<uint32_t>(bytes, 20, kConnectorValue);
  write<uint16_t>(bytes, 32, data_bytes);
  write<uint32_t>(bytes, 36, 1);  // PROC_CN_MCAST_LISTEN
  if (mask) write<uint32_t>(bytes, 40, *mask);
  return bytes;
}

}  // namespace detectd

#include "src/sources/exec_permission.h"

#include <cstring>

namespace detectd {
namespace {

constexpr size_t kMetadataBytes = 24;
constexpr uint8_t kVersion = 3;
constexpr uint64_t kOverflow = 0x4000;        // FAN_Q_OVERFLOW
constexpr uint64_t kOpenExecAsked = 0x40000;  // FAN_OPEN_EXEC_PERM
constexpr size_t kRecordHead = 4;
constexpr uint8_t kPidfdRecord = 4;  // FAN_EVENT_INFO_TYPE_PIDFD
constexpr uint32_t kAllow = 1;       // FAN_ALLOW
constexpr uint32_t kDeny = 2;        // FAN_DENY

template <class Number>
Number number_at(std::span<const std::byte> bytes, size_t offset) {
  Number number{};
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

// -1 where no record has one.
int find_pidfd(std::span<const std::byte> records) {
  while (records.size() >= kRecordHead) {
    const auto length = number_at<uint16_t>(records, 2);
    if (length < kRecordHead || length > records.size()) return -1;
    if (number_at<uint8_t>(records, 0) == kPidfdRecord && length >= kRecordHead + sizeof(int32_t)) {
      const auto pidfd = number_at<int32_t>(records, kRecordHead);
      return pidfd < 0 ? -1 : pidfd;
    }
    records = records.subspan(length);
  }
  return -1;
}

}  // namespace

std::optional<ExecRequest> ExecRequests::next() {
  if (rest_.empty()) return std::nullopt;
  broken_ = true;
  if (rest_.size() < kMetadataBytes) return std::nullopt;
  const auto length = number_at<uint32_t>(rest_, 0);
  const auto metadata = number_at<uint16_t>(rest_, 6);
  if (number_at<uint8_t>(rest_, 4) != kVersion || metadata < kMetadataBytes || length < metadata ||
      length > rest_.size()) {
    return std::nullopt;
  }
  broken_ = false;
  const auto mask = number_at<uint64_t>(rest_, 8);
  ExecRequest request;
  request.overflow = (mask & kOverflow) != 0;
  if (!request.overflow) {
    const auto file = number_at<int32_t>(rest_, 16);
    const auto pid = number_at<int32_t>(rest_, 20);
    request.permission = (mask & kOpenExecAsked) != 0;
    request.file = file < 0 ? -1 : file;
    request.pid = pid < 0 ? 0 : static_cast<uint32_t>(pid);
    request.pidfd = find_pidfd(rest_.subspan(metadata, length - metadata));
  }
  rest_ = rest_.subspan(length);
  return request;
}

std::array<std::byte, 8> encode_exec_answer(int file, ExecAnswer answer) {
  const uint32_t response = answer == ExecAnswer::kDeny ? kDeny : kAllow;
  std::array<std::byte, 8> bytes{};
  std::memcpy(bytes.data(), &file, sizeof(int32_t));
  std::memcpy(bytes.data() + 4, &response, sizeof response);
  return bytes;
}

}  // namespace detectd

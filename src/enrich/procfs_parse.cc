#include "src/enrich/procfs_parse.h"

#include <algorithm>
#include <charconv>

#include "engine/derived_fields.h"

namespace detectd {
namespace {

template <class Number>
std::optional<Number> to_number(std::string_view text, int base = 10) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

// Words between blanks, from the front of `text`.
std::string_view next_word(std::string_view& text) {
  const auto* const begin = std::find_if_not(text.begin(), text.end(), is_blank);
  const auto* const end = std::find_if(begin, text.end(), is_blank);
  const std::string_view word(begin, static_cast<size_t>(end - begin));
  text.remove_prefix(static_cast<size_t>(end - text.begin()));
  return word;
}

std::optional<ProcIds> parse_ids(std::string_view text) {
  const auto real = to_number<uint32_t>(next_word(text));
  const auto effective = to_number<uint32_t>(next_word(text));
  const auto saved = to_number<uint32_t>(next_word(text));
  if (!real || !effective || !saved) return std::nullopt;
  return ProcIds{.real = *real, .effective = *effective, .saved = *saved};
}

void parse_groups(std::string_view text, ProcStatus& status) {
  status.has_groups = true;
  while (status.groups.size() < ProcStatus::kMaxGroups) {
    const std::string_view word = next_word(text);
    if (word.empty()) return;
    if (const auto group = to_number<uint32_t>(word)) status.groups.push_back(*group);
  }
}

std::optional<uint32_t> last_number(std::string_view text) {
  std::optional<uint32_t> last;
  for (std::string_view word = next_word(text); !word.empty(); word = next_word(text)) {
    last = to_number<uint32_t>(word);
  }
  return last;
}

}  // namespace

std::optional<ProcStat> parse_stat(std::string_view text) {
  // The name may hold anything, `) R 1 1` too; nothing behind it holds a bracket.
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  ProcStat stat;
  stat.thread_name = text.substr(open + 1, close - open - 1);
  std::string_view rest = text.substr(close + 1);
  const std::string_view state = next_word(rest);
  if (state.size() != 1) return std::nullopt;
  stat.state = state.front();
  // Numbered as in proc_pid_stat(5). What is unknown is 0: of a process in its last moments the kernel gives
  // -1 for group and session.
  constexpr size_t kFirst = 4;
  constexpr size_t kLast = 49;
  for (size_t field = kFirst; field <= kLast; ++field) {
    const std::string_view word = next_word(rest);
    const auto value = [word] { return to_number<uint64_t>(word).value_or(0); };
    switch (field) {
      case 4: stat.parent_pid = static_cast<uint32_t>(value()); break;
      case 5: stat.group_leader = static_cast<uint32_t>(value()); break;
      case 6: stat.session_leader = static_cast<uint32_t>(value()); break;
      // Printed with a sign.
      case 7: stat.terminal = static_cast<uint32_t>(to_number<int64_t>(word).value_or(0)); break;
      case 9: stat.flags = value(); break;
      case 22: {
        const auto ticks = to_number<uint64_t>(word);
        if (!ticks) return std::nullopt;
        stat.start_ticks = *ticks;
        break;
      }
      case 28: stat.start_stack = value(); break;
      case 48: stat.arg_start = value(); break;
      case kLast: stat.arg_end = value(); break;
      default: break;
    }
  }
  return stat;
}

DeviceNumber unpack_device(uint32_t packed) {
  return {.major = packed >> 8 & 0xFFFu, .minor = (packed & 0xFFu) | (packed >> 12 & 0xFFF00u)};
}

void parse_status(std::string_view text, ProcStatus& status) {
  status.user.reset();
  status.group.reset();
  status.has_groups = false;
  status.groups.clear();
  status.effective_capabilities.reset();
  status.innermost_pid.reset();
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    if (key == "Uid" && !status.user) status.user = parse_ids(value);
    if (key == "Gid" && !status.group) status.group = parse_ids(value);
    if (key == "Groups" && !status.has_groups) parse_groups(value, status);
    if (key == "NSpid" && !status.innermost_pid) status.innermost_pid = last_number(value);
    if (key == "CapEff" && !status.effective_capabilities) {
      status.effective_capabilities = to_number<uint64_t>(next_word(value), 16);
    }
  }
}

std::string_view capability_name(unsigned bit) {
  static constexpr std::array<std::string_view, 64> kNames = {
      "CAP_CHOWN",
      "CAP_DAC_OVERRIDE",
      "CAP_DAC_READ_SEARCH",
      "CAP_FOWNER",
      "CAP_FSETID",
      "CAP_KILL",
      "CAP_SETGID",
      "CAP_SETUID",
      "CAP_SETPCAP",
      "CAP_LINUX_IMMUTABLE",
      "CAP_NET_BIND_SERVICE",
      "CAP_NET_BROADCAST",
      "CAP_NET_ADMIN",
      "CAP_NET_RAW",
      "CAP_IPC_LOCK",
      "CAP_IPC_OWNER",
      "CAP_SYS_MODULE",
      "CAP_SYS_RAWIO",
      "CAP_SYS_CHROOT",
      "CAP_SYS_PTRACE",
      "CAP_SYS_PACCT",
      "CAP_SYS_ADMIN",
      "CAP_SYS_BOOT",
      "CAP_SYS_NICE",
      "CAP_SYS_RESOURCE",
      "CAP_SYS_TIME",
      "CAP_SYS_TTY_CONFIG",
      "CAP_MKNOD",
      "CAP_LEASE",
      "CAP_AUDIT_WRITE",
      "CAP_AUDIT_CONTROL",
      "CAP_SETFCAP",
      "CAP_MAC_OVERRIDE",
      "CAP_MAC_ADMIN",
      "CAP_SYSLOG",
      "CAP_WAKE_ALARM",
      "CAP_BLOCK_SUSPEND",
      "CAP_AUDIT_READ",
      "CAP_PERFMON",
      "CAP_BPF",
      "CAP_CHECKPOINT_RESTORE",
      "CAP_41",
      "CAP_42",
      "CAP_43",
      "CAP_44",
      "CAP_45",
      "CAP_46",
      "CAP_47",
      "CAP_48",
      "CAP_49",
      "CAP_50",
      "CAP_51",
      "CAP_52",
      "CAP_53",
      "CAP_54",
      "CAP_55",
      "CAP_56",
      "CAP_57",
      "CAP_58",
      "CAP_59",
      "CAP_60",
      "CAP_61",
      "CAP_62",
      "CAP_63",
  };
  return kNames[bit % kNames.size()];
}

uint64_t root_capabilities() {
  static const uint64_t kAll = [] {
    uint64_t all = 0;
    for (unsigned bit = 0; bit < 64; ++bit) {
      if (amounts_to_root(capability_name(bit))) all |= uint64_t{1} << bit;
    }
    return all;
  }();
  return kAll;
}

std::optional<uint64_t> parse_namespace(std::string_view link) {
  const size_t open = link.find(":[");
  if (open == std::string_view::npos || !link.ends_with(']')) return std::nullopt;
  return to_number<uint64_t>(link.substr(open + 2, link.size() - open - 3));
}

std::optional<uint32_t> parse_login_uid(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return to_number<uint32_t>(text);
}

bool NulSeparated::next(std::string_view& text) {
  if (rest_.empty()) return false;
  const size_t end = std::min(rest_.find('\0'), rest_.size());
  text = rest_.substr(0, end);
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  return true;
}

size_t count_nul_separated(std::string_view bytes) {
  const auto ends = static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '\0'));
  return bytes.empty() || bytes.back() == '\0' ? ends : ends + 1;
}

}  // namespace detectd

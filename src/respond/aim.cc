#include "src/respond/aim.h"

#include <algorithm>
#include <limits>

#include "engine/process.h"
#include "engine/timestamp.h"

namespace detectd {
namespace {

// The kernel's clocks are read one after the other, and a thread may wait between.
constexpr int64_t kClockSlackNs = 2'000'000;
// A fork is told right after the start of its process, but for a wait for the processor between.
constexpr int64_t kBirthSlackNs = 50'000'000;

std::optional<uint32_t> pid_of(const FieldView& view) {
  if (view.type != Type::kInteger || view.number <= 0 || view.number > INT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(view.number);
}

// `process.start` has the wall clock's time at boot added to whole ticks, and is cut to hundredths of a second.
std::optional<uint64_t> start_of(const Event& event, std::string_view text) {
  const auto start_ns = parse_rfc3339(text);
  if (!start_ns || !event.host || !event.host->booted_ns) return std::nullopt;
  const int64_t since_boot_ns = *start_ns - *event.host->booted_ns;
  if (since_boot_ns < -kTickNs) return std::nullopt;
  return static_cast<uint64_t>((since_boot_ns + kTickNs - 1) / kTickNs);
}

bool differs(const std::optional<uint64_t>& known, uint64_t ticks) { return known && *known != ticks; }

bool same_addresses(const HeldProcess& held, const ProcessFacts& facts) {
  const bool told = held.start_stack != 0 && facts.start_stack != 0;
  return !told || (held.start_stack == facts.start_stack && held.arg_start == facts.arg_start);
}

const HitPart* part_of_target(const Hit& hit) {
  const std::string& target = hit.rule->response->target;
  const auto is_target = [&](const HitPart& part) {
    return part.rule->id == target || part.rule->name == target;
  };
  const auto part = std::find_if(hit.parts.rbegin(), hit.parts.rend(), is_target);
  return part == hit.parts.rend() ? nullptr : &*part;
}

bool names_a_rule(const Hit& hit) {
  const std::string& target = hit.rule->response->target;
  return target != "process" && target != "parent";
}

}  // namespace

std::shared_ptr<const Event> event_of_target(const Hit& hit) {
  if (!names_a_rule(hit)) return hit.event;
  const HitPart* const part = part_of_target(hit);
  return part == nullptr ? nullptr : part->event;
}

std::shared_ptr<const Rule> rule_of_target(const Hit& hit) {
  if (!hit.rule->correlation) return hit.rule;
  const HitPart* part = nullptr;
  if (names_a_rule(hit)) {
    part = part_of_target(hit);
  } else if (!hit.parts.empty()) {
    part = &hit.parts.back();
    if (part->event != hit.event) return nullptr;
  }
  return part == nullptr || part->rule->correlation ? nullptr : part->rule;
}

std::optional<int64_t> boot_ns_of(const Event& event, int64_t order_ns) {
  const FieldView boot = event.find_carried(field::kBootNs);
  int64_t shift_ns = 0;
  int64_t boot_ns = 0;
  if (boot.type != Type::kInteger || __builtin_sub_overflow(event.order_ns(), boot.number, &shift_ns) ||
      __builtin_sub_overflow(order_ns, shift_ns, &boot_ns)) {
    return std::nullopt;
  }
  return boot_ns;
}

std::optional<Aim> aim_at(const Event& event, bool parent) {
  const FieldView boot = event.find_carried(field::kBootNs);
  if (boot.type != Type::kInteger) return std::nullopt;
  Aim aim;
  aim.moment_boot_ns = boot.number;
  aim.held = !parent;
  int64_t shift_ns = 0;
  if (!__builtin_sub_overflow(event.order_ns(), boot.number, &shift_ns)) aim.boot_shift_ns = shift_ns;
  const Process* const process = parent && event.process ? event.process->parent.get() : event.process.get();
  if (process == nullptr || process->key.pid == 0) return std::nullopt;
  aim.pid = process->key.pid;
  if (parent) {
    aim.file = file_key(process->find(Leaf::kDevice), process->find(Leaf::kInode));
    aim.start_ticks = start_of(event, process->start());
  } else {
    if (pid_of(event.find(process_field(Leaf::kPid))) != aim.pid) return std::nullopt;
    aim.file = file_key(event.find(process_field(Leaf::kDevice)), event.find(process_field(Leaf::kInode)));
    aim.start_ticks = start_of(event, event.find(process_field(Leaf::kStart)).text);
  }
  if (process->fork_seen) aim.birth_boot_ns = boot_ns_of(event, process->key.birth_ns);
  return aim;
}

std::optional<std::string_view> mismatch(const Aim& aim, const ProcessFacts& facts,
                                         const Evidence& evidence) {
  const HeldProcess* const held = evidence.held;
  if (facts.start_ticks > static_cast<uint64_t>(std::numeric_limits<int64_t>::max() / 2 / kTickNs)) {
    return "refused: identity";
  }
  const int64_t start_ns = static_cast<int64_t>(facts.start_ticks) * kTickNs;
  if (start_ns > aim.moment_boot_ns + kClockSlackNs) return "gone";
  if (differs(aim.start_ticks, facts.start_ticks)) return "gone";
  if (held != nullptr && differs(held->start_ticks, facts.start_ticks)) return "gone";
  const bool was_born_then = !aim.birth_boot_ns || std::abs(*aim.birth_boot_ns - start_ns) <= kBirthSlackNs;
  if (!aim.start_ticks && !was_born_then) return "gone";

  // Who had begun before that moment and has the pid now had it then. Within the same tick a hold has to prove it, or
  // that the start is the very same; the same file is asked for below.
  const bool is_older = start_ns + kTickNs <= aim.moment_boot_ns - kClockSlackNs;
  const bool is_held = held != nullptr && held->process && !held->doubtful;
  const bool is_known = aim.start_ticks && (held == nullptr || !held->doubtful);
  if (!is_older && !is_held && !is_known && !evidence.is_proven) return "refused: identity";

  if (evidence.has_later_exec) return "superseded";
  const std::optional<FileKey>& file = held != nullptr && held->file ? held->file : aim.file;
  if (!file || !facts.file) return "refused: identity";
  if (*file != *facts.file) return "superseded";
  if (held != nullptr && !same_addresses(*held, facts)) return "superseded";
  return std::nullopt;
}

}  // namespace detectd

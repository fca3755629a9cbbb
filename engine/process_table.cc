#include "engine/process_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "engine/attribute_merge.h"
#include "engine/carried.h"
#include "engine/credentials.h"
#include "engine/derived_fields.h"
#include "engine/event_key.h"
#include "engine/process_entries.h"
#include "engine/timestamp.h"

namespace detectd {
namespace {

constexpr size_t kMaxEnded = 8192;
constexpr int64_t kKeepEndedNs = 5 * kNanosPerSecond;
// A start this much after the known birth is another process: the start comes from a clock of ticks.
constexpr int64_t kSameBirthNs = 50'000'000;
constexpr uint16_t kMaxDepth = 2 * kMaxAncestors;

using MutableProcess = std::shared_ptr<Process>;
using SharedProcess = std::shared_ptr<const Process>;

// Whether `later_ns` is more than kSameBirthNs after `earlier_ns`.
bool well_after(int64_t later_ns, int64_t earlier_ns) {
  int64_t distance_ns = 0;
  if (later_ns <= earlier_ns) return false;
  return __builtin_sub_overflow(later_ns, earlier_ns, &distance_ns) || distance_ns > kSameBirthNs;
}

// A process about to be changed: the copy is made by the first change. Where several threads run each count of a holder is
// an atomic one, so `base`, which its entry holds, is not counted.
struct Draft {
  const Process& now() const { return made ? *made : *base; }

  const Process* base = nullptr;
  MutableProcess made;
};

}  // namespace

class ProcessTable::State {
 public:
  explicit State(Options options) : options_(options) {}

  void apply(Event& event);
  SharedProcess find(uint32_t pid) const {
    const ProcessEntry* const entry = entries_.find(host_.number, pid);
    return entry == nullptr ? nullptr : entry->process;
  }
  std::vector<SharedProcess> running() const { return entries_.running(); }
  Counters counters() const {
    Counters counters = counters_;
    counters.processes = entries_.size();
    return counters;
  }

 private:
  void apply_own(Event& event, uint32_t pid);
  void apply_fork(Event& event, uint32_t pid);
  void apply_late_fork(Event& event, ProcessEntry& entry, const SharedProcess& parent);
  void apply_exec(Event& event, uint32_t pid);
  void apply_exec_check(Event& event, uint32_t pid);
  void apply_change(Event& event, uint32_t pid);
  void judge_exec(Event& event, const ProcessEntry& entry, const Attributes& before);
  void judge_id_change(Event& event, ProcessEntry& entry, const Attributes& before);

  // The process that an event or a line's parent or target speaks of; made of what the line says if the
  // table does not know it. `latest_birth_ns`: what was born later is not meant.
  ProcessEntry& entry_of(const Event& event, uint32_t pid, FieldOf field, int64_t latest_birth_ns);
  bool is_reused(const ProcessEntry& entry, const Event& event, FieldOf field) const;
  void start_over(ProcessEntry& entry, const Event& event, FieldOf field, int64_t birth_ns);
  MutableProcess new_process(const Event& event, uint32_t pid, FieldOf field, int64_t birth_ns,
                             const std::shared_ptr<const Attributes>& attributes);

  static Process& edit(Draft& draft);
  void keep(ProcessEntry& entry, Draft& draft);
  void learn_identity(const Event& event, Draft& draft);
  void settle_parent(Event& event, Draft& draft);
  void follow_forked_parent(Event& event, Draft& draft);
  void follow_line_parent(Event& event, Draft& draft, uint32_t parent_pid);
  // The process a line speaks of, with what the line says of it.
  SharedProcess named(const Event& event, uint32_t pid, FieldOf field, int64_t latest_birth_ns);
  // With what the line adds; the table learns it too.
  SharedProcess learnt(const Event& event, FieldOf field, const SharedProcess& process);
  SharedProcess completed(const Event& event, FieldOf field, const SharedProcess& process);
  void set_parent(Process& child, SharedProcess parent);
  SharedProcess shortened(const SharedProcess& process);
  void replace(const SharedProcess& old, const SharedProcess& changed);
  LeaderIds leaders(const Event& event, const Process& process);
  std::string_view leader_id(const Event& event, Leaf pid_leaf, Leaf id_leaf, const Process& process);
  void enforce_bounds();

  Options options_;
  Counters counters_;
  ProcessEntries entries_;
  HostNumbers hosts_;
  HostNumbers::Host host_;
  AttributeMerge merge_;
  std::shared_ptr<const Attributes> nothing_ = merge_.nothing();
  DerivedFields derived_;
};

void ProcessTable::State::apply(Event& event) {
  if (!event.derived) derived_.add_from_line(event);
  const HostNumbers::Host& host =
      hosts_.find_or_add(host_of(event), event.host ? std::string_view(event.host->boot_id) : "");
  if (host.names != host_.names) host_ = host;
  entries_.drop_ended(event.order_ns(), kKeepEndedNs, kMaxEnded);
  const uint32_t pid = carried_pid(event, process_field);
  if (pid != 0) apply_own(event, pid);
  if (const uint32_t target = carried_pid(event, target_field); target != 0) {
    event.target = named(event, target, target_field, event.order_ns());
  }
  DerivedFields::add_from_lineage(event);
  enforce_bounds();
}

void ProcessTable::State::apply_own(Event& event, uint32_t pid) {
  switch (event.kind) {
    case EventKind::kFork: apply_fork(event, pid); break;
    case EventKind::kExec: apply_exec(event, pid); break;
    case EventKind::kExecCheck: apply_exec_check(event, pid); break;
    case EventKind::kSessionIdChange:
      // setsid(2) makes the caller leader of a new session and a new process group.
      for (const Leaf leaf : {Leaf::kSessionLeaderPid, Leaf::kGroupLeaderPid}) {
        if (is_open(event, process_field(leaf))) event.set_integer(process_field(leaf), pid);
      }
      apply_change(event, pid);
      break;
    default: apply_change(event, pid); break;
  }
}

// ---- who is meant ----

bool ProcessTable::State::is_reused(const ProcessEntry& entry, const Event& event, FieldOf field) const {
  const Process& known = *entry.process;
  const std::string_view start = carried_text(event, field(Leaf::kStart));
  if (!start.empty() && start == known.start()) return false;
  if (const auto start_ns = parse_rfc3339(start)) return well_after(*start_ns, known.key.birth_ns);
  // An exec right after an end is that of a thread other than the leader, of whom the end was.
  const bool begins = event.kind == EventKind::kExec || event.kind == EventKind::kAlreadyRunning;
  return field == process_field && begins && entry.ended && well_after(event.order_ns(), entry.ended_ns);
}

ProcessEntry& ProcessTable::State::entry_of(const Event& event, uint32_t pid, FieldOf field,
                                            int64_t latest_birth_ns) {
  ProcessEntry* entry = entries_.find(host_.number, pid);
  if (entry != nullptr && !is_reused(*entry, event, field)) {
    entries_.touch(*entry);
    return *entry;
  }
  const auto start_ns = parse_rfc3339(carried_text(event, field(Leaf::kStart)));
  if (entry == nullptr) {
    entry = &entries_.add(host_.number, pid);
  } else {
    ++counters_.reused_pids;
  }
  start_over(*entry, event, field, start_ns ? *start_ns : latest_birth_ns);
  return *entry;
}

void ProcessTable::State::start_over(ProcessEntry& entry, const Event& event, FieldOf field,
                                     int64_t birth_ns) {
  entries_.reuse(entry);
  entries_.set_process(entry,
                       new_process(event, static_cast<uint32_t>(entry.key), field, birth_ns, nothing_));
  ++counters_.created;
}

MutableProcess ProcessTable::State::new_process(const Event& event, uint32_t pid, FieldOf field,
                                                int64_t birth_ns,
                                                const std::shared_ptr<const Attributes>& attributes) {
  auto process = std::make_shared<Process>();
  process->set_pid(pid);
  process->key.birth_ns = birth_ns;
  process->host = host_.names;
  process->attributes = attributes;
  process->set_start(carried_text(event, field(Leaf::kStart)));
  const std::string_view entity_id = carried_text(event, field(Leaf::kEntityId));
  if (!entity_id.empty()) process->set_entity_id(entity_id);
  return process;
}

// ---- changes of a process ----

Process& ProcessTable::State::edit(Draft& draft) {
  if (!draft.made) draft.made = std::make_shared<Process>(*draft.base);
  return *draft.made;
}

void ProcessTable::State::keep(ProcessEntry& entry, Draft& draft) {
  if (draft.made) entries_.set_process(entry, std::move(draft.made));
}

// The start, and an identity given by whoever took the capture.
void ProcessTable::State::learn_identity(const Event& event, Draft& draft) {
  const std::string_view start = carried_text(event, process_field(Leaf::kStart));
  if (!start.empty() && draft.now().start().empty()) edit(draft).set_start(start);
  const std::string_view id =
      carried_text(event, process_field(Leaf::kEntityId)).substr(0, Process::kMaxEntityId);
  if (!id.empty() && id != draft.now().entity_id()) edit(draft).set_entity_id(id);
}

void ProcessTable::State::apply_fork(Event& event, uint32_t pid) {
  uint32_t parent_pid = carried_pid(event, parent_field);
  if (parent_pid == pid) parent_pid = 0;
  SharedProcess parent;
  if (parent_pid != 0) {
    ProcessEntry& entry = entry_of(event, parent_pid, parent_field, event.order_ns());
    parent = entry.process;
  }
  ProcessEntry* entry = entries_.find(host_.number, pid);
  if (entry != nullptr && !entry->ended) {
    const Process& known = *entry->process;
    if (known.fork_seen && known.key.birth_ns == event.order_ns()) return apply_change(event, pid);
    const bool same_birth = !well_after(event.order_ns(), known.key.birth_ns) &&
                            !well_after(known.key.birth_ns, event.order_ns());
    if (!known.fork_seen && same_birth && parent) return apply_late_fork(event, *entry, parent);
  }
  if (entry == nullptr) {
    entry = &entries_.add(host_.number, pid);
  } else {
    ++counters_.reused_pids;
    entries_.reuse(*entry);
  }
  ++counters_.created;
  Draft draft;
  draft.made =
      new_process(event, pid, process_field, event.order_ns(), parent ? parent->attributes : nothing_);
  Process& child = *draft.made;
  if (parent) {
    const ProcessEntry* const parent_entry = entries_.find(host_.number, parent_pid);
    entry->had_root = parent_entry != nullptr && parent_entry->had_root;
    child.fork_seen = true;
    set_parent(child, std::move(parent));
  }
  if (auto changed = merge_.after_change(event, *child.attributes, leaders(event, child))) {
    child.attributes = std::move(changed);
  }
  entry->had_root = entry->had_root || user_ids(*child.attributes).any_root();
  settle_parent(event, draft);
  keep(*entry, draft);
  event.process = entry->process;
}

// The fork of a process that was heard of before: events of two processors can change places. The event
// shows the process as it was born; the entry keeps what came since.
void ProcessTable::State::apply_late_fork(Event& event, ProcessEntry& entry, const SharedProcess& parent) {
  Draft since{.base = entry.process.get(), .made = {}};
  edit(since).fork_seen = true;
  set_parent(edit(since), parent);
  settle_parent(event, since);
  const SharedProcess settled = since.now().parent;
  const MutableProcess born = std::make_shared<Process>(since.now());
  born->attributes = settled->attributes;
  born->previous.reset();
  event.process = born;

  edit(since).attributes = merge_.joined(*since.now().attributes, *settled->attributes, entry.executed);
  if (entry.executed && !since.now().previous) edit(since).previous = settled->attributes;
  keep(entry, since);
  entry.had_root = entry.had_root || (!entry.executed && user_ids(*entry.process->attributes).any_root());
}

void ProcessTable::State::apply_exec(Event& event, uint32_t pid) {
  const bool known = entries_.find(host_.number, pid) != nullptr;
  const uint64_t reused = counters_.reused_pids;
  ProcessEntry& entry = entry_of(event, pid, process_field, event.order_ns());
  entries_.revive(entry);
  Draft draft{.base = entry.process.get(), .made = {}};
  learn_identity(event, draft);
  settle_parent(event, draft);

  const bool first_seen = !known || reused != counters_.reused_pids;
  auto previous = event.joined && entry.before_joined ? entry.before_joined : draft.now().attributes;
  judge_exec(event, entry, *previous);
  Process& process = edit(draft);
  process.attributes = merge_.after_exec(event, *process.attributes, leaders(event, process));
  process.previous = first_seen ? nullptr : std::move(previous);
  entries_.set_before_joined(entry, nullptr);
  entry.executed = true;
  entry.had_root = user_ids(*process.attributes).any_root();
  keep(entry, draft);
  event.process = entry.process;
}

// The process as it would be; the table keeps what is.
void ProcessTable::State::apply_exec_check(Event& event, uint32_t pid) {
  ProcessEntry& entry = entry_of(event, pid, process_field, event.order_ns());
  Draft draft{.base = entry.process.get(), .made = {}};
  settle_parent(event, draft);
  keep(entry, draft);
  const MutableProcess process = std::make_shared<Process>(*entry.process);
  process->attributes = merge_.after_exec(event, *entry.process->attributes, leaders(event, *entry.process));
  process->previous = entry.process->attributes;
  event.process = process;
}

void ProcessTable::State::apply_change(Event& event, uint32_t pid) {
  ProcessEntry& entry = entry_of(event, pid, process_field, event.order_ns());
  if (event.kind == EventKind::kAlreadyRunning) entries_.revive(entry);
  Draft draft{.base = entry.process.get(), .made = {}};
  learn_identity(event, draft);
  settle_parent(event, draft);
  auto changed = merge_.after_change(event, *draft.now().attributes, leaders(event, draft.now()));
  const bool id_change = event.kind == EventKind::kUidChange || event.kind == EventKind::kGidChange;
  const auto before = id_change ? draft.now().attributes : nullptr;
  if (id_change) edit(draft).previous = before;
  if (changed) edit(draft).attributes = std::move(changed);
  keep(entry, draft);
  event.process = entry.process;
  if (id_change) {
    judge_id_change(event, entry, *before);
  } else {
    entry.had_root = entry.had_root || user_ids(*entry.process->attributes).any_root();
  }
  if (event.kind == EventKind::kEnd) entries_.end(entry, event.order_ns());
}

void ProcessTable::State::judge_exec(Event& event, const ProcessEntry& entry, const Attributes& before) {
  const UserIds ids_before = user_ids(before);
  // As they will be: an id that the line does not carry stays.
  UserIds ids =
      &before == entry.process->attributes.get() ? ids_before : user_ids(*entry.process->attributes);
  // What the line carries was read some time after the exec, when the program may have set its ids already; the
  // change that made the exec's ids told them.
  const bool told = ids.effective != ids_before.effective || ids.real != ids_before.real;
  const auto carried = [&](Leaf leaf, std::optional<int64_t>& id) {
    const FieldView view = event.find_carried(process_field(leaf));
    if (view.type == Type::kInteger && !(told && id)) id = view.number;
  };
  carried(Leaf::kUserId, ids.effective);
  carried(Leaf::kRealUserId, ids.real);
  const auto rose = escalated(ids_before, entry.had_root, ids);
  if (rose && is_open(event, field::kEscalated)) event.set_boolean(field::kEscalated, *rose);
  const auto by_file = set_by_file(ids_before, ids, event.joined);
  const FieldId setuid = process_field(Leaf::kSetuid);
  if (by_file && is_open(event, setuid)) event.set_boolean(setuid, *by_file);
}

void ProcessTable::State::judge_id_change(Event& event, ProcessEntry& entry, const Attributes& before) {
  const UserIds ids = user_ids(*entry.process->attributes);
  if (event.joined) {
    if (!entry.before_joined) entries_.set_before_joined(entry, entry.process->previous);
    // A part of its exec, which is judged as a whole. But a set-uid file never changes the real id: a process
    // that gave itself both is judged for it, or it could hide behind an exec of a well-known file.
    if (event.kind != EventKind::kUidChange || ids.real != ids.effective) return;
  }
  if (event.kind == EventKind::kUidChange) {
    const auto rose = escalated(user_ids(before), entry.had_root, ids);
    if (rose && is_open(event, field::kEscalated)) event.set_boolean(field::kEscalated, *rose);
  }
  entry.had_root = entry.had_root || ids.any_root();
}

// ---- parents ----

void ProcessTable::State::settle_parent(Event& event, Draft& draft) {
  if (draft.now().fork_seen) return follow_forked_parent(event, draft);
  const uint32_t parent_pid = carried_pid(event, parent_field);
  if (parent_pid != 0 && parent_pid != draft.now().key.pid) follow_line_parent(event, draft, parent_pid);
}

// The parent is the kernel's word: what the line says otherwise is taken off the event, what it says besides
// is learnt.
void ProcessTable::State::follow_forked_parent(Event& event, Draft& draft) {
  LeafMask carried = event.carried_leaves(parent_field(Leaf{}));
  if (carried == 0) return;
  const uint32_t told_pid = carried_pid(event, parent_field);
  const Process* parent = draft.now().parent.get();
  SharedProcess known;
  const bool other =
      (told_pid != 0 && told_pid != parent->key.pid) || other_image(event, parent_field, *parent->attributes);
  if (!other && (tells_more(carried, *parent->attributes) || (carried & mask_of(Leaf::kStart)) != 0)) {
    known = learnt(event, parent_field, draft.now().parent);
    if (known.get() != parent) set_parent(edit(draft), known);
    parent = known.get();
  }
  // The same pid stays: without it a capture of the event would not tell whose child was born.
  const bool same_pid = event.find_carried(parent_field(Leaf::kPid)).text == parent->find(Leaf::kPid).text;
  if (!other) carried &= parent->leaves() & ~(same_pid ? mask_of(Leaf::kPid) : LeafMask{0});
  for (; carried != 0; carried &= carried - 1) {
    event.unset(parent_field(static_cast<Leaf>(std::countr_zero(carried))));
  }
}

// No fork was seen: the line knows best, and the table adds what it knows of the same process and image.
void ProcessTable::State::follow_line_parent(Event& event, Draft& draft, uint32_t parent_pid) {
  const SharedProcess& linked = draft.now().parent;
  const bool same =
      linked && linked->key.pid == parent_pid && !other_image(event, parent_field, *linked->attributes);
  const int64_t birth_ns = std::min(draft.now().key.birth_ns, event.order_ns());
  const SharedProcess parent =
      same ? learnt(event, parent_field, linked) : named(event, parent_pid, parent_field, birth_ns);
  if (parent != linked) set_parent(edit(draft), parent);
}

SharedProcess ProcessTable::State::named(const Event& event, uint32_t pid, FieldOf field,
                                         int64_t latest_birth_ns) {
  SharedProcess process = entry_of(event, pid, field, latest_birth_ns).process;
  if (well_after(process->key.birth_ns, latest_birth_ns) || other_image(event, field, *process->attributes)) {
    // Another process that has this pid since, or an image that the table missed.
    process = new_process(event, pid, field, latest_birth_ns, nothing_);
  }
  return learnt(event, field, process);
}

SharedProcess ProcessTable::State::learnt(const Event& event, FieldOf field, const SharedProcess& process) {
  SharedProcess more = completed(event, field, process);
  if (more != process) replace(process, more);
  return more;
}

SharedProcess ProcessTable::State::completed(const Event& event, FieldOf field,
                                             const SharedProcess& process) {
  auto more_known = merge_.completed(event, field, *process->attributes);
  const std::string_view start = carried_text(event, field(Leaf::kStart));
  const bool new_start = !start.empty() && process->start().empty();
  if (!more_known && !new_start) return process;
  const MutableProcess more = std::make_shared<Process>(*process);
  if (more_known) more->attributes = std::move(more_known);
  if (new_start) more->set_start(start);
  return more;
}

void ProcessTable::State::replace(const SharedProcess& old, const SharedProcess& changed) {
  ProcessEntry* const entry = entries_.find(host_.number, old->key.pid);
  if (entry == nullptr || entry->process != old) return;
  entries_.set_process(*entry, changed);
  if (!entry->had_root) entry->had_root = user_ids(*changed->attributes).any_root();
}

void ProcessTable::State::set_parent(Process& child, SharedProcess parent) {
  if (parent->depth + 1 >= kMaxDepth) {
    // In the table too, or each of its children would copy the chain again.
    SharedProcess cut = shortened(parent);
    replace(parent, cut);
    parent = std::move(cut);
  }
  child.depth = static_cast<uint16_t>(parent->depth + 1);
  child.parent = std::move(parent);
}

// The same process with a chain of kMaxAncestors processes, itself included.
SharedProcess ProcessTable::State::shortened(const SharedProcess& process) {
  std::array<const Process*, kMaxAncestors> chain{};
  size_t count = 0;
  for (const Process* one = process.get(); one != nullptr && count < chain.size(); one = one->parent.get()) {
    chain[count++] = one;
  }
  SharedProcess parent;
  while (count > 0) {
    const MutableProcess copy = std::make_shared<Process>(*chain[--count]);
    copy->depth = static_cast<uint16_t>(parent ? parent->depth + 1 : 0);
    copy->parent = std::move(parent);
    parent = copy;
  }
  return parent;
}

// ---- leaders of groups and sessions ----

std::string_view ProcessTable::State::leader_id(const Event& event, Leaf pid_leaf, Leaf id_leaf,
                                                const Process& process) {
  if (!event.carries(process_field(pid_leaf))) return {};
  const FieldView pid = event.find_carried(process_field(pid_leaf));
  if (pid.type != Type::kInteger || pid.number <= 0 || pid.number > UINT32_MAX) return {};
  if (!is_open(event, process_field(id_leaf))) return {};
  if (pid.number == process.key.pid) return process.entity_id();
  const ProcessEntry* const leader = entries_.find(host_.number, static_cast<uint32_t>(pid.number));
  // The pid of a leader is not given away while the group lives, but a later process is not it.
  if (leader == nullptr || well_after(leader->process->key.birth_ns, process.key.birth_ns)) return {};
  return leader->process->entity_id();
}

LeaderIds ProcessTable::State::leaders(const Event& event, const Process& process) {
  return {.group = leader_id(event, Leaf::kGroupLeaderPid, Leaf::kGroupLeaderEntityId, process),
          .session = leader_id(event, Leaf::kSessionLeaderPid, Leaf::kSessionLeaderEntityId, process)};
}

void ProcessTable::State::enforce_bounds() {
  using Evicted = ProcessEntries::Evicted;
  while (entries_.size() > options_.max_processes || entries_.bytes() > options_.max_bytes) {
    switch (entries_.evict()) {
      case Evicted::kNothing: return;
      case Evicted::kLive: ++counters_.evicted_live; break;
      case Evicted::kEnded: ++counters_.evicted_ended; break;
    }
  }
}

// ---- the table ----

ProcessTable::ProcessTable(Options options) : state_(std::make_unique<State>(options)) {}
ProcessTable::~ProcessTable() = default;

void ProcessTable::apply(Event& event) { state_->apply(event); }
std::shared_ptr<const Process> ProcessTable::find(uint32_t pid) const { return state_->find(pid); }
std::vector<std::shared_ptr<const Process>> ProcessTable::running() const { return state_->running(); }
ProcessTable::Counters ProcessTable::counters() const { return state_->counters(); }

}  // namespace detectd

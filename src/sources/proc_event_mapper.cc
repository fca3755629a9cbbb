#include "src/sources/proc_event_mapper.h"

#include "engine/fields.h"

namespace detectd {
namespace {

EventKind kind_of(const ProcEvent& event) {
  switch (event.what) {
    case ProcWhat::kFork: return EventKind::kFork;
    case ProcWhat::kExec: return EventKind::kExec;
    case ProcWhat::kUid: return EventKind::kUidChange;
    case ProcWhat::kGid: return EventKind::kGidChange;
    case ProcWhat::kSession: return EventKind::kSessionIdChange;
    case ProcWhat::kPtrace: return event.other_pid == 0 ? EventKind::kPtraceDetach : EventKind::kPtrace;
    case ProcWhat::kComm: return EventKind::kCommChange;
    case ProcWhat::kCoredump: return EventKind::kCoredump;
    case ProcWhat::kExit: return EventKind::kEnd;
    case ProcWhat::kAck:
    case ProcWhat::kBeat:
    case ProcWhat::kUnknown: break;
  }
  return EventKind::kOther;
}

}  // namespace

bool ProcEventMapper::map(const ProcEvent& from, Event& event) {
  event.clear();
  event.kind = kind_of(from);
  if (event.kind == EventKind::kOther) return false;
  const int64_t boot_ns = clock_.boot_ns(from.monotonic_ns);
  event.has_time = true;
  event.time_ns = clock_.wall_ns(boot_ns);
  event.host = host_;
  event.set_integer(field::kBootNs, boot_ns);
  event.set_text(field::kSource, "connector");
  if (from.what == ProcWhat::kPtrace) {
    map_trace(from, event);
    return true;
  }
  event.set_integer(process_field(Leaf::kPid), from.pid);
  switch (from.what) {
    case ProcWhat::kFork: event.set_integer(parent_field(Leaf::kPid), from.other_pid); break;
    case ProcWhat::kUid:
    case ProcWhat::kGid: map_ids(from, event); break;
    case ProcWhat::kSession: event.set_integer(process_field(Leaf::kSessionLeaderPid), from.pid); break;
    case ProcWhat::kComm:
      event.set_integer(process_field(Leaf::kThreadId), from.thread);
      event.set_text(process_field(Leaf::kThreadName), from.thread_name());
      break;
    case ProcWhat::kCoredump: event.set_integer(process_field(Leaf::kThreadId), from.thread); break;
    case ProcWhat::kExit: map_end(from, event); break;
    default: break;
  }
  return true;
}

void ProcEventMapper::map_ids(const ProcEvent& from, Event& event) const {
  const bool of_user = from.what == ProcWhat::kUid;
  event.set_integer(process_field(Leaf::kThreadId), from.thread);
  event.set_integer(process_field(of_user ? Leaf::kUserId : Leaf::kGroupId), from.effective_id);
  event.set_integer(process_field(of_user ? Leaf::kRealUserId : Leaf::kRealGroupId), from.real_id);
}

void ProcEventMapper::map_end(const ProcEvent& from, Event& event) const {
  const uint32_t signal = from.exit_status & 0x7f;
  if (signal != 0) {
    event.set_integer(field::kExitSignal, signal);
  } else {
    event.set_integer(process_field(Leaf::kExitCode), from.exit_status >> 8 & 0xff);
  }
}

void ProcEventMapper::map_trace(const ProcEvent& from, Event& event) {
  event.set_integer(target_field(Leaf::kPid), from.pid);
  const auto known = tracers_.find(from.pid);
  const uint32_t tracer = from.other_pid != 0       ? from.other_pid
                          : known != tracers_.end() ? known->second.pid
                                                    : 0;
  if (tracer != 0) event.set_integer(process_field(Leaf::kPid), tracer);
  if (known != tracers_.end()) {
    traced_.erase(known->second.order);
    tracers_.erase(known);
  }
  if (from.other_pid == 0) return;
  tracers_[from.pid] = {from.other_pid, traced_.insert(traced_.end(), from.pid)};
  if (tracers_.size() <= kMaxTraced) return;
  tracers_.erase(traced_.front());
  traced_.pop_front();
}

}  // namespace detectd

#include "engine/process_snapshot.h"

#include <algorithm>
#include <bit>
#include <map>
#include <tuple>

#include "engine/carried.h"
#include "engine/timestamp.h"

namespace detectd {
namespace {

using SharedProcess = std::shared_ptr<const Process>;

auto order_of(const Process& process) {
  static const ProcessHost kNobody;
  const ProcessHost& host = process.host ? *process.host : kNobody;
  return std::tie(host.host, host.boot_id, process.key.birth_ns, process.key.pid);
}

struct Before {
  bool operator()(const Process* a, const Process* b) const { return order_of(*a) < order_of(*b); }
};

void set_identity(const Process& process, FieldOf field, Event& event) {
  event.set_integer(field(Leaf::kPid), process.key.pid);
  event.set_text(field(Leaf::kEntityId), process.entity_id());
  event.set_text(field(Leaf::kStart), process.start().empty() ? format_rfc3339(process.key.birth_ns)
                                                              : std::string(process.start()));
}

void set_attributes(const Attributes& attributes, FieldOf field, Event& event) {
  for (LeafMask left = attributes.leaves(); left != 0; left &= left - 1) {
    const auto leaf = static_cast<Leaf>(std::countr_zero(left));
    const FieldId id = field(leaf);
    if (!table_info(id).many) {
      event.set(id, attributes.find(leaf));
      continue;
    }
    if (!event.begin_list(id)) return;
    for (size_t i = 0; i < attributes.count(leaf); ++i) event.append(id, attributes.find(leaf, i));
  }
}

class Visitor {
 public:
  Visitor(const std::vector<SharedProcess>& processes, const std::function<void(Event&)>& visit)
      : visit_(visit) {
    for (const SharedProcess& process : processes) shown_.emplace(process.get(), false);
  }

  void show_all() {
    for (const auto& [process, shown] : shown_) show_with_parents(*process);
  }

 private:
  // Parents are kept as they were at the fork; the running one may be a later version.
  void show_with_parents(const Process& process) {
    std::vector<const Process*> chain;
    const Process* next = &process;
    while (next != nullptr && chain.size() <= 2 * kMaxAncestors) {
      const auto running = shown_.find(next);
      if (running == shown_.end() || running->second) break;
      chain.push_back(running->first);
      next = running->first->parent.get();
    }
    for (auto one = chain.rbegin(); one != chain.rend(); ++one) {
      bool& shown = shown_.find(*one)->second;
      if (!shown) show(**one);
      shown = true;
    }
  }

  void show(const Process& process) {
    event_.clear();
    event_.kind = EventKind::kAlreadyRunning;
    event_.has_time = true;
    event_.silent = true;
    event_.host = host_of_process(process);
    event_.set_text(field::kReason, "capture_start");
    set_identity(process, process_field, event_);
    set_attributes(*process.attributes, process_field, event_);
    if (const Process* const parent = process.parent.get()) {
      set_identity(*parent, parent_field, event_);
      if (!shown_.contains(parent)) set_attributes(*parent->attributes, parent_field, event_);
    }
    visit_(event_);
  }

  std::shared_ptr<const CaptureHost> host_of_process(const Process& process) {
    if (!process.host) return nullptr;
    if (!host_ || host_->id != process.host->host || host_->boot_id != process.host->boot_id) {
      CaptureHost host;
      host.id = process.host->host;
      host.boot_id = process.host->boot_id;
      host_ = std::make_shared<const CaptureHost>(std::move(host));
    }
    return host_;
  }

  const std::function<void(Event&)>& visit_;
  std::map<const Process*, bool, Before> shown_;
  Event event_;
  std::shared_ptr<const CaptureHost> host_;
};

}  // namespace

void visit_as_running(const std::vector<SharedProcess>& processes, const std::function<void(Event&)>& visit) {
  Visitor(processes, visit).show_all();
}

}  // namespace detectd

// The connector's events as events of the engine, with what the kernel itself told: kind, time, pids, ids, exit.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>

#include "engine/event.h"
#include "src/boot_clock.h"
#include "src/sources/proc_event.h"

namespace detectd {

class ProcEventMapper {
 public:
  ProcEventMapper(const BootClock& clock, std::shared_ptr<const CaptureHost> host)
      : clock_(clock), host_(std::move(host)) {}

  // `from` has passed ThreadEnds. False, and an event without meaning, for one that no kind stands for.
  bool map(const ProcEvent& from, Event& event);

 private:
  void map_ids(const ProcEvent& from, Event& event) const;
  void map_end(const ProcEvent& from, Event& event) const;
  void map_trace(const ProcEvent& from, Event& event);

  // A detach names no tracer: the last one that attached. Bounded; beyond, the oldest is forgotten.
  static constexpr size_t kMaxTraced = 4096;
  struct Tracer {
    uint32_t pid;
    std::list<uint32_t>::iterator order;
  };

  const BootClock& clock_;
  std::shared_ptr<const CaptureHost> host_;
  std::unordered_map<uint32_t, Tracer> tracers_;  // by traced pid
  std::list<uint32_t> traced_;                    // oldest first
};

}  // namespace detectd

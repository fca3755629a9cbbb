// What a correlation remembers of one group: the events of its window, or as much of them as its type needs.
// Windows live on event time (Event::order_ns) and are inclusive at both ends. They end at the newest event of the group; one
// that comes late is counted where it belongs. When time goes back by more than the timespan, what is
// then in the future is forgotten.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/hit.h"
#include "engine/rule.h"

namespace detectd {

// A large window keeps the events themselves of its newest parts only.
inline constexpr size_t kMaxKeptEvents = 32;

struct WindowEvent {
  HitPart part;
  uint32_t input = 0;      // which of the correlation's rules
  std::string value;       // value_count: what is counted, as a key
  long double number = 0;  // value_sum, value_avg, value_percentile
};

class Window {
 public:
  virtual ~Window() = default;

  // False if it is too late to lie in the window: then it changes nothing.
  virtual bool add(WindowEvent event) = 0;
  // Whether the correlation holds with what was added last.
  virtual bool holds() const = 0;
  // What the bounds of the condition are asked about: how many events, values or rules, a sum, ... At least one event
  // was added.
  virtual long double measure() const = 0;
  // In order of time, the newest kMaxHitParts.
  virtual void append_parts(Hit& hit) const = 0;
  virtual int64_t newest_ns() const = 0;
  // An estimate, its events included.
  virtual size_t bytes() const = 0;
  // Events that were pushed out because the window was full (kMaxWindowEvents).
  virtual uint64_t pushed_out() const { return 0; }
};

// Null for new_terms, which has no window. `correlation` must outlive the window.
std::unique_ptr<Window> make_window(const Correlation& correlation);

}  // namespace detectd

// Folds repeats: the first hit of a rule and its `by` values opens a window of event time and is reported at
// once; those that follow within it are counted; when it closes, one fold says how many there were. Windows
// are bounded in number and bytes; those that would close first are then closed early, so that nothing is
// lost but the saving.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/digest.h"
#include "engine/hit.h"
#include "engine/rule_set.h"

namespace detectd {

// What tells the windows of one rule apart; appended to `key`.
void append_suppress_key(const Hit& hit, const CompiledSuppress& suppress, Sha256Hasher& hasher,
                         std::string& key);

class Suppressor {
 public:
  struct Options {
    size_t memory_bytes = 16 << 20;  // an estimate
    size_t max_windows = 65'536;
  };
  struct Counters {
    uint64_t windows = 0;       // open now
    uint64_t folded = 0;        // hits that were not reported by themselves
    uint64_t closed_early = 0;  // windows, for a bound
  };

  explicit Suppressor(Options options) : options_(options) {}

  // Whether `hit` is to be reported. Closes windows for it where there are too many; their folds are appended
  // to `folds`.
  bool admit(const Hit& hit, const CompiledSuppress& suppress, std::vector<Hit>& folds);
  // Closes the windows that ended before `order_ns` (Event::order_ns).
  void advance(int64_t order_ns, std::vector<Hit>& folds) {
    if (!windows_.empty() && windows_.begin()->first.first < order_ns) close_until(order_ns, folds);
  }
  // Closes all.
  void flush(std::vector<Hit>& folds);

  Counters counters() const;

 private:
  // When it closes, and which was opened first.
  using Order = std::pair<int64_t, uint64_t>;
  struct OpenWindow {
    Hit hit;  // the one that was reported, without its parts; its count goes on
    int64_t opened_ns = 0;
    std::string key;
    size_t bytes = 0;
  };
  using Windows = std::map<Order, OpenWindow>;

  void make_key(const Hit& hit, const CompiledSuppress& suppress);
  void open(const Hit& hit, const CompiledSuppress& suppress);
  void close(Windows::iterator window, std::vector<Hit>& folds);
  void close_until(int64_t order_ns, std::vector<Hit>& folds);

  Options options_;
  Windows windows_;
  std::map<std::string, Windows::iterator, std::less<>> by_key_;
  uint64_t opened_ = 0;
  size_t bytes_ = 0;
  Counters counters_;
  Sha256Hasher hasher_;
  std::string key_;
};

}  // namespace detectd

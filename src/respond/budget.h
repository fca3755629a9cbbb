// How often may something be done to a process: each rule, and all together. What would go beyond is not done later.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

namespace detectd {

struct ResponseRate {
  uint64_t count = 0;  // 0: without limit
  int64_t period_ns = 60'000'000'000;
};

class Budget {
 public:
  struct Options {
    ResponseRate per_rule = {.count = 5};
    ResponseRate total = {.count = 20};
  };
  enum class Answer : uint8_t { kGranted, kRuleSpent, kAllSpent };

  explicit Budget(Options options) : options_(options) {}
  // What was granted so far counts on.
  void set(Options options) { options_ = options; }

  // `now_ns` is of a clock that only goes forward.
  Answer take(const std::string& rule_id, int64_t now_ns);

 private:
  using Times = std::deque<int64_t>;
  static bool has_room(Times& granted, const ResponseRate& rate, int64_t now_ns);

  Options options_;
  std::map<std::string, Times> by_rule_;
  Times all_;
};

}  // namespace detectd

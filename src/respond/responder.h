// Carries out what rules ask for. A response goes a long way before it does something to a process:
//
//   whom?  incomplete?  the same process, the same program?  protected?  budget?  armed?  written down?  signal
//
// and what stops it on that way is its outcome. The signal goes through a pidfd that was found to mean the process of
// the event, so that nobody who gets its pid later is hit. Whether the process ended is seen by the pidfd as well.
//
// One thread's: the one that judges. Never waits, but for the looks at /proc of a tree, which are bounded.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/matcher.h"
#include "engine/process.h"
#include "engine/rule_set.h"
#include "src/hit_responder.h"
#include "src/respond/aim.h"
#include "src/respond/budget.h"
#include "src/respond/grip_ring.h"
#include "src/respond/process_tree.h"
#include "src/respond/process_view.h"
#include "src/respond/protection.h"
#include "src/respond/response_log.h"

namespace detectd {

class Responder final : public HitResponder {
 public:
  // For a process to end, before it is told as pending.
  static constexpr int64_t kPatienceNs = 1'000'000'000;
  // That it is watched beyond.
  static constexpr int64_t kWatchNs = 60'000'000'000;
  // Responses without an outcome; more are refused.
  static constexpr size_t kMaxOpen = 4096;
  // How long forks below a tree that was ended are followed.
  static constexpr int64_t kChaseNs = 5'000'000'000;

  struct Settings {
    bool enforce = false;
    Budget::Options budget = {};
    ProtectedList protection = {};
  };
  struct Edges {
    ProcessView& view;
    ProcessSignals& signals;
    // None: nothing can be written down, so nothing is done.
    std::optional<ResponseLog> log;
    uint32_t self = 0;  // pid
    std::function<int64_t()> boot_clock_ns;
    std::function<int64_t()> wall_clock_ns;
    // Takes holds that wait somewhere; may be empty.
    std::function<void(GripRing&)> take_grips = {};
    // Of the engine: those that run as its table knows them; may be empty.
    std::function<std::vector<std::shared_ptr<const Process>>()> running = {};
    // What a person should know; may be empty.
    std::function<void(const std::string&)> tell = {};
  };
  struct Counters {
    uint64_t asked = 0;
    uint64_t signalled = 0;
    uint64_t ended = 0;    // confirmed
    uint64_t refused = 0;  // whatever the reason
    uint64_t chased = 0;   // processes that turned up below a tree when it was ended
  };

  Responder(Edges edges, Settings settings, std::shared_ptr<const RuleSet> rules, size_t max_grips);
  ~Responder() override;

  // Between two chunks.
  void set(Settings settings);
  void reload(std::shared_ptr<const RuleSet> rules, size_t max_grips);
  const RuleSet& rules() const { return *rules_; }
  const std::shared_ptr<const RuleSet>& shared_rules() const { return rules_; }
  // What an earlier run left without an outcome: told as health hits.
  void tell_unfinished(const std::vector<ResponseLog::Intent>& unfinished,
                       const std::shared_ptr<const CaptureHost>& host);

  void observe(const Event& event) override;
  bool respond(Hit& hit) override;
  void settle(News& news, bool last) override;

  const Counters& counters() const { return counters_; }
  const GripRing& grips() const { return grips_; }

 private:
  struct Open {
    Hit hit;
    std::vector<Fd> processes = {};
    uint32_t pid = 0;
    bool stops = false;
    bool is_tree = false;
    bool incomplete_tree = false;
    bool is_told = false;  // as pending
    int64_t sent_boot_ns = 0;
    int64_t signalled_boot_ns = 0;  // the last one of a tree
    int64_t after_us = 0;
  };
  struct Doomed {
    uint64_t start_ticks = 0;
    uint64_t open = 0;  // key of open_
    int64_t until_boot_ns = 0;
  };
  // A process that is known to be the right one.
  struct Target {
    Aim aim;
    Fd process;
    ProcessFacts facts;
  };

  // What stops the response, or nothing.
  Protection::Host host();
  std::optional<std::string> find_target(const Hit& hit, Target& target);
  std::optional<std::string> refuse(const Hit& hit, const Target& target);
  Fd open(const Aim& aim, const HeldProcess* held);
  bool is_still_parent(const Event& event, uint32_t parent_pid);
  bool is_sure(const Hit& hit, const Event& event);
  bool carry_out(Hit& hit, Target target);
  bool end_tree(Open& open, Target target);
  void note_member(const std::string& hit, uint32_t pid, uint64_t start_ticks);
  void chase(uint32_t pid, int64_t boot_ns, const Doomed& parent);
  void doom(uint32_t pid, uint64_t start_ticks, uint64_t open);
  std::vector<ProcessTreeHold::Known> known_descendants(const Aim& aim) const;
  bool settle(Open& open, News& news, int64_t now_ns, bool last);
  void conclude(Open& open, std::string_view what);
  void tell_health(std::string_view rule_name, const Event& about, std::string_view reason,
                   const HitId& cause, int64_t number);
  void tell_spent(const Hit& hit, Budget::Answer answer);
  void tell(const std::string& message) const;

  Edges edges_;
  Settings settings_;
  std::shared_ptr<const RuleSet> rules_;
  std::unique_ptr<Matcher> matcher_;
  std::unordered_map<const Rule*, uint32_t> rule_numbers_;
  bool responds_ = false;  // a rule may
  Protection protection_;
  Budget budget_;
  GripRing grips_;
  std::map<uint64_t, Open> open_;
  uint64_t opened_ = 0;
  std::map<uint32_t, Doomed> doomed_;
  int64_t observed_boot_ns_ = 0;       // of the event seen last, while anybody is doomed
  std::map<std::string, bool> spent_;  // by rule id, "" for all: told, and not granted since
  std::vector<Hit> health_;
  Counters counters_;
};

}  // namespace detectd

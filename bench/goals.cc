// detectd-bench: what the goals for speed are, and what this build reaches on this machine.
//
// Costs are CPU time of all threads, medians of runs that take turns, and mostly said in P (parse_cost.h), so that they
// mean the same on another machine. Nothing here passes or fails: a busy machine is no mistake.
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/child.h"
#include "bench/events.h"
#include "bench/goal_table.h"
#include "bench/parse_cost.h"
#include "bench/replay_cost.h"
#include "bench/rule_costs.h"
#include "bench/rules.h"
#include "bench/scores.h"
#include "bench/shuffle.h"

using namespace detectd;
using namespace detectd::bench;

namespace {

constexpr const char* kUsage =
    "usage: detectd-bench --dir DIR --detectd FILE [OPTION...]\n"
    "\n"
    "  --dir DIR       for what is generated: about 3 GiB, with --quick 200 MiB; removed at the end\n"
    "  --detectd FILE  the program, for peak memory and the time it takes to start\n"
    "  --machine TEXT  on what this is measured, for --save\n"
    "  --sigma DIR     the public Sigma rules, imported, for what single rules and hostile events cost\n"
    "  --linux DIR     those for Linux, to be run over 10 million events\n"
    "  --day FILE      a capture of an ordinary day\n"
    "  --quick         a tenth of the events and three runs in place of five\n"
    "  --save FILE     keep what was reached, as JSON\n"
    "  --compare FILE  show what was saved beside it\n";

constexpr const char* kEveryExec = R"([[rule]]
id = "3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11"
name = "every_exec"
title = "Every exec"
level = "low"
on = "exec"
[rule.detection]
a."process.executable|exists" = true
condition = "a"
)";
constexpr size_t kRuleCounts[] = {100, 1000, 5000, 10'000};
constexpr size_t kThousand = 1;  // of them
constexpr uint64_t kSampleEvents = 30'000;

struct Request {
  std::string dir, detectd, machine, sigma, linux_rules, day, save, compare;
  bool quick = false;
};

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "detectd-bench: %s\n", message.c_str());
  std::exit(1);
}

template <class T>
T take(Result<T> result) {
  if (!result) fail(result.error().message);
  return std::move(*result);
}

// What a figure was in each run.
class Samples {
 public:
  void add(double value) { values_.push_back(value); }
  double median() {
    std::sort(values_.begin(), values_.end());
    return values_.empty() ? 0 : values_[values_.size() / 2];
  }

 private:
  std::vector<double> values_;
};

std::string rules_toml(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += rule_toml(i);
  return text;
}

void write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  if (!(file << text).flush()) fail("can not write " + path);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("can not read " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The gate of the goals: seed 1, a quarter of the command lines unseen, one event of 200 a hit.
std::string gate(uint64_t events) {
  std::string text;
  write_events({.events = events}, [&text](std::string_view block) { text += block; });
  return text;
}

// Execs alone, each of which is a hit of kEveryExec.
std::string execs(uint64_t events) {
  std::string text;
  write_events({.events = 3 * events}, [&text](std::string_view block) {
    while (!block.empty()) {
      const size_t end = block.find('\n') + 1;
      const std::string_view line = block.substr(0, end);
      const bool is_other = line.find(R"("action":"fork")") != std::string_view::npos ||
                            line.find(R"("action":"end")") != std::string_view::npos;
      if (!is_other) text += line;
      block.remove_prefix(end);
    }
  });
  return text;
}

double heap_mib() {
  const struct mallinfo2 heap = mallinfo2();
  return static_cast<double>(heap.uordblks + heap.hblkhd) / (1 << 20);
}

class Bench {
 public:
  explicit Bench(const Request& request) : request_(request), runs_(request.quick ? 3 : 5) {
    const uint64_t events = request.quick ? 100'000 : 1'000'000;
    std::string lines = gate(events);
    write_file(gate_, lines);
    write_file(shuffled_, shuffle_lines(lines, 1));
    write_file(execs_, execs(events / 5));
    write_file(empty_, std::string_view(lines).substr(0, lines.find('\n') + 1));
    write_file(sample_, gate(kSampleEvents));
    if (!request.day.empty()) day_parsed_.emplace(read_file(request.day));
    parsed_.emplace(std::move(lines));
    write_file(rules_file_, rules_toml(10'000));
    every_exec_ = take(load_rules(kEveryExec));
    single_rule_ = take(load_rules(rules_toml(1)));
    if (!request.sigma.empty()) sigma_ = take(read_rules(request.sigma));
    for (const size_t count : kRuleCounts) {
      const double before_mib = heap_mib();
      rules_.push_back(take(load_rules(rules_toml(count))));
      rule_set_mib_ = heap_mib() - before_mib;
    }
    const auto index = rules_.back()->field_indices();
    const double before_mib = heap_mib();
    const std::vector<FieldIndex> copy(index.begin(), index.end());
    index_mib_ = heap_mib() - before_mib;
  }
  ~Bench() {
    for (const std::string* file : {&gate_, &shuffled_, &execs_, &empty_, &sample_, &rules_file_})
      unlink(file->c_str());
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  Values run() {
    for (int i = 0; i < runs_; ++i) {
      std::fprintf(stderr, "detectd-bench: run %d of %d\n", i + 1, runs_);
      run_once();
    }
    measure_rules();
    measure_long();
    settle();
    return values_;
  }

 private:
  void run_once() {
    const double begin_s = cpu_seconds();
    if (parsed_->parse() == 0) fail("P can not be measured on this processor");
    parse_.add((cpu_seconds() - begin_s) / static_cast<double>(parsed_->lines()));
    for (size_t i = 0; i < rules_.size(); ++i) {
      const ReplayCost cost = replay(gate_, rules_[i]);
      by_rules_[i].add(cost.cpu_s / static_cast<double>(cost.events));
      if (kRuleCounts[i] != 1000) continue;
      shuffled_cost_.add(replay(shuffled_, rules_[i]).cpu_s / static_cast<double>(cost.events));
    }
    compare_threads();
    one_rule_.add(cost_of_event(replay(gate_, single_rule_)));
    if (sigma_) sigma_cost_.add(cost_of_event(replay(gate_, sigma_)));
    if (day_parsed_) {
      const double day_s = cpu_seconds();
      if (day_parsed_->parse() == 0) fail("the day can not be parsed");
      day_parse_.add((cpu_seconds() - day_s) / static_cast<double>(day_parsed_->lines()));
      day_cost_.add(cost_of_event(replay(request_.day, rules_[kThousand])));
    }
    const ReplayCost recorded = replay(execs_, every_exec_);
    recorded_.add(static_cast<double>(recorded.hits) / recorded.cpu_s);
    const std::string toml = rules_toml(10'000);
    const double load_s = cpu_seconds();
    take(load_rules(toml));
    load_.add(cpu_seconds() - load_s);
    start_.add(
        take(run_child({request_.detectd, "--replay", empty_, "--rules", "rules", "--no-db", "--quiet"}))
            .cpu_s);
    peak_.add(take(run_child({request_.detectd, "--replay", gate_, "--rules", rules_file_, "--no-db",
                              "--quiet", "--output", "none", "--threads", "1"}))
                  .peak_mib);
  }

  static double cost_of_event(const ReplayCost& cost) {
    return cost.cpu_s / static_cast<double>(cost.events);
  }

  ReplayCost replay(const std::string& capture, const std::shared_ptr<const RuleSet>& rules) {
    return take(measure_replay({.capture = capture, .database = database_}, rules));
  }

  // How fast a core is, alone or while another works, can change from one second to the next where hypervisors place
  // them. So what is compared runs right behind each other, and often.
  void compare_threads() {
    constexpr int kRounds = 3;
    const auto& rules = rules_[kThousand];
    const ReplayRun by_one{.capture = gate_, .database = database_};
    const ReplayRun by_two{.capture = gate_, .database = database_, .threads = 2};
    const ReplayRun beside[] = {by_one, {.capture = gate_, .database = other_database_}};
    for (int i = 0; i < kRounds; ++i) {
      const ReplayCost one = take(measure_replay(by_one, rules));
      const ReplayCost two = take(measure_replay(by_two, rules));
      const double both_s = take(measure_beside(beside, rules));
      two_threads_.add(one.wall_s / two.wall_s);
      two_threads_cpu_.add(two.cpu_s / one.cpu_s);
      two_processes_.add(2 * one.wall_s / both_s);
      two_threads_share_.add(both_s / (2 * two.wall_s));
    }
  }

  void measure_rules() {
    tell("rules one by one, hostile events, bad lines");
    double dearest_us = 0, alone_us = 0, hostile = 0;
    for (const std::string& path : {std::string("rules"), rules_file_, request_.sigma}) {
      if (path.empty()) continue;
      const auto rules = path == rules_file_ ? rules_[kThousand] : take(read_rules(path));
      const DearestRule dearest = take(dearest_rule(sample_, rules));
      std::fprintf(stderr, "  the dearest of %s: %s, %.2f us\n", path.c_str(), dearest.name.c_str(),
                   dearest.us);
      dearest_us = std::max(dearest_us, dearest.us);
      alone_us = std::max(alone_us, dearest.alone_us);
      // What else the machine does is in it, too: the best of three.
      double ms = hostile_ms(*rules);
      for (int i = 0; i < 2; ++i) ms = std::min(ms, hostile_ms(*rules));
      hostile = std::max(hostile, ms);
    }
    values_[row::kDearest] = dearest_us;
    values_[row::kAlone] = alone_us;
    values_[row::kHostile] = hostile;
    values_[row::kLost] =
        take(neighbours_lost(read_file(sample_), request_.dir + "/bad.jsonl", rules_[kThousand]));
    unlink((request_.dir + "/bad.jsonl").c_str());
  }

  void measure_long() {
    constexpr uint64_t kEvents = 10'000'000;
    if (request_.linux_rules.empty() || request_.quick) return;
    tell("10 million events");
    const Words command = {
        request_.detectd, "--replay", "-",         "--rules", request_.linux_rules, "--no-db", "--quiet",
        "--output",       "none",     "--threads", "1"};
    const ChildCost cost =
        take(run_child(command, [](const auto& write) { write_events({.events = kEvents}, write); }));
    values_[row::kLong] = cost.cpu_s * 1e9 / kEvents;
    values_[row::kLongPeak] = cost.peak_mib;
  }

  void settle() {
    const double p = parse_.median();
    double costs[std::size(kRuleCounts)] = {};
    for (size_t i = 0; i < std::size(costs); ++i) costs[i] = by_rules_[i].median();
    values_[row::kParse] = p * 1e9;
    values_[row::kRules1] = one_rule_.median() / p;
    values_[row::kRules100] = costs[0] / p;
    values_[row::kRules1000] = values_[row::kNoCache] = costs[1] / p;
    values_[row::kRules5000] = costs[2] / p;
    values_[row::kRules10000] = costs[3] / p;
    values_[row::kGrowth] = costs[3] / costs[0];
    values_[row::kShuffled] = shuffled_cost_.median() / costs[1];
    values_[row::kTwoThreads] = two_threads_.median();
    values_[row::kTwoThreadsCpu] = two_threads_cpu_.median();
    values_[row::kTwoProcesses] = two_processes_.median();
    values_[row::kTwoThreadsShare] = two_threads_share_.median();
    if (sigma_) values_[row::kSigma] = sigma_cost_.median() / p;
    values_[row::kRecorded] = recorded_.median();
    values_[row::kLoad] = load_.median();
    values_[row::kIndex] = index_mib_;
    values_[row::kRuleSet] = rule_set_mib_;
    values_[row::kPeak] = peak_.median();
    values_[row::kStart] = start_.median() * 1e3;
    if (day_parsed_) values_[row::kDay] = day_cost_.median() / day_parse_.median();
  }

  static void tell(const char* what) { std::fprintf(stderr, "detectd-bench: %s\n", what); }

  const Request& request_;
  int runs_;
  std::string gate_ = request_.dir + "/gate.jsonl", shuffled_ = request_.dir + "/shuffled.jsonl",
              execs_ = request_.dir + "/execs.jsonl", sample_ = request_.dir + "/sample.jsonl",
              empty_ = request_.dir + "/empty.jsonl", rules_file_ = request_.dir + "/rules-10000.toml",
              database_ = request_.dir + "/goals.db", other_database_ = request_.dir + "/other.db";
  std::optional<ParsedFile> parsed_, day_parsed_;
  std::vector<std::shared_ptr<const RuleSet>> rules_;
  std::shared_ptr<const RuleSet> every_exec_, single_rule_, sigma_;  // the last: null where there are none
  double rule_set_mib_ = 0, index_mib_ = 0;                          // of the last of them
  Samples parse_, by_rules_[std::size(kRuleCounts)], two_threads_, two_threads_cpu_, two_processes_,
      two_threads_share_, sigma_cost_, shuffled_cost_, recorded_, load_, start_, peak_, one_rule_, day_parse_,
      day_cost_;
  Values values_;
};

bool read_options(int argc, char** argv, Request& request) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--quick") {
      request.quick = true;
      continue;
    }
    std::string* const value = name == "--dir"       ? &request.dir
                               : name == "--detectd" ? &request.detectd
                               : name == "--machine" ? &request.machine
                               : name == "--sigma"   ? &request.sigma
                               : name == "--linux"   ? &request.linux_rules
                               : name == "--day"     ? &request.day
                               : name == "--save"    ? &request.save
                               : name == "--compare" ? &request.compare
                                                     : nullptr;
    if (value == nullptr || ++i == argc) return false;
    *value = argv[i];
  }
  return !request.dir.empty() && !request.detectd.empty();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 && argv[1] == kMeasurer) return run_as_measurer(argv + 2);
  Request request;
  if (!read_options(argc, argv, request)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  Scores before;
  if (!request.compare.empty()) before = take(read_saved(request.compare));
  const Values values = Bench(request).run();
  std::fputs(table_of(values, request.compare.empty() ? nullptr : &before.values).c_str(), stdout);
  if (request.save.empty()) return 0;
  if (const Status saved = save({request.machine, values}, request.save); !saved) fail(saved.error().message);
  return 0;
}

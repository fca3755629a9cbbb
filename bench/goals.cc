// detectd-bench: what the goals for speed are, and what this build reaches on this machine.
//
// Costs are CPU time of all threads, medians of runs that take turns, and mostly said in P (parse_cost.h), so that they
// mean the same on another machine. Nothing here passes or fails: a busy machine is no mistake.
#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/events.h"
#include "bench/parse_cost.h"
#include "bench/replay_cost.h"
#include "bench/rules.h"
#include "bench/scores.h"
#include "bench/shuffle.h"

using namespace detectd;
using namespace detectd::bench;

namespace {

constexpr const char* kUsage =
    "usage: detectd-bench --dir DIR --detectd FILE [--quick] [--save FILE] [--compare FILE]\n"
    "\n"
    "  --dir DIR       for what is generated: about 3 GiB, with --quick 200 MiB; removed at the end\n"
    "  --detectd FILE  the program, for peak memory and the time it takes to start\n"
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

struct Request {
  std::string dir, detectd, save, compare;
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

struct ChildCost {
  double cpu_s = 0;
  double peak_mib = 0;
};

// `detectd` with arguments; its output goes nowhere.
ChildCost run_child(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child < 0) fail("can not start a process");
  if (child == 0) {
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0) _exit(127);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  int status = 0;
  rusage used{};
  const bool ended = wait4(child, &status, 0, &used) == child;
  if (!ended || !WIFEXITED(status) || WEXITSTATUS(status) != 0) fail(words[0] + " failed");
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return {.cpu_s = seconds(used.ru_utime) + seconds(used.ru_stime),
          .peak_mib = static_cast<double>(used.ru_maxrss) / 1024};
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
    parsed_.emplace(std::move(lines));
    write_file(rules_file_, rules_toml(10'000));
    every_exec_ = take(load_rules(kEveryExec));
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
    for (const std::string* file : {&gate_, &shuffled_, &execs_, &empty_, &rules_file_})
      unlink(file->c_str());
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  std::vector<Score> run() {
    for (int i = 0; i < runs_; ++i) {
      std::fprintf(stderr, "detectd-bench: run %d of %d\n", i + 1, runs_);
      run_once();
    }
    return scores();
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
      one_thread_.add(cost.wall_s);
      two_threads_.add(replay(gate_, rules_[i], 2).wall_s);
      shuffled_cost_.add(replay(shuffled_, rules_[i]).cpu_s / static_cast<double>(cost.events));
    }
    const ReplayCost recorded = replay(execs_, every_exec_);
    recorded_.add(static_cast<double>(recorded.hits) / recorded.cpu_s);
    const std::string toml = rules_toml(10'000);
    const double load_s = cpu_seconds();
    take(load_rules(toml));
    load_.add(cpu_seconds() - load_s);
    start_.add(
        run_child({request_.detectd, "--replay", empty_, "--rules", "rules", "--no-db", "--quiet"}).cpu_s);
    peak_.add(run_child({request_.detectd, "--replay", gate_, "--rules", rules_file_, "--no-db", "--quiet",
                         "--output", "none", "--threads", "1"})
                  .peak_mib);
  }

  ReplayCost replay(const std::string& capture, const std::shared_ptr<const RuleSet>& rules,
                    size_t threads = 1) {
    return take(measure_replay({.capture = capture, .database = database_, .threads = threads}, rules));
  }

  std::vector<Score> scores() {
    const double p = parse_.median();
    double costs[std::size(kRuleCounts)] = {};
    for (size_t i = 0; i < std::size(costs); ++i) costs[i] = by_rules_[i].median();
    return {
        {.name = "P, ns a line", .value = p * 1e9, .unit = ""},
        {.name = "100 rules", .value = costs[0] / p, .unit = " P"},
        {.name = "1,000 rules, 25 % unseen lines", .value = costs[1] / p, .unit = " P", .must = 5, .aim = 3},
        {.name = "5,000 rules", .value = costs[2] / p, .unit = " P"},
        {.name = "10,000 rules", .value = costs[3] / p, .unit = " P", .must = 8, .aim = 4.5},
        {.name = "cost of 10,000 : 100 rules",
         .value = costs[3] / costs[0],
         .unit = "",
         .must = 3,
         .aim = 1.8},
        {.name = "shuffled fields against ordered",
         .value = shuffled_cost_.median() / costs[1],
         .unit = "",
         .must = 2,
         .aim = 1.3},
        {.name = "2 threads against 1 (wall)",
         .value = one_thread_.median() / two_threads_.median(),
         .unit = "",
         .must = 1.7,
         .aim = 1.95,
         .more_is_better = true},
        {.name = "hits recorded",
         .value = recorded_.median(),
         .unit = "/s",
         .must = 50'000,
         .aim = 90'000,
         .more_is_better = true},
        {.name = "load 10,000 rules, ready to match",
         .value = load_.median(),
         .unit = " s",
         .must = 2,
         .aim = 0.7},
        {.name = "index of 10,000 rules", .value = index_mib_, .unit = " MiB", .must = 32, .aim = 10},
        {.name = "10,000 rules, all of what they take", .value = rule_set_mib_, .unit = " MiB"},
        {.name = "peak memory with 10,000 rules", .value = peak_.median(), .unit = " MiB"},
        {.name = "start with the shipped rules", .value = start_.median() * 1e3, .unit = " ms"},
    };
  }

  const Request& request_;
  int runs_;
  std::string gate_ = request_.dir + "/gate.jsonl", shuffled_ = request_.dir + "/shuffled.jsonl",
              execs_ = request_.dir + "/execs.jsonl", empty_ = request_.dir + "/empty.jsonl",
              rules_file_ = request_.dir + "/rules-10000.toml", database_ = request_.dir + "/goals.db";
  std::optional<ParsedFile> parsed_;
  std::vector<std::shared_ptr<const RuleSet>> rules_;
  std::shared_ptr<const RuleSet> every_exec_;
  double rule_set_mib_ = 0, index_mib_ = 0;  // of the last of them
  Samples parse_, by_rules_[std::size(kRuleCounts)], one_thread_, two_threads_, shuffled_cost_, recorded_,
      load_, start_, peak_;
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
  Request request;
  if (!read_options(argc, argv, request)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  SavedScores before;
  if (!request.compare.empty()) before = take(read_saved(request.compare));
  const std::vector<Score> scores = Bench(request).run();
  std::fputs(table_of(scores, request.compare.empty() ? nullptr : &before).c_str(), stdout);
  if (request.save.empty()) return 0;
  if (const Status saved = save(scores, request.save); !saved) fail(saved.error().message);
  return 0;
}

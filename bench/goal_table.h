// The goals for speed: what is measured, and how much of it there must be and should be.
#pragma once

#include <optional>
#include <span>

namespace detectd::bench {

struct Goal {
  const char* name;
  const char* unit;  // behind the number: " P", "/s", ""
  std::optional<double> must = std::nullopt;
  std::optional<double> aim = std::nullopt;
  bool more_is_better = false;
};

// In the order in which they are told. A row without a goal is there to understand the others.
std::span<const Goal> goals();

// The names of rows, for those who measure them.
namespace row {
inline constexpr const char* kParse = "P, ns a line";
inline constexpr const char* kRules1 = "1 rule";
inline constexpr const char* kRules100 = "100 rules";
inline constexpr const char* kRules1000 = "1,000 rules, 25 % unseen lines";
inline constexpr const char* kNoCache = "1,000 rules, no cache of verdicts";
inline constexpr const char* kRules5000 = "5,000 rules";
inline constexpr const char* kRules10000 = "10,000 rules";
inline constexpr const char* kGrowth = "cost of 10,000 : 100 rules";
inline constexpr const char* kShuffled = "shuffled fields against ordered";
inline constexpr const char* kDay = "admin day ten times, 1,000 rules";
inline constexpr const char* kTwoThreads = "2 threads against 1 (wall)";
inline constexpr const char* kTwoThreadsCpu = "processor time of 2 threads against 1";
inline constexpr const char* kTwoProcesses = "2 processes beside each other against 1";
inline constexpr const char* kTwoThreadsShare = "2 threads against 2 processes beside each other";
inline constexpr const char* kSigma = "public Sigma rules, all of them";
inline constexpr const char* kRecorded = "hits recorded";
inline constexpr const char* kLoad = "load 10,000 rules, ready to match";
inline constexpr const char* kIndex = "index of 10,000 rules";
inline constexpr const char* kRuleSet = "10,000 rules, all of what they take";
inline constexpr const char* kDearest = "dearest rule, on an event of its kinds";
inline constexpr const char* kAlone = "dearest rule, were it always asked";
inline constexpr const char* kHostile = "hostile 4 KB arguments: p99.9";
inline constexpr const char* kLost = "neighbours lost to a bad line";
inline constexpr const char* kPeak = "peak memory with 10,000 rules";
inline constexpr const char* kLong = "10 million events, rules for Linux";
inline constexpr const char* kLongPeak = "peak memory over 10 million events";
inline constexpr const char* kStart = "start with the shipped rules";
}  // namespace row

}  // namespace detectd::bench

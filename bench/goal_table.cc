#include "bench/goal_table.h"

namespace detectd::bench {
namespace {

constexpr Goal kGoals[] = {
    {.name = row::kParse, .unit = ""},
    {.name = row::kRules1, .unit = " P"},
    {.name = row::kRules100, .unit = " P"},
    {.name = row::kRules1000, .unit = " P", .must = 5, .aim = 3},
    {.name = row::kNoCache, .unit = " P", .must = 8, .aim = 5},
    {.name = row::kRules5000, .unit = " P"},
    {.name = row::kRules10000, .unit = " P", .must = 8, .aim = 4.5},
    {.name = row::kGrowth, .unit = "", .must = 3, .aim = 1.8},
    {.name = row::kShuffled, .unit = "", .must = 2, .aim = 1.3},
    {.name = row::kSigma, .unit = " P"},
    {.name = row::kDay, .unit = " P"},
    {.name = row::kTwoThreads, .unit = "", .must = 1.7, .aim = 1.95, .more_is_better = true},
    {.name = row::kTwoThreadsCpu, .unit = ""},
    {.name = row::kTwoProcesses, .unit = ""},
    {.name = row::kTwoThreadsShare, .unit = ""},
    {.name = row::kRecorded, .unit = "/s", .must = 50'000, .aim = 90'000, .more_is_better = true},
    {.name = row::kLoad, .unit = " s", .must = 2, .aim = 0.7},
    {.name = row::kIndex, .unit = " MiB", .must = 32, .aim = 10},
    {.name = row::kRuleSet, .unit = " MiB"},
    {.name = row::kDearest, .unit = " us", .must = 5, .aim = 2},
    {.name = row::kAlone, .unit = " us"},
    {.name = row::kHostile, .unit = " ms", .must = 20, .aim = 2},
    {.name = row::kLost, .unit = "", .must = 0, .aim = 0},
    {.name = row::kPeak, .unit = " MiB"},
    {.name = row::kLong, .unit = " ns/event"},
    {.name = row::kLongPeak, .unit = " MiB"},
    {.name = row::kStart, .unit = " ms"},
};

}  // namespace

std::span<const Goal> goals() { return kGoals; }

}  // namespace detectd::bench

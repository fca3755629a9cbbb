// Rules whose hits are kept and not told for a time. Who records hits asks at each batch, so a mute holds from the
// next one on; hits that were recorded before it are still told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/result.h"
#include "src/store/database.h"

namespace detectd {

struct Mute {
  int64_t n = 0;
  std::string rule;  // its id
  std::string name;  // as people know it
  int64_t begin_ns = 0;
  int64_t end_ns = 0;  // itself excluded
  std::string reason;
  std::string made_by;         // `root`, `alice (1000)`
  std::string lifted_by = {};  // before its time; empty: it was not
  uint64_t hits = 0;           // that it kept quiet; only of list_mutes()

  bool holds(int64_t time_ns) const { return begin_ns <= time_ns && time_ns < end_ns; }
};

inline constexpr int64_t kLongestMuteNs = int64_t{365} * 86'400 * 1'000'000'000;
inline constexpr size_t kMaxMutes = 1000;  // that hold at once

// `mute.n` and `mute.hits` are ignored. A mute of the same rule that holds ends where this one begins. Texts are stored
// escaped. Errc::kUsage without a reason, for no time or more than a year, and beyond kMaxMutes. Returns its number.
Result<int64_t> add_mute(Database& database, const Mute& mute);
// Ends what holds of a rule at `now_ns`. False where nothing did.
Result<bool> lift_mute(Database& database, std::string_view rule, int64_t now_ns, std::string_view lifted_by);

// Those that hold at `now_ns` or later, or all that there ever were; by number, with what they kept quiet.
enum class WhichMutes : uint8_t { kHolding, kAll };
Result<std::vector<Mute>> list_mutes(const Database& database, WhichMutes which, int64_t now_ns);

// Of the last years, newest first, without a count: for who records hits.
Result<std::vector<Mute>> all_mutes(const Database& database);
// The number of the mute that a hit of that rule and time falls under.
std::optional<int64_t> find_mute(const std::vector<Mute>& mutes, std::string_view rule, int64_t time_ns);

}  // namespace detectd

// Questions to a database, asked without writing a byte: beside a running daemon, too.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/regex.h"
#include "engine/result.h"
#include "src/store/database.h"
#include "src/store/hit_record.h"

namespace detectd {

// Which hits are meant: those for which all of this holds.
struct HitFilter {
  std::optional<int64_t> since_ns = {};  // itself included
  std::optional<int64_t> until_ns = {};  // itself excluded
  std::vector<std::string> rules = {};   // ids, names or titles; none: all
  std::optional<Level> min_level = {};
  std::string user = {};  // name or id
  std::string host = {};
  const Regex* grep = nullptr;  // in what is shown of a hit, or in its event
  bool unacknowledged = false;

  // Whether it asks for more than rules and times.
  bool looks_into_hits() const { return !user.empty() || !host.empty() || grep != nullptr || unacknowledged; }
};

struct StoredHit {
  int64_t n = 0;
  HitRecord record;  // event, lineage, parts and capture only where they were asked for
  std::optional<int64_t> acknowledged_ns;
  std::string note;
};

struct StoredAncestor {
  std::optional<int64_t> pid;
  std::string entity_id, name, command_line, user;
};

struct StoredPart {
  std::string time, rule, command_line;
};

struct StoredGap {
  GapRecord record;
  int64_t run = 0;
};

// What a listing must say of itself.
struct Completeness {
  uint64_t runs = 0;
  uint64_t open_runs = 0;        // still running, or killed
  uint64_t incomplete_runs = 0;  // that ended before their input did
  uint64_t skipped = 0;          // lines that no run could read
  uint64_t gaps = 0;             // that touch the times asked for
  uint64_t uncounted_gaps = 0;
  uint64_t lost = 0;    // events, in the other gaps
  uint64_t pruned = 0;  // hits that retention took
  std::optional<int64_t> pruned_until_ns;
  uint64_t waiting = 0;  // hits in the spill

  bool complete() const { return incomplete_runs == 0 && skipped == 0 && gaps == 0 && waiting == 0; }
};

// A row of `top` or a bar of `timeline`.
struct HitCount {
  uint64_t hits = 0;
  uint64_t repeats = 0;  // that were folded into them
  int64_t first_ns = 0;
  int64_t last_ns = 0;
  Level level = Level::kInformational;  // the highest
};

enum class GroupBy : uint8_t { kRule, kLevel, kUser, kHost, kExecutable, kParent };

class HitReader {
 public:
  static Result<HitReader> open(const std::string& path);
  HitReader(HitReader&&) = default;

  // Called for one hit after another; false ends it.
  using Take = std::function<bool(StoredHit&)>;
  enum class Order : uint8_t { kOldestFirst, kNewestFirst };
  struct ListOptions {
    Order order = Order::kOldestFirst;
    bool detail = false;
    std::optional<int64_t> after_n = std::nullopt;  // only hits stored after that one, in that order
  };
  Status list(const HitFilter& filter, const ListOptions& options, const Take& take) const;

  // By number or id, with everything. Errc::kNotFound if there is none; Errc::kUsage for what is neither.
  Result<StoredHit> find(const std::string& number_or_id) const;
  // The hits of the family of `hit` that are nearest to it in time, at most `max`, oldest first, with lineage.
  Result<std::vector<StoredHit>> relatives(const StoredHit& hit, size_t max) const;
  // Of the lineage of a hit that has its detail, nearest first. Texts are escaped.
  Result<std::vector<StoredAncestor>> ancestors(const StoredHit& hit) const;
  // The same lineage as fields of an event with their values as JSON, as a line of a capture would carry them; what
  // is not known of any ancestor is left out.
  struct StoredField {
    std::string name;  // process.parent.pid, process.ancestors.name, ...
    std::string json;
  };
  Result<std::vector<StoredField>> lineage_fields(const StoredHit& hit) const;
  // Of a correlation's hit that has its detail, in order of time, at most `max`. Texts are escaped.
  Result<std::vector<StoredPart>> parts(const StoredHit& hit, size_t max) const;
  // The number of the last hit stored; 0 if there is none.
  Result<int64_t> last_number() const;

  struct Group {
    std::string name;  // escaped; `-` where it is not known
    HitCount count;
  };
  // In no order. At most kMaxGroups; what is beyond is counted in the last, named `(others)`.
  Result<std::vector<Group>> count_by(GroupBy group, const HitFilter& filter) const;
  static constexpr size_t kMaxGroups = 100'000;

  struct Bucket {
    int64_t begin_ns = 0;
    uint64_t hits[5] = {};  // by level
  };
  // Buckets that hold hits, in order.
  Result<std::vector<Bucket>> timeline(int64_t width_ns, int64_t offset_ns, const HitFilter& filter) const;
  struct Range {
    int64_t first_ns = 0;
    int64_t last_ns = 0;
  };
  // Of all hits in the filter's times; nothing if there are none.
  Result<std::optional<Range>> range(const HitFilter& filter) const;

  Status gaps(const HitFilter& filter, const std::function<bool(const StoredGap&)>& take) const;
  Result<Completeness> completeness(const HitFilter& filter) const;

  const Database& database() const { return *database_; }

 private:
  explicit HitReader(Database database) : database_(std::make_unique<Database>(std::move(database))) {}
  // Numbers of rules, as a JSON array; nothing where all rules are meant.
  Result<std::optional<std::string>> chosen_rules(const HitFilter& filter) const;
  Status scan_index(const HitFilter& filter,
                    const std::function<void(int64_t rule, int64_t time_ns, int64_t count)>& take) const;
  Result<std::vector<Group>> count_by_rule(GroupBy group, const HitFilter& filter) const;

  std::unique_ptr<Database> database_;
};

}  // namespace detectd

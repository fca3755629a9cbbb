// What sinks of alerts have yet to be told. The hits themselves are the queue: they are numbered in the order in which
// they were stored, and of each sink the database keeps the number up to which it has everything. So a hit is committed
// together with its place in every queue, recording costs nothing for it, what comes back from the spill is told like
// any other, and what was told and not yet noted when the program ends is told again, with the same id.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/result.h"
#include "src/store/database.h"
#include "src/store/hit_reader.h"
#include "src/store/hit_row.h"

namespace detectd {

// A row of the table `sink`.
struct SinkRecord {
  std::string name;
  int64_t since_ns = 0;   // when it was first configured: of before it is told nothing
  int64_t settled_n = 0;  // hits up to this number are told, folded, refused or expired
  uint64_t delivered = 0;
  uint64_t folded = 0;   // told as a number only
  uint64_t refused = 0;  // by the receiver, for good
  uint64_t expired = 0;  // not told in time, or taken by retention before
  std::optional<int64_t> delivered_ns;
  std::optional<int64_t> failing_since_ns;
  std::string failure;               // escaped; of the last try, while it fails
  std::optional<int64_t> digest_ns;  // up to when digests have told
};

// So that sinks are told what is stored from now on; those that are known go on where they were.
Status register_sinks(Database& database, std::span<const std::string> names, int64_t now_ns);
// Those of the configuration and of earlier ones, by name; none in a database of an older schema.
Result<std::vector<SinkRecord>> read_sinks(const Database& database);

// A connection of one thread. Reads beside who records, and writes a row now and then.
class Outbox {
 public:
  // Hits that one read() looks at, at most.
  static constexpr int64_t kStretch = 4096;
  // A response whose outcome is not known yet is told when it is, or after so long.
  static constexpr int64_t kOutcomeWaitNs = 3'000'000'000;

  explicit Outbox(std::string path) : path_(std::move(path)) {}
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  struct Read {
    int64_t looked_to = 0;    // hits up to this number were given, or are not for sinks
    uint64_t taken_away = 0;  // by retention, before they could be given
    bool more = false;        // there are hits behind it
    bool waits = false;       // for the outcome of the next one's response
    bool is_new = false;      // the file was replaced: numbers begin anew
  };
  // Gives hits behind number `after`, in order, with everything, that are of `min_level` or above, not muted and of runs
  // that tell; and those of the rule named `always` at any level; until `take` says no, which leaves that one for the next time.
  struct Query {
    int64_t after = 0;
    Level min_level = Level::kInformational;
    int64_t now_ns = 0;
    std::string_view always = {};
  };
  Result<Read> read(const Query& query, const HitReader::Take& take);

  // Errc::kNotFound for one that was not registered.
  Result<SinkRecord> find(const std::string& name);
  // Waits for who records, some milliseconds; makes nobody wait for a disk.
  Status save(const SinkRecord& sink);

  // How many hits wait at most, counted without looking at them.
  Result<uint64_t> behind(int64_t n);

  // What was kept in a stretch of time, for a digest.
  struct RuleCount {
    std::string id, name;
    Level level = Level::kInformational;
    uint64_t hits = 0;
    uint64_t repeats = 0;  // that were folded into them
    uint64_t muted = 0;    // of the hits
    int64_t first_ns = 0, last_ns = 0;
  };
  struct Overview {
    std::vector<RuleCount> rules;  // the highest level first, then the most hits; at most kMaxRules
    uint64_t rules_left_out = 0;
    uint64_t hits = 0;
    uint64_t gaps = 0;
    uint64_t uncounted_gaps = 0;
    uint64_t lost = 0;     // events
    int64_t blind_ns = 0;  // overlaps counted once
    std::vector<std::string>
        silent;  // of the rules asked about: without a hit in all that is kept; at most kMaxRules
    uint64_t silent_left_out = 0;
  };
  static constexpr size_t kMaxRules = 100;
  struct Stretch {
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
  };
  struct NamedRule {
    std::string id, name;
  };
  Result<Overview> overview(Stretch stretch, std::span<const NamedRule> running);
  // The same counts of hits by their numbers, of those that a sink would be told: what is folded.
  Result<Overview> fold(int64_t after, int64_t up_to, const std::function<bool(const RuleRecord&)>& wanted);

 private:
  Status connect();

  std::string path_;
  std::optional<Database> database_;
  RuleCache rules_;
  bool was_replaced_ = false;
};

}  // namespace detectd

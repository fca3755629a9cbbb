// What is stored of a hit: self-contained, so that it can wait in memory or in the spill file until the
// database takes it.
//
// The texts that people read in columns are redacted, escaped and cut here, so that no way of looking at the
// database shows a control character. `event` and `lineage` are JSON with everything in them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/digest.h"
#include "engine/hit.h"
#include "engine/hit_json.h"
#include "src/store/redaction.h"

namespace detectd {

// A rule as it was when it hit.
struct RuleRecord {
  std::string id, name, title;
  Level level = Level::kMedium;
  std::string tags;    // a JSON array
  std::string digest;  // of its definition, hexadecimal; may be empty

  // All of it, as bytes: the same for rules that are the same.
  std::string key() const;
};
RuleRecord make_rule_record(const Rule& rule, std::string digest);

// Numbers that are not known are absent, texts empty.
struct HitRecord {
  // What never changes.
  HitId id{};
  int64_t time_ns = 0;
  std::shared_ptr<const RuleRecord> rule;
  std::string kind, host;
  std::optional<int64_t> pid, parent_pid, target_pid;
  std::string name, parent_name, target_name;
  std::string entity_id, executable, command_line;
  std::string user_id, user_name, previous_user_id;
  // Names the process below which all this happened: of one family are the descendants of one child of init.
  std::optional<int64_t> family;
  std::string event, lineage;   // JSON
  std::string grouping, parts;  // JSON, of a correlation
  int64_t parts_left_out = 0;
  std::string capture_file;
  int64_t capture_line = 0;
  std::string response, response_target;

  // What later news of the same hit change.
  std::string response_outcome;
  uint64_t count = 1;
  int64_t first_ns = 0;
  int64_t last_ns = 0;
};

struct RecordOptions {
  const Redaction& redaction;
  LineageJson& lineages;
  std::string_view capture_file;
};
// Fills `record`, a used one too, but for its rule.
void make_hit_record(const Hit& hit, const RecordOptions& options, HitRecord& record);

// An interval in which the sensor was blind or lossy.
struct GapRecord {
  int64_t time_ns = 0;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  std::optional<int64_t> lost;  // how many events; absent: unknown
  std::string reason, host;
  std::string event;  // JSON
};
GapRecord make_gap_record(const Event& event, const Redaction& redaction);

// As bytes, for the spill. The first part of a hit is what never changes, as the hash chain covers it.
void append_constant_part(const HitRecord& record, std::string& out);
void append_record(const HitRecord& record, std::string& out);
void append_record(const GapRecord& record, std::string& out);
// Nothing for bytes that are no record of that kind.
std::optional<HitRecord> read_hit_record(std::string_view bytes);
std::optional<GapRecord> read_gap_record(std::string_view bytes);

// The link of the hash chain after `previous` (empty before the first): SHA-256 over it and the constant part.
Sha256 chain_link(std::string_view previous, std::string_view constant_part, Sha256Hasher& hasher);
// The same without putting the part together; `scratch` is used again.
Sha256 chain_link(std::string_view previous, const HitRecord& record, Sha256Hasher& hasher,
                  std::string& scratch);

}  // namespace detectd

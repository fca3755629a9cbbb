// Rules as written: what the parser read, before anything is compiled. Every part knows its place, so that
// later stages can point at it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/diagnostic.h"
#include "engine/event_kind.h"
#include "engine/fields.h"
#include "engine/toml_tree.h"

namespace detectd {

// A value as written. `span` is the whole token, quotes included.
struct Scalar {
  std::variant<std::monostate, std::string, int64_t, double, bool> value;  // monostate: null (tests only)
  Span span;

  const std::string* text() const { return std::get_if<std::string>(&value); }
};

// `"process.name|endswith" = ["sh", "ash"]`: field, modifiers, values. Without a field: a keyword search.
struct Item {
  std::string field;
  std::vector<std::string> modifiers;  // in order, as written
  std::vector<Scalar> values;          // one, or the elements of the list
  bool list = false;
  std::optional<uint32_t> element;  // of a multi-valued field: this one alone, from 0 (Sigma's a0, a1 ...)
  Span span;                        // of the key; of the value for keywords
};

// The OR of `alternatives`, each the AND of its items.
struct Selection {
  std::string name;
  std::vector<std::vector<Item>> alternatives;
  Span span;
};

struct Detection {
  std::vector<Selection> selections;  // sorted by name
  std::vector<Scalar> conditions;     // texts; their OR
  Span span;
};

enum class Level : uint8_t { kInformational, kLow, kMedium, kHigh, kCritical };
std::string_view to_string(Level level);
std::optional<Level> find_level(std::string_view name);

enum class RuleStatus : uint8_t { kStable, kTest, kExperimental, kDeprecated, kUnsupported };
std::string_view to_string(RuleStatus status);
std::optional<RuleStatus> find_rule_status(std::string_view name);

enum class ResponseAction : uint8_t { kAlert, kKill, kKillTree, kStop, kDeny };
std::string_view to_string(ResponseAction action);
std::optional<ResponseAction> find_response_action(std::string_view name);

struct Response {
  ResponseAction action = ResponseAction::kAlert;
  std::string target = "process";  // process, parent, or a rule of a temporal_ordered correlation
  std::optional<ResponseAction> fallback;
  Span span;
};

struct Suppress {
  std::vector<std::string> by;
  int64_t for_ns = 0;  // 0: `suppress = false`, nothing is folded
  Span span;
};

// Whether something is to be done to a process, beyond telling somebody.
inline bool responds(const std::optional<Response>& response) {
  return response && response->action != ResponseAction::kAlert;
}
// The same once the event has been judged: what `deny` does comes before there is one.
inline bool reacts(const std::optional<Response>& response) {
  return responds(response) && response->action != ResponseAction::kDeny;
}

// Where an imported rule expects its events from. Exactly one of `on` and a logsource is given.
struct Logsource {
  std::string category, product, service;
  std::string definition;  // for people: what must be logged for such events to be there
  Span span;
};

// Another rule that this one replaces, was made from, resembles: `type` is Sigma's word for it.
struct Related {
  std::string id, type;
};

// Beside title and description, what is written for people and decides nothing.
struct Prose {
  std::string author, license;
  std::string date, modified;  // 2026-11-20 or 2026/11/20
  std::vector<std::string> references, falsepositives;
  std::vector<Related> related;
  std::vector<TomlMember> custom;  // [rule.custom]
};

struct TestEvent {
  int64_t at_ns = 0;  // after the begin of the test
  std::string json;
  Span span;
};

struct RuleTest {
  std::string name;
  bool match = false;
  std::string event_json;         // a rule's: one line, as in a capture
  std::vector<TestEvent> events;  // a correlation's, in order of time
  Span span;
};

enum class CorrelationType : uint8_t {
  kEventCount,
  kValueCount,
  kTemporal,
  kTemporalOrdered,
  kValueSum,
  kValueAvg,
  kValuePercentile,
  kNewTerms,
};
std::string_view to_string(CorrelationType type);
std::optional<CorrelationType> find_correlation_type(std::string_view name);

enum class BoundOp : uint8_t { kLt, kLte, kGt, kGte, kEq, kNeq };
std::string_view to_string(BoundOp op);
std::optional<BoundOp> find_bound_op(std::string_view name);

// `gte = 10`
struct Bound {
  BoundOp op = BoundOp::kGte;
  double number = 0;
  Span span;
};

// `condition = { field = "user.name", gte = 3, lt = 10 }`: all bounds must be met.
struct CorrelationCondition {
  std::vector<Bound> bounds;        // none: the default of `temporal*`, all rules
  std::vector<std::string> fields;  // value_*
  std::optional<double> percentile;
  Span span;
};

// A rule by its id or name, as written.
struct RuleReference {
  std::string text;
  Span span;
};

// `ip = { scan = "destination.ip", login = "source.ip" }`: what `group-by` calls `ip` is, for the events of
// each rule, another field.
struct CorrelationAlias {
  struct Field {
    RuleReference rule;
    std::string field;
  };
  std::string name;
  std::vector<Field> fields;
  Span span;
};

struct Correlation {
  CorrelationType type = CorrelationType::kEventCount;
  std::vector<RuleReference> rules;
  std::vector<std::string> group_by;
  std::vector<CorrelationAlias> aliases;
  int64_t timespan_ns = 0;          // 0 for new_terms
  std::optional<int64_t> learn_ns;  // new_terms; absent: a day
  std::optional<bool> generate;     // do the rules it names give hits of their own?
  CorrelationCondition condition;
};

// A part of some file.
struct Place {
  SourcePtr file;
  Span span;
};

// `[[filter]]`: the rules it names hold only where its condition does too.
struct Filter {
  std::string id, name, title, description;  // each may be empty
  Prose prose;
  bool any_rule = false;  // rules = "any"
  std::vector<RuleReference> rules;
  std::optional<Logsource> logsource;  // only rules of this one
  bool sigma_taxonomy = false;
  Detection detection;
  SourcePtr file;
  Span span;
};

// `[[override]]` of a rule or of a list: a site's word on what somebody else wrote.
struct Override {
  std::optional<RuleReference> rule;
  std::optional<bool> enabled;
  std::optional<Level> level;
  std::optional<Response> response;
  std::optional<Suppress> suppress;

  std::optional<RuleReference> list;
  std::vector<Scalar> add;

  SourcePtr file;
  Span span;
  std::map<std::string, Span> keys;
};

// A `[[rule]]`, or with `correlation` a `[[correlation]]`: that has neither a kind of event nor a detection.
struct Rule {
  std::string id, name, title;
  Level level = Level::kMedium;
  RuleStatus status = RuleStatus::kStable;
  std::vector<std::string> tags;
  std::string description;
  Prose prose;
  KindSet on;  // empty: logsource
  std::optional<Logsource> logsource;
  bool sigma_taxonomy = false;
  std::optional<Response> response;
  std::optional<Suppress> suppress;
  Detection detection;
  std::optional<Correlation> correlation;
  std::vector<RuleTest> tests;

  SourcePtr file;
  Span span;                         // of its [[rule]]
  std::map<std::string, Span> keys;  // places of its top-level keys: "id", "level", "tags", ...

  // What a site adds (check_document): filters in order of their files, and the keys that overrides set,
  // with the place of each new value. The values themselves are above.
  std::vector<std::shared_ptr<const Filter>> filters;
  bool enabled = true;
  std::map<std::string, Place> overridden;

  // Runs for the correlations that name it, and gives no hits (--only, --skip).
  bool feeds_only = false;

  // Where the effective value of a top-level key was written; the rule itself if it was not.
  Place origin(const std::string& key) const;
};

struct ListDefinition {
  // From value `first` on, up to the next addition, values come from an override.
  struct Addition {
    size_t first = 0;
    Place place;
  };
  std::vector<Scalar> values;
  std::vector<Addition> additions = {};
  SourcePtr file;
  Span span;
};

struct FieldDefinition {
  FieldType type = FieldType::kText;
  bool many = false;
  SourcePtr file;
  Span span;
};

// All rules of all files, as written.
struct RuleDocument {
  size_t rules_written = 0;  // those with mistakes, which are not in `rules`, included
  std::vector<Rule> rules;   // and correlations, in order of files, then of lines
  std::vector<Filter> filters;
  std::vector<Override> overrides;
  std::map<std::string, ListDefinition> lists;    // [lists]
  std::map<std::string, FieldDefinition> fields;  // [fields]
  std::set<std::string> broken;                   // ids and names of rules left out for their mistakes
};

// Where a part of a string value stands in its file: `offset` and `length` count bytes of the decoded
// string; escapes and multi-line strings are taken into account. The whole token where that fails.
Span span_inside(const SourceFile& file, const Span& token, size_t offset, size_t length);

}  // namespace detectd

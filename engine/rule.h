// Rules as written: what the parser read, before anything is compiled. Every part knows its place, so that
// later stages can point at it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/diagnostic.h"
#include "engine/event_kind.h"
#include "engine/fields.h"

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
  Span span;  // of the key; of the value for keywords
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
  int64_t for_ns = 0;
  Span span;
};

// Where an imported rule expects its events from. Exactly one of `on` and a logsource is given.
struct Logsource {
  std::string category, product, service;
  Span span;
};

struct RuleTest {
  std::string name;
  bool match = false;
  std::string event_json;  // one line, as in a capture
  Span span;
};

struct Rule {
  std::string id, name, title;
  Level level = Level::kMedium;
  RuleStatus status = RuleStatus::kStable;
  std::vector<std::string> tags;
  std::string description;
  KindSet on;  // empty: logsource
  std::optional<Logsource> logsource;
  bool sigma_taxonomy = false;
  std::optional<Response> response;
  std::optional<Suppress> suppress;
  Detection detection;
  std::vector<RuleTest> tests;

  SourcePtr file;
  Span span;                         // of its [[rule]]
  std::map<std::string, Span> keys;  // places of its top-level keys: "id", "level", "tags", ...
};

struct ListDefinition {
  std::vector<Scalar> values;
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
  std::vector<Rule> rules;                        // in order of files, then of lines
  std::map<std::string, ListDefinition> lists;    // [lists]
  std::map<std::string, FieldDefinition> fields;  // [fields]
};

// Where a part of a string value stands in its file: `offset` and `length` count bytes of the decoded
// string; escapes and multi-line strings are taken into account. The whole token where that fails.
Span span_inside(const SourceFile& file, const Span& token, size_t offset, size_t length);

}  // namespace detectd

#include "engine/rule_parts.h"

#include <algorithm>
#include <utility>

#include "engine/attack_ids.h"
#include "engine/key_tables.h"
#include "engine/prose_parser.h"

namespace detectd {
namespace {

using Kind = TomlValue::Kind;

constexpr std::string_view kExampleId = "3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11";

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = std::string_view("0123456789abcdefABCDEF").find(text[i]) != std::string_view::npos;
    if (dash ? text[i] != '-' : !hex) return false;
  }
  return true;
}

bool is_name(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

Span element_span(const TomlMember& member, size_t index) {
  return member.value.is(Kind::kArray) ? member.value.elements[index].span : member.value.span;
}

void check_tag(Reporter& reporter, const std::string& tag, Span span) {
  constexpr std::string_view kPrefix = "attack.";
  if (lower_case(tag.substr(0, kPrefix.size())) != kPrefix) return;
  const std::string name = tag.substr(kPrefix.size());
  const Span inside = span_inside(*reporter.file(), span, kPrefix.size(), name.size());
  const std::string list = " in the bundled list of ATT&CK " + std::string(kAttackVersion);
  const AttackTag kind = classify_attack_tag(name);
  if (kind == AttackTag::kUnknownTechnique)
    reporter.warning("D060", inside, "unknown technique `" + name + "`" + list);
  if (kind == AttackTag::kUnknownTactic) {
    const auto tactics = attack_tactics();
    reporter.warning("D060", inside, "unknown tactic `" + name + "`" + list,
                     did_you_mean(name, {tactics.begin(), tactics.end()}));
  }
}

std::vector<std::string> parse_tags(Reporter& reporter, const TomlMember& member) {
  auto tags = read_texts(reporter, member);
  if (!tags) return {};
  for (size_t i = 0; i < tags->size(); ++i) check_tag(reporter, (*tags)[i], element_span(member, i));
  return *std::move(tags);
}

std::string parse_title(Reporter& reporter, const TomlMember& member) {
  std::string title = read_text(reporter, member).value_or("");
  if (member.value.is(Kind::kString) && title.empty())
    reporter.error("D021", member.value.span, "`title` is empty");
  return title;
}

}  // namespace

void report_missing(Reporter& reporter, Span table, std::string_view header, std::string_view key,
                    std::string help) {
  reporter.error("D028", table, std::string(header) + " has no `" + std::string(key) + "`", std::move(help));
}

std::string parse_id(Reporter& reporter, const TomlMember& member) {
  std::string id = lower_case(read_text(reporter, member).value_or(""));
  if (member.value.is(Kind::kString) && !is_uuid(id))
    reporter.error("D021", member.value.span, "`id` is not a UUID",
                   "`uuidgen` makes one: \"" + std::string(kExampleId) + "\"");
  return id;
}

std::string parse_name(Reporter& reporter, const TomlMember& member) {
  std::string name = read_text(reporter, member).value_or("");
  if (member.value.is(Kind::kString) && !is_name(name))
    reporter.error("D021", member.value.span, "`name` is made of a-z, 0-9, `_` and `-`",
                   "`title` is for people");
  return name;
}

void parse_heading(Reporter& reporter, const TomlValue& table, std::string_view header, Rule& rule) {
  if (const auto* member = table.find("id")) {
    rule.id = parse_id(reporter, *member);
  } else {
    report_missing(reporter, table.span, header, "id",
                   "`uuidgen` makes one: id = \"" + std::string(kExampleId) + "\"");
  }
  if (const auto* member = table.find("name")) rule.name = parse_name(reporter, *member);
  if (const auto* member = table.find("title")) {
    rule.title = parse_title(reporter, *member);
  } else {
    report_missing(reporter, table.span, header, "title",
                   "one line that says what has happened: title = \"Web server starts a shell\"");
  }
  if (const auto* member = table.find("level")) {
    if (const auto level = read_choice(reporter, *member, key_tables::kLevels))
      rule.level = *find_level(*level);
  } else {
    report_missing(reporter, table.span, header, "level", "informational, low, medium, high or critical");
  }
  if (const auto* member = table.find("status")) {
    if (const auto status = read_choice(reporter, *member, key_tables::kStatuses))
      rule.status = *find_rule_status(*status);
  }
  if (const auto* member = table.find("description"))
    rule.description = read_text(reporter, *member).value_or("");
  rule.prose = parse_prose(reporter, table);
  if (const auto* member = table.find("tags")) rule.tags = parse_tags(reporter, *member);
}

std::optional<Response> parse_response(Reporter& reporter, const TomlMember& member, std::string_view kind) {
  const TomlValue* table = read_table(reporter, member);
  if (table == nullptr) return std::nullopt;
  const std::string header = "[" + std::string(kind) + ".response]";
  check_keys(reporter, *table, {.where = "`response`", .known = key_tables::kResponseKeys, .after = header});
  Response response;
  response.span = member.span;
  if (const auto* action = table->find("action")) {
    if (const auto name = read_choice(reporter, *action, key_tables::kActions))
      response.action = *find_response_action(*name);
  } else {
    reporter.error("D028", member.span, "`response` has no `action`", "response = { action = \"kill\" }");
  }
  if (const auto* target = table->find("target")) {
    const auto name =
        kind == "rule" ? read_choice(reporter, *target, key_tables::kTargets) : read_text(reporter, *target);
    response.target = name.value_or("process");
  }
  if (const auto* fallback = table->find("fallback")) {
    if (const auto name = read_choice(reporter, *fallback, key_tables::kFallbacks))
      response.fallback = find_response_action(*name);
    if (response.action != ResponseAction::kDeny)
      reporter.error("D020", fallback->span, "only `deny` has a fallback");
  }
  return response;
}

std::optional<Suppress> parse_suppress(Reporter& reporter, const TomlMember& member, std::string_view kind) {
  Suppress suppress;
  suppress.span = member.span;
  if (member.value.is(Kind::kBoolean) && !member.value.boolean) return suppress;
  const TomlValue* table = read_table(reporter, member);
  if (table == nullptr) return std::nullopt;
  const std::string header = "[" + std::string(kind) + ".suppress]";
  check_keys(reporter, *table, {.where = "`suppress`", .known = key_tables::kSuppressKeys, .after = header});
  if (const auto* by = table->find("by"))
    suppress.by = read_texts(reporter, *by).value_or(std::vector<std::string>());
  if (const auto* duration = table->find("for")) {
    suppress.for_ns = read_duration(reporter, *duration).value_or(0);
  } else {
    reporter.error("D028", member.span, "`suppress` has no `for`",
                   "suppress = { by = [\"process.parent.entity_id\"], for = \"10m\" }");
  }
  return suppress;
}

std::optional<Logsource> parse_logsource(Reporter& reporter, const TomlMember& member,
                                         std::string_view kind) {
  const TomlValue* table = read_table(reporter, member);
  if (table == nullptr) return std::nullopt;
  const std::string header = "[" + std::string(kind) + ".logsource]";
  check_keys(reporter, *table, {.where = header, .known = key_tables::kLogsourceKeys, .after = header});
  Logsource logsource;
  logsource.span = member.span;
  const auto read = [&](std::string_view key) {
    const TomlMember* child = table->find(key);
    return child == nullptr ? std::string() : read_text(reporter, *child).value_or("");
  };
  logsource.category = read("category");
  logsource.product = read("product");
  logsource.service = read("service");
  logsource.definition = read("definition");
  const bool named = table->find("category") != nullptr || table->find("product") != nullptr ||
                     table->find("service") != nullptr;
  if (!named) reporter.error("D028", member.span, "the logsource names no category, product or service");
  return logsource;
}

bool parse_taxonomy(Reporter& reporter, const TomlMember& member) {
  return read_choice(reporter, member, key_tables::kTaxonomies).has_value();
}

RuleReference make_reference(std::string text, Span span) {
  if (is_uuid(text)) text = lower_case(std::move(text));
  return {.text = std::move(text), .span = span};
}

std::vector<RuleReference> parse_references(Reporter& reporter, const TomlMember& member) {
  const auto texts = read_texts(reporter, member);
  if (!texts) return {};
  if (texts->empty())
    reporter.error("D026", member.value.span, "`" + member.key + "` is an empty list",
                   "name rules by their id or name");
  std::vector<RuleReference> references;
  for (size_t i = 0; i < texts->size(); ++i)
    references.push_back(make_reference((*texts)[i], element_span(member, i)));
  return references;
}

bool is_table_list(const TomlMember& member) {
  return member.value.is(Kind::kArray) &&
         std::all_of(member.value.elements.begin(), member.value.elements.end(),
                     [](const TomlValue& v) { return v.is(Kind::kTable); });
}

}  // namespace detectd

#include "engine/rule_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "engine/correlation_parser.h"
#include "engine/key_tables.h"
#include "engine/rule_parts.h"
#include "engine/rule_table.h"
#include "engine/site_changes.h"
#include "engine/site_parser.h"
#include "engine/table_reader.h"
#include "engine/timestamp.h"
#include "engine/toml_mistake.h"
#include "engine/toml_tree.h"

namespace detectd {
namespace {

using Kind = TomlValue::Kind;

constexpr size_t kMaxBrokenBlocks = 200;

struct FieldTypeName {
  std::string_view name;
  FieldType type;
};
constexpr std::array<FieldTypeName, 6> kFieldTypes = {{{"string", FieldType::kText},
                                                       {"integer", FieldType::kInteger},
                                                       {"number", FieldType::kReal},
                                                       {"boolean", FieldType::kBoolean},
                                                       {"ip", FieldType::kIp},
                                                       {"time", FieldType::kTime}}};

class FileParser {
 public:
  FileParser(const SourcePtr& file, RuleDocument& document, Diagnostics& diagnostics)
      : file_(file), map_(*file), document_(document), reporter_(file, diagnostics) {}

  void parse() {
    if (auto foreign = find_foreign_format(file_, map_)) return reporter_.add(*std::move(foreign));
    size_t broken = 0;
    for (const TomlBlock& block : split_blocks(file_->text)) {
      if (broken == kMaxBrokenBlocks) {
        reporter_.error("D014", map_.span(block.begin, block.begin + 1),
                        "too many mistakes: the rest of the file is not read");
        return;
      }
      if (parse_block(block)) continue;
      ++broken;
      if (block.name == "rule" || block.name == "correlation") ++document_.rules_written;
    }
    if (!found_ && reporter_.errors() == 0) reporter_.warning("D013", {}, "no rules in this file");
  }

 private:
  // False where TOML's grammar is broken.
  bool parse_block(const TomlBlock& block) {
    if (auto bad = find_unparsable(file_, map_, block)) {
      reporter_.add(*std::move(bad));
      return false;
    }
    auto parsed = parse_toml(*file_, map_, block);
    if (const auto* error = std::get_if<TomlError>(&parsed)) {
      reporter_.add(explain_toml_error(file_, map_, block, *error));
      return false;
    }
    for (const TomlMember& member : std::get<TomlValue>(parsed).members) parse_member(member);
    return true;
  }

  void parse_member(const TomlMember& member) {
    found_ = true;
    if (member.key == "lists" || member.key == "fields") {
      parse_definitions(member);
    } else if (std::find(key_tables::kFileKeys.begin(), key_tables::kFileKeys.end(), member.key) !=
               key_tables::kFileKeys.end()) {
      parse_tables(member);
    } else {
      report_unknown(member);
    }
  }

  void report_unknown(const TomlMember& member) {
    const Names keys = rule_keys();
    std::string help = did_you_mean(member.key, {key_tables::kFileKeys.begin(), key_tables::kFileKeys.end()});
    if (std::find(keys.begin(), keys.end(), member.key) != keys.end())
      help = "the keys of a rule stand below its [[rule]]";
    reporter_.error("D020", member.span, "unknown key `" + member.key + "` at the top of a file",
                    std::move(help));
  }

  void parse_tables(const TomlMember& member) {
    const std::string header = "[[" + member.key + "]]";
    const bool tables = member.value.is(Kind::kArray) &&
                        std::all_of(member.value.elements.begin(), member.value.elements.end(),
                                    [](const TomlValue& v) { return v.is(Kind::kTable); });
    if (!tables) {
      reporter_.error(
          "D006", member.span,
          "`" + member.key + "` is " + std::string(kind_name(member.value.kind)) +
              " here, not one of a list of tables",
          "every " + member.key + " starts with `" + header + "`; what belongs to it stands directly below");
      return;
    }
    if (member.key == "rule" || member.key == "correlation")
      document_.rules_written += member.value.elements.size();
    for (const TomlValue& table : member.value.elements) parse_table(member.key, table);
  }

  void parse_table(std::string_view kind, const TomlValue& table) {
    if (kind == "filter") {
      if (auto filter = parse_filter_table(reporter_, table)) document_.filters.push_back(*std::move(filter));
      return;
    }
    if (kind == "override") {
      if (auto change = parse_override_table(reporter_, table))
        document_.overrides.push_back(*std::move(change));
      return;
    }
    auto rule =
        kind == "rule" ? parse_rule_table(reporter_, table) : parse_correlation_table(reporter_, table);
    if (rule) {
      document_.rules.push_back(*std::move(rule));
      return;
    }
    // Whoever names it is not to be told that it does not exist.
    for (const char* key : {"id", "name"}) {
      if (const TomlMember* member = table.find(key); member != nullptr && member->value.is(Kind::kString))
        document_.broken.insert(make_reference(member->value.text, {}).text);
    }
  }

  void parse_definitions(const TomlMember& member) {
    std::optional<Span>& first = member.key == "lists" ? lists_ : fields_;
    if (first) {
      reporter_.error("D003", member.span, "table [" + member.key + "] is defined twice", "a file has one",
                      {{file_, *first, "first defined"}});
      return;
    }
    first = member.span;
    const TomlValue* table = read_table(reporter_, member);
    if (table == nullptr) return;
    for (const TomlMember& child : table->members)
      member.key == "lists" ? parse_list(child) : parse_field(child);
  }

  void parse_list(const TomlMember& member) {
    ListDefinition list{.values = {}, .file = file_, .span = member.span};
    if (!member.value.is(Kind::kArray)) {
      reporter_.error("D027", member.value.span,
                      "a list is an array of values, not " + std::string(kind_name(member.value.kind)),
                      member.key + " = [\"...\", \"...\"]");
      return;
    }
    if (member.value.elements.empty())
      reporter_.error("D026", member.value.span, "the list `" + member.key + "` is empty");
    const size_t errors_before = reporter_.errors();
    for (const TomlValue& element : member.value.elements) {
      if (auto scalar = read_scalar(reporter_, element, "a value of a list"))
        list.values.push_back(*std::move(scalar));
    }
    if (reporter_.errors() != errors_before) return;
    const auto [place, added] = document_.lists.emplace(member.key, std::move(list));
    if (!added) {
      reporter_.error("D022", member.span, "the list `" + member.key + "` is defined twice", "",
                      {{place->second.file, place->second.span, "first defined"}});
    }
  }

  void parse_field(const TomlMember& member) {
    // `vendor.score = "integer"` without quotes means the same here.
    const TomlMember* leaf = &member;
    std::string name = member.key;
    while (leaf->value.is(Kind::kTable) && leaf->value.members.size() == 1) {
      leaf = &leaf->value.members.front();
      name += "." + leaf->key;
    }
    if (leaf->value.is(Kind::kTable)) {
      reporter_.error("D023", member.span, "a field name with dots must be quoted",
                      "\"vendor.score\" = \"integer\"");
      return;
    }
    auto type = read_text(reporter_, *leaf);
    if (!type) return;
    FieldDefinition field{
        .type = FieldType::kText, .many = type->starts_with("list of "), .file = file_, .span = member.span};
    const std::string_view word = std::string_view(*type).substr(field.many ? 8 : 0);
    const auto found = std::find_if(kFieldTypes.begin(), kFieldTypes.end(),
                                    [&](const FieldTypeName& t) { return t.name == word; });
    if (found == kFieldTypes.end()) {
      std::vector<std::string_view> names;
      for (const FieldTypeName& known : kFieldTypes) names.push_back(known.name);
      report_choice(reporter_, "a type of field (or `list of` one)", std::string(word), leaf->value.span,
                    names);
      return;
    }
    field.type = found->type;
    if (find_table_field_or_alias(name)) {
      reporter_.error("D022", member.span, "`" + name + "` is a field of detectd already",
                      "leave it out of [fields]");
      return;
    }
    // Imported files each declare what they use, so that every one can stand alone.
    const auto [place, added] = document_.fields.emplace(name, field);
    if (!added && (place->second.type != field.type || place->second.many != field.many)) {
      reporter_.error("D022", member.span, "the field `" + name + "` is declared twice, as different types",
                      "", {{place->second.file, place->second.span, "first declared"}});
    }
  }

  const SourcePtr& file_;
  TextMap map_;
  RuleDocument& document_;
  Reporter reporter_;
  bool found_ = false;
  std::optional<Span> lists_;
  std::optional<Span> fields_;
};

// Reports each rule whose `key` (id or name) an earlier one has.
void check_unique(const RuleDocument& document, const char* key, std::string Rule::*text,
                  Diagnostics& diagnostics) {
  std::map<std::string_view, const Rule*> first;
  for (const Rule& rule : document.rules) {
    const std::string& value = rule.*text;
    if (value.empty()) continue;
    const auto [earlier, added] = first.emplace(value, &rule);
    if (added) continue;
    const auto place_of = [&](const Rule& r) {
      const auto place = r.keys.find(key);
      return place == r.keys.end() ? r.span : place->second;
    };
    const std::string help =
        std::string_view(key) == "id" ? "a copied rule needs an id of its own; `uuidgen` makes one" : "";
    Reporter(rule.file, diagnostics)
        .error("D022", place_of(rule), std::string("two rules have the ") + key + " `" + value + "`", help,
               {{earlier->second->file, place_of(*earlier->second), "first used"}});
  }
}

}  // namespace

void parse_rules(const SourcePtr& file, RuleDocument& document, Diagnostics& diagnostics) {
  if (file->text.size() > kMaxRuleFileBytes) {
    Reporter(file, diagnostics).error("D014", {}, "the file is larger than 8 MiB", "split it");
    return;
  }
  FileParser(file, document, diagnostics).parse();
}

void check_document(RuleDocument& document, Diagnostics& diagnostics) {
  check_unique(document, "id", &Rule::id, diagnostics);
  check_unique(document, "name", &Rule::name, diagnostics);
  apply_site_changes(document, diagnostics);
}

std::optional<int64_t> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    int64_t ns;
  };
  constexpr std::array<Unit, 5> kUnits = {{{"ms", 1'000'000},
                                           {"s", kNanosPerSecond},
                                           {"m", 60 * kNanosPerSecond},
                                           {"h", 3600 * kNanosPerSecond},
                                           {"d", 86'400 * kNanosPerSecond}}};
  constexpr int64_t kLongest = int64_t{100} * 365 * 86'400 * kNanosPerSecond;
  int64_t count = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  const auto* found =
      std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& known) { return known.name == unit; });
  if (status != std::errc() || found == kUnits.end() || count <= 0 || count > kLongest / found->ns)
    return std::nullopt;
  return count * found->ns;
}

}  // namespace detectd

#include "tests/support/random_rule.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>
#include <set>
#include <utility>

#include "engine/escape.h"

namespace detectd::test {
namespace {

using Kind = TomlValue::Kind;

class RuleMaker {
 public:
  explicit RuleMaker(uint32_t seed) : random_(seed) {}

  Rule make() {
    Rule rule;
    char id[64];
    std::snprintf(id, sizeof id, "%08x-0000-4000-8000-%012x", static_cast<unsigned>(random_()),
                  static_cast<unsigned>(random_()));
    rule.id = id;
    if (flip()) rule.name = "rule_" + std::to_string(below(1000));
    rule.title = "t" + text();
    rule.level = static_cast<Level>(below(5));
    rule.status = static_cast<RuleStatus>(below(5));
    if (flip()) rule.description = text();
    rule.prose = prose();
    if (flip()) rule.tags = {"attack.t1059", "x." + std::to_string(below(9))};
    if (flip()) {
      rule.on.add(static_cast<EventKind>(below(15)));
      if (flip()) rule.on.add(static_cast<EventKind>(below(15)));
    } else {
      rule.logsource = Logsource{"process_creation", flip() ? text() : "", text(), text(), {}};
      rule.sigma_taxonomy = flip();
    }
    if (flip()) rule.response = response();
    if (flip()) rule.suppress = Suppress{texts(), static_cast<int64_t>(1 + below(5000)) * 500'000'000, {}};
    rule.detection = detection();
    while (flip())
      rule.tests.push_back(
          {.name = text(), .match = flip(), .event_json = event(), .events = {}, .span = {}});
    return rule;
  }

 private:
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }
  bool flip() { return below(2) == 1; }

  std::string text() {
    constexpr std::array<std::string_view, 32> kPieces = {"a",
                                                          "Z9",
                                                          " ",
                                                          "\\",
                                                          "\"",
                                                          "'",
                                                          "'''",
                                                          "\"\"\"",
                                                          "\n",
                                                          "\t",
                                                          "\r",
                                                          "\r\n",
                                                          "\x1b[2J",
                                                          "\x7f",
                                                          "#",
                                                          "[[rule]]\n",
                                                          "=",
                                                          "]",
                                                          "{",
                                                          "}",
                                                          ",",
                                                          "\xc3\xa9",
                                                          "*",
                                                          "\xe2\x80\xae",
                                                          "?",
                                                          "%",
                                                          "\\u0",
                                                          "\xef\xbb\xbf",
                                                          "\xf3\xa0\x81\x81",
                                                          "\xe6\xbc\xa2",
                                                          ".",
                                                          "\xf0\x9f\x98\x80"};
    std::string out;
    for (uint32_t i = below(6); i > 0; --i) out += kPieces[below(kPieces.size())];
    if (below(40) == 0) out += '\0';
    return out;
  }

  std::vector<std::string> texts() {
    std::vector<std::string> out;
    for (uint32_t i = below(4); i > 0; --i) out.push_back(text());
    return out;
  }

  Prose prose() {
    Prose prose;
    if (flip()) prose.author = text();
    if (flip()) prose.license = text();
    if (flip()) prose.date = "2026-11-20";
    if (flip()) prose.modified = "2026/02/28";
    prose.references = texts();
    prose.falsepositives = texts();
    while (below(3) == 0) prose.related.push_back({text(), text()});
    if (flip()) prose.custom = members(3);
    return prose;
  }

  std::vector<TomlMember> members(uint32_t depth) {
    std::vector<TomlMember> out;
    std::set<std::string> keys;
    for (uint32_t i = below(4); i > 0; --i) {
      TomlMember member;
      member.key = text();
      member.value = value(depth);
      if (keys.insert(member.key).second) out.push_back(std::move(member));
    }
    return out;
  }

  TomlValue value(uint32_t depth) {
    TomlValue value;
    value.kind = static_cast<Kind>(below(depth == 0 ? 5 : 7));
    switch (value.kind) {
      case Kind::kString: value.text = text(); break;
      case Kind::kInteger: value.integer = integer(); break;
      case Kind::kReal: value.real = real(); break;
      case Kind::kBoolean: value.boolean = flip(); break;
      case Kind::kDate: value.text = flip() ? "2026-11-20" : "2026-11-20T14:03:07.5Z"; break;
      case Kind::kArray:
        for (uint32_t i = below(4); i > 0; --i) value.elements.push_back(this->value(depth - 1));
        break;
      case Kind::kTable: value.members = members(depth - 1); break;
    }
    return value;
  }

  int64_t integer() {
    constexpr std::array<int64_t, 6> kSome = {0, 1, -1, 4624, INT64_MAX, INT64_MIN};
    return kSome[below(kSome.size())];
  }

  double real() {
    constexpr std::array<double, 6> kSome = {0.0, -0.0, 1.5, 1e300, -2.5e-8, 3.0};
    return kSome[below(kSome.size())];
  }

  Response response() {
    Response response;
    response.action = static_cast<ResponseAction>(below(5));
    if (flip()) response.target = "parent";
    if (response.action == ResponseAction::kDeny && flip()) response.fallback = ResponseAction::kKill;
    return response;
  }

  Scalar scalar() {
    Scalar scalar;
    switch (below(6)) {
      case 0: scalar.value = integer(); break;
      case 1: scalar.value = real(); break;
      case 2: scalar.value = flip(); break;
      default: scalar.value = text(); break;
    }
    return scalar;
  }

  void add_values(Item& item) {
    item.list = flip();
    for (uint32_t i = item.list ? 1 + below(12) : 1; i > 0; --i) item.values.push_back(scalar());
  }

  std::vector<Item> items() {
    constexpr std::array<std::string_view, 5> kFields = {"process.name", "Image", "a b", "x.\"'\\", ""};
    constexpr std::array<std::string_view, 4> kModifiers = {"contains", "all", "re", "windash"};
    std::vector<Item> out;
    std::set<std::string> keys;
    for (uint32_t i = 1 + below(3); i > 0; --i) {
      Item item;
      item.field = kFields[below(kFields.size())];
      std::string key = item.field;
      if (item.field.empty()) {
        item.modifiers = {"all"};
      } else {
        while (flip()) {
          item.modifiers.emplace_back(kModifiers[below(kModifiers.size())]);
          key += "|" + item.modifiers.back();
        }
      }
      add_values(item);
      if (keys.insert(key).second) out.push_back(std::move(item));
    }
    return out;
  }

  Detection detection() {
    Detection detection;
    for (const char* name : {"a", "b-1", "c.d", "e_"}) {
      if (flip() && name[0] != 'a') continue;
      Selection selection;
      selection.name = name;
      for (uint32_t i = below(4); i > 0; --i) selection.alternatives.push_back(items());
      if (selection.alternatives.empty() || flip()) {
        Item keywords;
        add_values(keywords);
        keywords.list |= !selection.alternatives.empty();
        selection.alternatives.push_back({std::move(keywords)});
      }
      detection.selections.push_back(std::move(selection));
    }
    detection.conditions.push_back({std::string("1 of them"), {}});
    while (flip()) detection.conditions.push_back({std::string("not a and all of a*"), {}});
    return detection;
  }

  std::string event() {
    std::string out = "{\"process\":{\"name\":\"";
    append_json_escaped(text(), out);
    out += "\",\"args\":[\"";
    append_json_escaped(text(), out);
    return out + "\"]},\"" + (flip() ? "a.b" : "c") + "\":" + (flip() ? "1.5" : "-3") + ",\"d\":{},\"e\":[]}";
  }

  std::mt19937 random_;
};

}  // namespace

Rule random_rule(uint32_t seed) { return RuleMaker(seed).make(); }

}  // namespace detectd::test

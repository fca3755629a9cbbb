#include "src/detectctl/hostile_events.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/escape.h"

namespace detectd {
namespace {

// The folded literals that items look for in a field: their keys, and those of items that no rule is found by.
using Literals = std::map<FieldId, std::vector<std::string>>;

Literals literals_of(const RuleSet& rules) {
  std::map<FieldId, std::set<std::string>> found;
  for (const Term& term : rules.terms()) {
    for (const auto& item : term.items) {
      const auto keys = item->keys();
      if (!keys) continue;
      for (const TextKey& key : *keys) {
        if (!key.text.empty()) found[*item->field()].insert(key.text);
      }
    }
  }
  Literals literals;
  for (auto& [field, texts] : found) literals[field].assign(texts.begin(), texts.end());
  return literals;
}

// What a text is made of.
enum class Shape : uint8_t {
  kAlone,      // one literal and nothing else, for rules that ask for a whole text
  kWhole,      // one literal after the other: as many rules as possible are asked
  kNear,       // each without its last byte: found nearly everywhere, and nowhere
  kRepeated,   // one literal over and over: a regex begins anew at each
  kStretched,  // one literal, then one character over and over: what a regex repeats
};
constexpr std::array kShapes = {Shape::kAlone, Shape::kWhole, Shape::kNear, Shape::kRepeated,
                                Shape::kStretched};
constexpr std::string_view kStretches = "a 0/.\\-A=\"";

std::string hostile_text(const std::vector<std::string>& literals, size_t number, size_t bytes) {
  const Shape shape = kShapes[number % kShapes.size()];
  const size_t turn = number / kShapes.size();
  // Far from the one before, so that few events come by all of many literals.
  size_t at = turn * 7919 % literals.size();
  if (shape == Shape::kAlone) return literals[at];
  std::string text;
  while (text.size() < bytes) {
    const std::string& literal = literals[at];
    switch (shape) {
      case Shape::kAlone: break;
      case Shape::kWhole:
        text += literal + ' ';
        at = (at + 1) % literals.size();
        break;
      case Shape::kNear:
        text += literal.substr(0, literal.size() - 1) + ' ';
        at = (at + 1) % literals.size();
        break;
      case Shape::kRepeated: text += literal; break;
      case Shape::kStretched:
        text += literal;
        text.resize(std::max(text.size(), bytes), kStretches[turn % kStretches.size()]);
        break;
    }
  }
  // Also what was cut apart.
  std::string valid;
  replace_invalid_utf8(text.substr(0, bytes), valid);
  return valid;
}

void set_hostile(Event& event, FieldId field, bool many, const std::string& text) {
  if (!many) {
    event.set_text(field, text);
    return;
  }
  event.begin_list(field);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    event.append_text(field, std::string_view(text).substr(begin, end - begin));
    begin = end + 1;
  }
}

}  // namespace

void visit_hostile_events(const RuleSet& rules, const HostileOptions& options,
                          const std::function<void(const Event&)>& visit) {
  std::vector<EventKind> kinds;
  for (size_t kind = 0; kind < kEventKindCount; ++kind) {
    if (!rules.for_kind(static_cast<EventKind>(kind)).rules.empty())
      kinds.push_back(static_cast<EventKind>(kind));
  }
  if (kinds.empty()) return;
  const Literals literals = literals_of(rules);
  Event event;
  for (size_t i = 0; i < options.events; ++i) {
    event.clear(rules.schema().size());
    event.kind = kinds[i % kinds.size()];
    for (const auto& [field, texts] : literals) {
      if (!rules.schema().info(field).kinds.has(event.kind)) continue;
      // Mixed, so that each shape of a field meets each of another.
      const size_t number = (i * 0x9E3779B1u + index_of(field) * 0x85EBCA77u) >> 7;
      set_hostile(event, field, rules.schema().info(field).many,
                  hostile_text(texts, number, options.text_bytes));
    }
    visit(event);
  }
}

}  // namespace detectd

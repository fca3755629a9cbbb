#include "src/detectctl/sigma/sigma_collection.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "engine/escape.h"
#include "src/detectctl/sigma/sigma_document.h"

namespace detectd {
namespace {

using Kind = YamlValue::Kind;

// Bounds what a file of many documents under a large global one becomes.
constexpr size_t kMaxMergedValues = 1'000'000;

size_t count_values(const YamlValue& value) {
  size_t count = 1;
  for (const YamlValue& element : value.elements) count += count_values(element);
  for (const YamlMember& member : value.members) count += count_values(member.value);
  return count;
}

YamlMember* find(YamlValue& map, const std::string& key) {
  const auto found = std::find_if(map.members.begin(), map.members.end(),
                                  [&](const YamlMember& member) { return member.key == key; });
  return found == map.members.end() ? nullptr : &*found;
}

// Maps are merged, everything else is replaced.
void merge(YamlValue& into, const YamlValue& from) {
  for (const YamlMember& member : from.members) {
    YamlMember* const present = find(into, member.key);
    if (present == nullptr) {
      into.members.push_back(member);
    } else if (present->value.is(Kind::kMap) && member.value.is(Kind::kMap)) {
      merge(present->value, member.value);
    } else {
      *present = member;
    }
  }
}

void remove(YamlValue& map, std::string_view key) {
  map.members.erase(std::remove_if(map.members.begin(), map.members.end(),
                                   [&](const YamlMember& member) { return member.key == key; }),
                    map.members.end());
}

YamlMember text_member(std::string key, std::string text, const Span& span) {
  YamlMember member{.key = std::move(key), .span = span, .value = {}};
  member.value.kind = Kind::kText;
  member.value.text = std::move(text);
  member.value.span = span;
  return member;
}

// An id of its own, and where it comes from.
void derive_id(YamlValue& document, const std::string& id, size_t number) {
  const Span span = document.span;
  remove(document, "id");
  document.members.push_back(text_member("id", derived_id(id + " " + std::to_string(number)), span));
  YamlMember* related = find(document, "related");
  if (related == nullptr || !related->value.is(Kind::kList)) {
    remove(document, "related");
    related = &document.members.emplace_back();
    related->key = "related";
    related->span = span;
    related->value.kind = Kind::kList;
    related->value.span = span;
  }
  YamlValue& origin = related->value.elements.emplace_back();
  origin.kind = Kind::kMap;
  origin.span = span;
  origin.members = {text_member("id", id, span), text_member("type", "derived", span)};
}

void make_ids_unique(std::vector<YamlValue>& documents) {
  std::set<std::string> ids;
  for (size_t i = 0; i < documents.size(); ++i) {
    const YamlMember* const id = documents[i].find("id");
    if (id == nullptr || !id->value.is_scalar()) continue;
    const std::string text = id->value.text;
    if (!ids.insert(text).second) derive_id(documents[i], text, i);
  }
}

}  // namespace

std::vector<YamlValue> merge_collection(Reporter& reporter, std::vector<YamlValue> documents) {
  std::vector<YamlValue> merged;
  YamlValue global;
  YamlValue previous;
  bool collection = false;
  size_t values = 0;
  for (YamlValue& document : documents) {
    const YamlMember* const member = document.find("action");
    const std::string action = member == nullptr ? "" : member->value.text;
    const Span place = member == nullptr ? document.span : member->span;
    collection |= action == "global" || action == "repeat";
    remove(document, "action");
    if (action == "global") {
      global = document;
      previous = std::move(document);
      continue;
    }
    if (action == "reset") {
      global = {};
      continue;
    }
    if (action == "repeat") {
      merge(previous, document);
      previous.kind = Kind::kMap;
      previous.span = document.span;
    } else if (action.empty()) {
      if (document.is(Kind::kMap)) merge(document, global);
      previous = std::move(document);
    } else {
      reporter.error("D605", place, "unknown action `" + escape_text(action) + "`",
                     "a collection has `global`, `reset` and `repeat`");
      continue;
    }
    values += count_values(previous);
    if (values > kMaxMergedValues) {
      reporter.error("D601", place, "the documents of this file become too large when merged");
      break;
    }
    merged.push_back(previous);
  }
  if (collection) make_ids_unique(merged);
  return merged;
}

}  // namespace detectd

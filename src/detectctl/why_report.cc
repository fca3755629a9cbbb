#include "src/detectctl/why_report.h"

#include <algorithm>

#include "engine/digest.h"
#include "engine/escape.h"
#include "engine/event_kind.h"
#include "engine/json_writer.h"
#include "engine/rule_writer.h"
#include "src/report/hit_view.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr size_t kMaxListed = 3;        // values of a rule's list
constexpr size_t kValueColumns = 100;   // of a value, where nothing says how wide the terminal is
constexpr size_t kContextColumns = 24;  // of what stands where a pattern stops
constexpr size_t kCommandBytes = 200;
constexpr size_t kMinColumns = 12;  // for a value, however narrow the terminal
constexpr size_t kMinFound = 3;     // bytes of a pattern: less is there by chance
constexpr size_t kSaidColumn = 56;  // where an event's values begin, if the item leaves room

std::string place_of(const Rule& rule) {
  return escape_text(rule.file->path) + ":" + std::to_string(rule.span.line);
}

// Of long lists the begin.
std::string values_text(const std::vector<Scalar>& values) {
  std::string text = "[";
  for (size_t i = 0; i < std::min(values.size(), kMaxListed); ++i)
    text += (i == 0 ? "" : ", ") + cut(write_value(values[i]), kValueColumns / kMaxListed);
  if (values.size() > kMaxListed) text += ", " + std::to_string(values.size() - kMaxListed) + " more";
  return text + "]";
}

std::string article(const std::string& noun) {
  return (std::string_view("aeiou").find(noun.front()) == std::string_view::npos ? "a " : "an ") + noun;
}

// `exec events`, `exec or end events`.
std::string kinds_of(const Rule& rule) {
  std::string names;
  for (size_t i = 0; i < kEventKindCount; ++i) {
    const auto kind = static_cast<EventKind>(i);
    if (rule.on.has(kind)) names += (names.empty() ? "" : " or ") + std::string(to_string(kind));
  }
  return names.empty() ? "others: see its logsource" : names + " events";
}

// What the answer is, and why, in a sentence.
std::string answer_of(const RuleWhy& why, const JudgedEvent& judged, bool reported_alone) {
  const std::string kind(to_string(judged.event.kind));
  if (!why.kind_fits)
    return "no: this is " + article(kind) + " event, and the rule is for " + kinds_of(*why.rule);
  if (!why.product_fits) return "no: the rule is for hosts of another system";
  if (!why.holds) {
    return "no: " + plural(why.to_change, "item") + " of " + std::to_string(why.to_change + why.as_wanted) +
           " would have to be otherwise";
  }
  return reported_text(judged, reported_alone);
}

class TreeText {
 public:
  // `marks`: whether the items that would have to be otherwise are marked.
  struct Options {
    size_t columns = 0;
    bool marks = true;
  };
  explicit TreeText(Options options) : columns_(options.columns), marks_(options.marks) {}

  void add(const DetectionWhy& detection) {
    const size_t depth = detection.filter == nullptr ? 0 : 1;
    if (detection.filter != nullptr) {
      const Filter& filter = *detection.filter;
      const std::string name = filter.name.empty() ? filter.title : filter.name;
      line(detection.holds, false, 0, "filter " + escape_text(name) + " lets it pass");
    }
    add_node(detection, static_cast<uint32_t>(detection.condition.nodes().size() - 1), depth);
  }
  std::string text() && { return std::move(text_); }

 private:
  using Op = Condition::Op;

  void add_node(const DetectionWhy& detection, uint32_t index, size_t depth) {
    const Condition::Node& node = detection.condition.nodes()[index];
    const bool holds = detection.holds_by_node[index];
    switch (node.op) {
      case Op::kConstant: return line(holds, false, depth, node.constant ? "always" : "never");
      case Op::kSelection: return add(detection.selections[node.selection], depth);
      case Op::kNot: line(holds, false, depth, "not"); break;
      case Op::kAnd: line(holds, false, depth, "all of"); break;
      case Op::kOr: line(holds, false, depth, "any of"); break;
    }
    for (const uint32_t child : node.children) add_node(detection, child, depth + 1);
  }

  void add(const SelectionWhy& selection, size_t depth) {
    line(selection.holds, false, depth, escape_text(selection.name));
    const bool several = selection.alternatives.size() > 1;
    for (const AlternativeWhy& alternative : selection.alternatives) {
      if (several) line(alternative.holds, false, depth + 1, "either");
      for (const ItemWhy& item : alternative.items) add(item, depth + (several ? 2 : 1));
      if (alternative.ancestor && !alternative.items.empty()) {
        note(depth + (several ? 2 : 1), "of the same ancestor, nearest to it number " +
                                            std::to_string(*alternative.ancestor + 1) + " above the process");
      }
    }
  }

  void add(const ItemWhy& item, size_t depth) {
    const std::string asked = item_text(item);
    const size_t begin = kHeadColumns + 2 * depth;
    if (begin + display_width(asked) + 2 <= kSaidColumn) {
      line(item.holds, is_marked(item), depth,
           fit(asked, kSaidColumn - begin) + said_text(item, room_behind(kSaidColumn)));
    } else {
      line(item.holds, is_marked(item), depth, asked);
      const std::string said = said_text(item, room_behind(begin + 4));
      if (!said.empty()) note(depth + 2, said);
    }
    if (item.met) note(depth + 2, "meets " + write_value(item.item->values[*item.met]));
    if (item.met_in_list) {
      note(depth + 2, "meets " + write_value(item.list->values[*item.met_in_list]) + " of the list");
    } else if (item.list != nullptr) {
      note(depth + 2, "the list is " + values_text(item.list->values));
    }
    // Of what may stay as it is, nobody needs to know how near it came.
    if (is_marked(item) && item.reach && item.reach->found.size() >= kMinFound)
      note(depth + 2, reach_text(item));
  }

  bool is_marked(const ItemWhy& item) const { return marks_ && item.to_change; }

  size_t room_behind(size_t column) const {
    return columns_ == 0 ? kValueColumns : std::max(columns_, column + kMinColumns) - column;
  }

  static std::string reach_text(const ItemWhy& item) {
    const Reach& reach = *item.reach;
    const std::string rest = item.values[item.reached_in].substr(reach.end);
    const std::string next =
        rest.empty() ? "ends there" : "goes on with `" + cut(escape_text(rest), kContextColumns) + "`";
    return (reach.whole ? "all of it is there: `" : "as far as `") +
           cut(escape_text(reach.found), kValueColumns) + "`, but then the text " + next;
  }

  void line(bool holds, bool to_change, size_t depth, const std::string& text) {
    std::string head = holds ? "  yes " : "  no  ";
    head += to_change ? "< " : "  ";
    text_ += head + std::string(2 * depth, ' ') + text + "\n";
  }
  void note(size_t depth, const std::string& text) {
    text_ += std::string(kHeadColumns + 2 * depth, ' ') + text + "\n";
  }

  static constexpr size_t kHeadColumns = 8;
  size_t columns_;
  bool marks_;
  std::string text_;
};

void append_item(const ItemWhy& item, JsonWriter& json) {
  json.begin_object();
  json.member("field", item.item->field);
  json.key("modifiers");
  json.begin_array();
  for (const std::string& modifier : item.item->modifiers) json.string(modifier);
  json.end_array();
  json.member_boolean("holds", item.holds);
  json.member_boolean("to_change", item.to_change);
  json.key("values");
  json.begin_array();
  for (const std::string& value : item.values) json.string(value);
  json.end_array();
  json.member_number("value_count", static_cast<int64_t>(item.value_count));
  if (item.said == Said::kNotReadable) json.member_boolean("missing", true);
  if (item.met) json.member("met", write_value(item.item->values[*item.met]));
  if (item.met_in_list) json.member("met_in_list", write_value(item.list->values[*item.met_in_list]));
  if (item.reach) {
    json.key("reach");
    json.begin_object();
    json.member("pattern", write_value(item.item->values[*item.reached]));
    json.member("found", item.reach->found);
    json.member_boolean("whole", item.reach->whole);
    json.member_number("value", static_cast<int64_t>(item.reached_in));
    json.member_number("end", static_cast<int64_t>(item.reach->end));
    json.end_object();
  }
  json.end_object();
}

void append_detection(const DetectionWhy& detection, JsonWriter& json) {
  json.begin_object();
  if (detection.filter != nullptr) json.member("filter", detection.filter->title);
  json.member_boolean("holds", detection.holds);
  std::vector<std::string> names;
  for (const SelectionWhy& selection : detection.selections) names.push_back(selection.name);
  json.member("condition", detection.condition.print(names));
  json.key("selections");
  json.begin_array();
  for (const SelectionWhy& selection : detection.selections) {
    json.begin_object();
    json.member("name", selection.name);
    json.member_boolean("holds", selection.holds);
    json.key("alternatives");
    json.begin_array();
    for (const AlternativeWhy& alternative : selection.alternatives) {
      json.begin_array();
      for (const ItemWhy& item : alternative.items) append_item(item, json);
      json.end_array();
    }
    json.end_array();
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

}  // namespace

std::string item_text(const ItemWhy& why) {
  const Item& item = *why.item;
  std::string text = escape_text(item.field.empty() ? "any text" : item.field);
  for (const std::string& modifier : item.modifiers) text += "|" + modifier;
  text += " = ";
  if (!item.list) return text + cut(write_value(item.values.front()), kValueColumns);
  return text + values_text(item.values);
}

std::string said_text(const ItemWhy& why, size_t max_columns) {
  switch (why.said) {
    case Said::kNothing: return "absent";
    case Said::kNull: return "null";
    case Said::kNotReadable: return "could not be read (detectd.missing)";
    case Said::kAnywhere: return "";
    case Said::kValues: break;
  }
  std::string text;
  for (const std::string& value : why.values) {
    text +=
        (text.empty() ? "`" : ", `") + escape_text(std::string_view(value).substr(0, 4 * max_columns)) + "`";
  }
  if (why.value_count > why.values.size())
    text += ", " + std::to_string(why.value_count - why.values.size()) + " more";
  return cut(text, max_columns);
}

std::string reported_text(const JudgedEvent& judged, bool reported_alone) {
  if (!reported_alone) return "yes: as a part of a correlation, not by itself";
  if (!judged.reported) return "yes";
  if (judged.reported->now) return "yes: a hit";
  return "yes, but folded into the hit at " + judged.reported->place + ": `suppress` of the rule";
}

std::string heading_text(const Rule& rule, const JudgedEvent& judged) {
  const std::string lineage = lineage_text(judged.event);
  const std::string user = user_text(judged.event);
  std::string text =
      "rule    " + rule_text(rule) + ": " + escape_text(rule.title) + " (" + place_of(rule) + ")\n";
  text += "event   " + judged.place + "  " + std::string(to_string(judged.event.kind)) + "  " + lineage +
          (user.empty() ? "" : "  " + user) + "\n";
  const std::string command = command_text(judged.event, kCommandBytes);
  if (!command.empty()) text += "        " + command + "\n";
  return text;
}

std::string stored_text(const Rule& rule, const Sha256& digest, bool holds, const JudgedEvent& judged) {
  if (!judged.stored) return {};
  const RuleRecord& then = *judged.stored->record.rule;
  if (then.id != rule.id)
    return "stored  as a hit of " + escape_text(then.name.empty() ? then.title : then.name) + "\n";
  std::string text = "stored  as a hit of this rule";
  if (!then.digest.empty() && then.digest != hex(digest)) {
    text += ", which was another then";
  } else if (!holds) {
    text += ", with more known than was kept: of a hit stay the event, its process and its ancestors";
  }
  return text + "\n";
}

std::string why_text(const RuleWhy& why, const Sha256& digest, const JudgedEvent& judged, bool reported_alone,
                     size_t columns) {
  std::string text = heading_text(*why.rule, judged) + stored_text(*why.rule, digest, why.holds, judged);
  text += "answer  " + answer_of(why, judged, reported_alone) +
          (why.holds || !why.kind_fits || !why.product_fits ? "\n" : " (marked <)\n");
  for (const DetectionWhy& detection : why.detections) {
    std::vector<std::string> names;
    for (const SelectionWhy& selection : detection.selections) names.push_back(selection.name);
    if (detection.filter == nullptr) {
      text += "\ncondition: " + escape_text(detection.condition.print(names)) + "\n";
    }
    TreeText tree({.columns = columns, .marks = why.kind_fits && why.product_fits});
    tree.add(detection);
    text += std::move(tree).text();
  }
  return text;
}

std::string why_json(const RuleWhy& why, const JudgedEvent& judged, bool reported_alone) {
  JsonWriter json;
  json.begin_object();
  json.member("type", "why");
  json.member("rule", why.rule->id);
  json.member("event", judged.place);
  json.member_boolean("holds", why.holds);
  json.member_boolean("kind_fits", why.kind_fits);
  json.member_boolean("product_fits", why.product_fits);
  json.member_boolean("hit", why.holds && reported_alone && judged.reported && judged.reported->now);
  json.member("answer", answer_of(why, judged, reported_alone));
  json.member_number("to_change", static_cast<int64_t>(why.to_change));
  json.member_number("as_wanted", static_cast<int64_t>(why.as_wanted));
  json.key("detections");
  json.begin_array();
  for (const DetectionWhy& detection : why.detections) append_detection(detection, json);
  json.end_array();
  json.end_object();
  return json.text() + "\n";
}

}  // namespace detectd

#include "src/detectctl/process_tree.h"

#include <algorithm>

#include "engine/escape.h"
#include "engine/json_writer.h"
#include "engine/process.h"
#include "engine/timestamp.h"
#include "src/detectctl/hit_columns.h"
#include "src/detectctl/hit_table.h"
#include "src/report/hit_view.h"
#include "src/report/time_zone.h"
#include "src/text.h"

namespace detectd {
namespace {

// Ancestors of the first line.
constexpr size_t kMaxHeader = 8;
constexpr size_t kMaxRuleColumns = 34;

// A process whose identity nobody told is its pid.
std::string key_of(const std::string& entity_id, const std::optional<int64_t>& pid) {
  if (!entity_id.empty()) return entity_id;
  return pid ? "pid " + std::to_string(*pid) : "";
}

std::string named(const std::string& name, const std::optional<int64_t>& pid) {
  return (name.empty() ? "?" : name) + (pid ? "(" + std::to_string(*pid) + ")" : "");
}

}  // namespace

ProcessTree::ProcessTree(const std::vector<Member>& members, int64_t center) : center_(center) {
  for (const Member& member : members) add(member);
  for (const Member& member : members) {
    if (member.hit.n == center) choose_root(member);
  }
}

ProcessTree::Node& ProcessTree::node(const std::string& key) {
  Node& found = nodes_[key];
  found.key = key;
  return found;
}

void ProcessTree::add(const Member& member) {
  const HitRecord& record = member.hit.record;
  std::string key = key_of(escape_text(record.entity_id), record.pid);
  if (key.empty()) key = "hit " + std::to_string(member.hit.n);
  Node& own = node(key);
  own.pid = record.pid;
  const std::string command = command_text(record);
  const std::string user = user_text(record);
  const auto same = std::find_if(own.images.begin(), own.images.end(), [&](const Image& image) {
    return image.command == command && image.user == user;
  });
  if (same != own.images.end()) {
    same->hits.push_back(&member.hit);
  } else {
    own.images.push_back({escape_text(record.name), command, user, record.time_ns, {&member.hit}});
  }
  if (own.first_ns == 0) own.first_ns = record.time_ns;
  Node* child = &own;
  for (const StoredAncestor& ancestor : member.ancestors) {
    const std::string parent_key = key_of(ancestor.entity_id, ancestor.pid);
    if (parent_key.empty() || parent_key == child->key) break;
    Node& parent = node(parent_key);
    parent.pid = ancestor.pid;
    parent.name = ancestor.name;
    parent.user = ancestor.user;
    parent.command = ancestor.command_line;
    if (parent.first_ns == 0) parent.first_ns = record.time_ns;
    if (child->parent.empty()) {
      child->parent = parent_key;
      parent.children.push_back(child->key);
    }
    child = &parent;
  }
}

// The highest process above the hit that hit something, and beside it what else its parent started: unless
// that is init, whose children have nothing in common.
void ProcessTree::choose_root(const Member& center) {
  std::string key = key_of(escape_text(center.hit.record.entity_id), center.hit.record.pid);
  if (key.empty()) key = "hit " + std::to_string(center.hit.n);
  top_ = key;
  for (size_t i = 0; i < kMaxAncestors && !key.empty(); ++i) {
    const Node& at = nodes_.at(key);
    if (!at.images.empty()) top_ = key;
    key = at.parent;
  }
  const std::string& parent = nodes_.at(top_).parent;
  if (!parent.empty() && nodes_.at(parent).pid != 1) root_ = parent;
}

bool ProcessTree::has_hits_below(const Node& node, size_t depth) const {
  if (!node.images.empty()) return true;
  if (depth == 0) return false;
  return std::any_of(node.children.begin(), node.children.end(),
                     [&](const std::string& child) { return has_hits_below(nodes_.at(child), depth - 1); });
}

std::vector<const ProcessTree::Node*> ProcessTree::shown_children(const Node& node) const {
  std::vector<const Node*> children;
  for (const std::string& key : node.children) {
    const Node& child = nodes_.at(key);
    if (has_hits_below(child, kMaxAncestors)) children.push_back(&child);
  }
  std::sort(children.begin(), children.end(), [](const Node* a, const Node* b) {
    return std::pair(a->first_ns, a->key) < std::pair(b->first_ns, b->key);
  });
  return children;
}

std::string ProcessTree::header() const {
  std::vector<std::string> chain;
  std::string key = root_.empty() ? nodes_.at(top_).parent : root_;
  for (; !key.empty() && chain.size() < kMaxHeader; key = nodes_.at(key).parent) {
    const Node& node = nodes_.at(key);
    const bool image = !node.images.empty();
    // Of init nobody needs to be told that its name is not known.
    if (node.pid == 1 && node.name.empty() && !image) continue;
    const std::string& name = node.name.empty() && image ? node.images.back().name : node.name;
    chain.push_back(named(name, node.pid) + (node.user.empty() || node.pid == 1 ? "" : " " + node.user));
  }
  std::string text = key.empty() ? "" : "... > ";
  for (auto process = chain.rbegin(); process != chain.rend(); ++process) {
    if (process != chain.rbegin()) text += " > ";
    text += *process;
  }
  return text;
}

std::string ProcessTree::rules_of(const Image& image) const {
  std::string text = "*";
  for (const StoredHit* hit : image.hits) {
    text += (text.size() == 1 ? " " : ", ") + rule_text(*hit->record.rule) + " #" + std::to_string(hit->n);
    if (!hit->record.response.empty()) {
      text += " " + escape_text(hit->record.response) + ": " + escape_text(hit->record.response_outcome);
    }
  }
  return text;
}

void ProcessTree::add_lines(const Node& node, const std::string& first, const std::string& next, size_t depth,
                            std::vector<Line>& lines) const {
  const auto children = depth == 0 ? std::vector<const Node*>() : shown_children(node);
  const std::string inner = next + (children.empty() ? "   " : "|  ");
  if (node.images.empty()) {
    lines.push_back({first + named(node.name, node.pid), node.command, "", Level::kInformational, false});
  }
  for (size_t i = 0; i < node.images.size(); ++i) {
    const Image& image = node.images[i];
    Line& line = lines.emplace_back();
    const std::string time = " " + format_time_of_day(image.time_ns);
    line.left = i == 0 ? first : inner;
    line.left += i == 0 ? named(image.name, node.pid) : "then " + image.name;
    line.left += time;
    line.command = image.command;
    line.right = rules_of(image);
    for (const StoredHit* hit : image.hits) {
      line.level = std::max(line.level, hit->record.rule->level);
      line.center = line.center || hit->n == center_;
    }
  }
  for (size_t i = 0; i < children.size(); ++i) {
    const bool last = i + 1 == children.size();
    add_lines(*children[i], next + (last ? "`- " : "|- "), next + (last ? "   " : "|  "), depth - 1, lines);
  }
}

std::string ProcessTree::text(const Terminal& terminal, size_t max_lines) const {
  std::vector<Line> lines;
  if (root_.empty()) {
    add_lines(nodes_.at(top_), "", "", kMaxAncestors, lines);
  } else {
    const auto children = shown_children(nodes_.at(root_));
    for (size_t i = 0; i < children.size(); ++i) {
      const bool last = i + 1 == children.size();
      add_lines(*children[i], last ? "`- " : "|- ", last ? "   " : "|  ", kMaxAncestors, lines);
    }
  }
  size_t right_columns = 0;
  for (const Line& line : lines) right_columns = std::max(right_columns, display_width(line.right));
  const size_t columns = terminal.columns;
  if (columns != 0) right_columns = std::min({right_columns, kMaxRuleColumns, columns / 2});
  size_t left_columns = 0;
  for (const Line& line : lines)
    left_columns = std::max(left_columns, display_width(line.left + " " + line.command));
  left_columns = columns == 0 ? std::min<size_t>(left_columns, 100)
                              : std::min(left_columns, columns - right_columns - 2);

  const std::string above = header();
  std::string text = above.empty() ? "" : (columns == 0 ? above : cut(above, columns)) + "\n";
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i == max_lines) {
      text += "... " + plural(lines.size() - max_lines, "line") + " more; --limit shows them\n";
      break;
    }
    const Line& line = lines[i];
    std::string left = line.left + (line.command.empty() ? "" : " " + line.command);
    if (columns != 0) left = cut(left, line.right.empty() ? columns : left_columns);
    std::string shown = left;
    if (!line.right.empty()) {
      shown = fit(left, std::max(left_columns, display_width(left))) + "  " +
              paint(terminal, line.level, columns == 0 ? line.right : cut(line.right, right_columns));
    }
    const bool bold = line.center && terminal.color;
    if (bold) text += "\x1b[1m";
    text += shown;
    text += bold ? "\x1b[0m\n" : "\n";
  }
  return text;
}

std::string ProcessTree::json() const {
  std::string text;
  std::vector<const Node*> queue = {&nodes_.at(root_.empty() ? top_ : root_)};
  for (size_t i = 0; i < queue.size() && i < nodes_.size(); ++i) {
    const Node& node = *queue[i];
    JsonWriter json;
    json.begin_object();
    json.member("type", "process");
    json.member("key", node.key);
    if (!node.parent.empty()) json.member("parent", node.parent);
    if (node.pid) json.member_number("pid", *node.pid);
    json.member("name", node.images.empty() ? node.name : node.images.back().name);
    const std::string& command = node.images.empty() ? node.command : node.images.back().command;
    if (!command.empty()) json.member("command_line", command);
    json.key("hits");
    json.begin_array();
    for (const Image& image : node.images) {
      for (const StoredHit* hit : image.hits) json.number(hit->n);
    }
    json.end_array();
    json.end_object();
    text += json.text() + "\n";
    for (const Node* child : shown_children(node)) queue.push_back(child);
  }
  return text;
}

}  // namespace detectd

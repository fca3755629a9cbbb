#include "src/detectctl/host_tree.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/escape.h"
#include "src/report/hit_view.h"

namespace detectd {
namespace {

// Deeper ones stand at that depth.
constexpr size_t kMaxShownDepth = 64;

class Tree {
 public:
  explicit Tree(const std::vector<JsonValue>& processes) {
    for (const JsonValue& process : processes) nodes_.emplace(process.text_of("key"), &process);
    for (const auto& [key, process] : nodes_) {
      const std::string parent = process->text_of("parent");
      if (parent != key && nodes_.contains(parent)) {
        children_[parent].push_back(key);
      } else {
        roots_.push_back(key);
      }
    }
    const auto before = [this](const std::string& a, const std::string& b) {
      return nodes_.at(a)->number_of("pid") < nodes_.at(b)->number_of("pid");
    };
    std::sort(roots_.begin(), roots_.end(), before);
    for (auto& [key, children] : children_) std::sort(children.begin(), children.end(), before);
  }

  template <class Show>
  void walk(Show show) {
    for (const std::string& root : roots_) walk(root, "", "", 0, show);
  }

 private:
  // A key is met once: parents that go round in a circle are no roots, and are not met at all.
  template <class Show>
  void walk(const std::string& key, const std::string& first, const std::string& next, size_t depth,
            const Show& show) {
    show(first, *nodes_.at(key));
    const auto found = children_.find(key);
    if (found == children_.end()) return;
    const bool deeper = depth < kMaxShownDepth;
    for (const std::string& child : found->second) {
      const bool last = &child == &found->second.back();
      walk(child, deeper ? next + (last ? "`- " : "|- ") : first,
           deeper ? next + (last ? "   " : "|  ") : next, depth + 1, show);
    }
  }

  std::map<std::string, const JsonValue*> nodes_;
  std::map<std::string, std::vector<std::string>> children_;
  std::vector<std::string> roots_;
};

std::string label_of(const JsonValue& process) {
  std::string name = process.text_of("name");
  if (name.empty()) name = process.text_of("executable", "?");
  std::string text = escape_text(name.substr(0, 64)) + "(" + std::to_string(process.number_of("pid")) + ")";
  if (const std::string user = process.text_of("user"); !user.empty()) text += " " + escape_text(user);
  return text;
}

}  // namespace

std::string host_tree_text(const std::vector<JsonValue>& processes, std::optional<uint32_t> center,
                           const Terminal& terminal) {
  std::string text;
  Tree(processes).walk([&](const std::string& indent, const JsonValue& process) {
    std::string line = indent + label_of(process);
    if (process.boolean_of("gone")) line += "  gone";
    if (const std::string command = process.text_of("command"); !command.empty()) {
      line += "  " + escape_text(command);
    }
    if (terminal.columns != 0) line = cut(line, terminal.columns);
    const bool bold = terminal.color && center && process.number_of("pid") == *center;
    text += (bold ? "\x1b[1m" : "") + line + (bold ? "\x1b[0m\n" : "\n");
  });
  return text;
}

}  // namespace detectd

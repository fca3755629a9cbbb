#include "src/control/process_list.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/json_writer.h"

namespace detectd {
namespace {

constexpr size_t kMaxCommandBytes = 1024;

struct Listed {
  const Process* process = nullptr;
  bool gone = true;
};
using List = std::map<ProcessKey, Listed>;

List list_with_ancestors(const std::vector<std::shared_ptr<const Process>>& running) {
  List list;
  for (const auto& process : running) list[process->key] = {process.get(), false};
  for (const auto& process : running) {
    for (const Process* at = process->parent.get(); at != nullptr; at = at->parent.get()) {
      if (!list.try_emplace(at->key, Listed{at, true}).second) break;
    }
  }
  return list;
}

// The last one of that pid, with all above and below it.
std::set<ProcessKey> relatives(const List& list, uint32_t pid) {
  std::set<ProcessKey> chosen;
  const Listed* center = nullptr;
  for (const auto& [key, listed] : list) {
    if (key.pid == pid && (center == nullptr || !listed.gone)) center = &listed;
  }
  if (center == nullptr) return chosen;
  for (const Process* at = center->process; at != nullptr; at = at->parent.get()) chosen.insert(at->key);
  for (const auto& [key, listed] : list) {
    for (const Process* at = listed.process; at != nullptr; at = at->parent.get()) {
      if (at->key != center->process->key) continue;
      for (const Process* member = listed.process; member != at; member = member->parent.get()) {
        chosen.insert(member->key);
      }
      break;
    }
  }
  return chosen;
}

std::string key_text(const ProcessKey& key) {
  return std::to_string(key.pid) + "." + std::to_string(key.birth_ns);
}

std::string line_of(const Listed& listed) {
  const Process& process = *listed.process;
  JsonWriter json;
  json.begin_object();
  json.member("type", "process");
  json.member("key", key_text(process.key));
  if (process.parent) json.member("parent", key_text(process.parent->key));
  json.member_number("pid", process.key.pid);
  const auto text = [&](std::string_view name, Leaf leaf) {
    const FieldView view = process.find(leaf);
    if (view.has_value()) json.member(name, view.text.substr(0, kMaxCommandBytes));
  };
  text("name", Leaf::kName);
  text("user", process.find(Leaf::kUserName).has_value() ? Leaf::kUserName : Leaf::kUserId);
  text("command", Leaf::kCommandLine);
  text("executable", Leaf::kExecutable);
  if (!process.start().empty()) json.member("start", process.start());
  json.member_boolean("gone", listed.gone);
  json.end_object();
  return json.text() + "\n";
}

// Parents are born before their children, or at least listed with fewer ancestors.
size_t depth_of(const Process& process) {
  size_t depth = 0;
  for (const Process* at = process.parent.get(); at != nullptr; at = at->parent.get()) ++depth;
  return depth;
}

}  // namespace

std::string process_lines(const std::vector<std::shared_ptr<const Process>>& running,
                          std::optional<uint32_t> pid, size_t max_bytes) {
  const List list = list_with_ancestors(running);
  const std::set<ProcessKey> chosen = pid ? relatives(list, *pid) : std::set<ProcessKey>();
  std::vector<std::pair<size_t, const Listed*>> ordered;
  for (const auto& [key, listed] : list) {
    if (!pid || chosen.contains(key)) ordered.emplace_back(depth_of(*listed.process), &listed);
  }
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string lines;
  for (size_t i = 0; i < ordered.size(); ++i) {
    const std::string line = line_of(*ordered[i].second);
    if (lines.size() + line.size() > max_bytes) {
      return lines + "{\"type\":\"left_out\",\"processes\":" + std::to_string(ordered.size() - i) + "}\n";
    }
    lines += line;
  }
  return lines;
}

}  // namespace detectd

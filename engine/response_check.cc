#include "engine/response_check.h"

#include <algorithm>

namespace detectd {
namespace {

using enum EventKind;

// The process is gone, is not the one meant, or nothing happened just now.
constexpr KindSet kNoResponse = {kEnd, kFork, kCoredump, kAlreadyRunning, kLost, kHealth};

// Whether the node being `wanted` implies a vouched item that holds.
bool vouched(const Condition& condition, uint32_t node_index, bool wanted,
             const std::vector<SelectionTrust>& selections) {
  const Condition::Node& node = condition.nodes()[node_index];
  const auto child_vouched = [&](uint32_t child) { return vouched(condition, child, wanted, selections); };
  const auto& children = node.children;
  switch (node.op) {
    case Condition::Op::kConstant: return node.constant != wanted;  // never so: nothing to vouch for
    case Condition::Op::kNot: return vouched(condition, children.front(), !wanted, selections);
    case Condition::Op::kSelection: {
      // That a selection does not hold says nothing about who the process is.
      const auto& alternatives = selections[node.selection].vouched_alternatives;
      return wanted && std::all_of(alternatives.begin(), alternatives.end(), [](bool v) { return v; });
    }
    case Condition::Op::kAnd:
    case Condition::Op::kOr: break;
  }
  const bool all_children_needed = (node.op == Condition::Op::kAnd) == wanted;
  return all_children_needed ? std::any_of(children.begin(), children.end(), child_vouched)
                             : std::all_of(children.begin(), children.end(), child_vouched);
}

void report(const Rule& rule, std::string code, std::string message, std::string help,
            Diagnostics& diagnostics) {
  Diagnostic diagnostic;
  diagnostic.code = std::move(code);
  const Place place = rule.origin("response");
  diagnostic.file = place.file;
  diagnostic.span = rule.response->span;
  diagnostic.message = std::move(message);
  diagnostic.help = std::move(help);
  diagnostics.add(std::move(diagnostic));
}

}  // namespace

bool vouches(FieldId id) {
  const FieldPlace place = place_of(id);
  switch (place.leaf) {
    case Leaf::kExecutable:
    case Leaf::kName:
    case Leaf::kSha256:
    case Leaf::kDevice:
    case Leaf::kInode:
    case Leaf::kUserId:
    case Leaf::kUserName:
    case Leaf::kRealUserId:
    case Leaf::kSavedUserId:
    case Leaf::kGroupId:
    case Leaf::kGroupName:
    case Leaf::kRealGroupId:
    case Leaf::kSavedGroupId:
    case Leaf::kUnit:
    case Leaf::kCgroup: return place.subject != Subject::kTarget;
    default: return id == field::kContainerId || id == field::kUserAuditId;
  }
}

bool rests_on_vouched(const Condition& condition, const std::vector<SelectionTrust>& selections) {
  return vouched(condition, static_cast<uint32_t>(condition.nodes().size() - 1), true, selections);
}

void check_response(const Rule& rule, KindSet kinds, bool vouched, Diagnostics& diagnostics) {
  if (!rule.response || rule.response->action == ResponseAction::kAlert) return;
  const std::string action = "`action = \"" + std::string(to_string(rule.response->action)) + "\"`";

  for (size_t i = 0; i < kEventKindCount; ++i) {
    const auto kind = static_cast<EventKind>(i);
    if (!kinds.has(kind) || !kNoResponse.has(kind)) continue;
    report(rule, "D121", action + " can do nothing on " + std::string(to_string(kind)) + " events",
           "respond to exec, to an id change or to ptrace, or leave the response out", diagnostics);
  }
  if (rule.response->action == ResponseAction::kDeny && kinds != KindSet{kExecCheck}) {
    report(rule, "D122", action + " needs `on = \"exec_check\"`: the exec must not have happened yet",
           "use `on = \"exec_check\"`, or `action = \"kill\"`", diagnostics);
  }
  if (!vouched) {
    report(rule, "D120",
           action +
               " rests on the process's own word: it can hold without any item on the executable, "
               "the user, or the parent",
           "anybody can write any command line; add such an item to every way the condition can hold, "
           "as `\"process.executable\" = \"/usr/bin/nc\"`",
           diagnostics);
  }
}

}  // namespace detectd

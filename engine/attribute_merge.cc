#include "engine/attribute_merge.h"

#include <array>

#include "engine/derived_fields.h"

namespace detectd {
namespace {

constexpr Leaf leaf_at(size_t i) { return static_cast<Leaf>(i); }

// Whether the line's leaf is a fact of the process: a thread's name is the process's only if the thread is
// its leader.
bool tells(const Event& event, Leaf leaf) {
  if (lifetime_of(leaf) == Lifetime::kOwn || !event.carries(process_field(leaf))) return false;
  if (leaf != Leaf::kThreadName || event.kind == EventKind::kExec) return true;
  const FieldView thread = event.find_carried(process_field(Leaf::kThreadId));
  return thread.absent() || thread.text == event.find_carried(process_field(Leaf::kPid)).text;
}

bool same_leaf(const Event& event, Leaf leaf, const Attributes& known) {
  const FieldId id = process_field(leaf);
  if (!same_value(event.find_carried(id), known.find(leaf))) return false;
  const size_t count = event.count(id);
  if (count != known.count(leaf)) return false;
  for (size_t i = 1; i < count; ++i) {
    if (!same_value(event.find_carried(id, i), known.find(leaf, i))) return false;
  }
  return true;
}

bool changes(const Event& event, const Attributes& known) {
  for (size_t i = 0; i < kLeafCount; ++i) {
    if (tells(event, leaf_at(i)) && !same_leaf(event, leaf_at(i), known)) return true;
  }
  return false;
}

// Facts that are told together: a new value of the first makes an old one of the others doubtful.
struct Dependence {
  Leaf cause;
  Leaf effect;
};
constexpr std::array kDependences = {
    Dependence{Leaf::kUserId, Leaf::kUserName},
    Dependence{Leaf::kUserId, Leaf::kSavedUserId},
    Dependence{Leaf::kUserId, Leaf::kCapabilities},
    Dependence{Leaf::kUserId, Leaf::kPrivileged},
    Dependence{Leaf::kCapabilities, Leaf::kPrivileged},
    Dependence{Leaf::kRealUserId, Leaf::kSavedUserId},
    Dependence{Leaf::kGroupId, Leaf::kGroupName},
    Dependence{Leaf::kGroupId, Leaf::kSavedGroupId},
    Dependence{Leaf::kRealGroupId, Leaf::kSavedGroupId},
    Dependence{Leaf::kGroupLeaderPid, Leaf::kGroupLeaderEntityId},
    Dependence{Leaf::kSessionLeaderPid, Leaf::kSessionLeaderEntityId},
    // A new session has no terminal.
    Dependence{Leaf::kSessionLeaderPid, Leaf::kInteractive},
    Dependence{Leaf::kSessionLeaderPid, Leaf::kTtyMajor},
    Dependence{Leaf::kSessionLeaderPid, Leaf::kTtyMinor},
    Dependence{Leaf::kArgs, Leaf::kCommandLine},
    Dependence{Leaf::kCommandLine, Leaf::kArgs},
    Dependence{Leaf::kCommandLine, Leaf::kArgsCount},
    Dependence{Leaf::kCommandLine, Leaf::kArgv0},
    Dependence{Leaf::kCommandLine, Leaf::kEffectiveExecutable},
};

using Leaves = std::array<bool, kLeafCount>;

Leaves doubtful(const Event& event, const Attributes& before) {
  Leaves leaves{};
  for (const Dependence& one : kDependences) {
    if (!tells(event, one.cause) || same_leaf(event, one.cause, before)) continue;
    leaves[static_cast<size_t>(one.effect)] = true;
  }
  return leaves;
}

FieldView text_view(std::string_view text) {
  FieldView view;
  view.type = text.empty() ? Type::kAbsent : Type::kText;
  view.text = text;
  return view;
}

FieldView privilege_view(Privilege privilege) {
  FieldView view;
  if (privilege == Privilege::kUnknown) return view;
  view.type = Type::kBoolean;
  view.number = privilege == Privilege::kRoot ? 1 : 0;
  view.text = privilege == Privilege::kRoot ? "true" : "false";
  return view;
}

// What privilege_of sees: the leaves as they will be.
struct Outlook {
  const Event& event;
  const Attributes& before;
  const Leaves& dropped;
  bool same_image;

  bool from_before(Leaf leaf) const {
    if (dropped[static_cast<size_t>(leaf)]) return false;
    return same_image || lifetime_of(leaf) == Lifetime::kKept;
  }
  FieldView find(Leaf leaf, size_t index) const {
    if (tells(event, leaf)) return event.find_carried(process_field(leaf), index);
    return from_before(leaf) ? before.find(leaf, index) : FieldView{};
  }
  size_t count(Leaf leaf) const {
    if (tells(event, leaf)) return event.count(process_field(leaf));
    return from_before(leaf) ? before.count(leaf) : 0;
  }
};

}  // namespace

bool same_value(const FieldView& a, const FieldView& b) { return a.type == b.type && a.text == b.text; }

bool other_image(const Event& event, FieldOf field, const Attributes& known) {
  const FieldView told = event.find_carried(field(Leaf::kExecutable));
  const FieldView before = known.find(Leaf::kExecutable);
  return told.has_value() && before.has_value() && told.text != before.text;
}

std::shared_ptr<const Attributes> AttributeMerge::merged(const Event& event, const Attributes& before,
                                                         LeaderIds leaders, bool same_image) {
  const Leaves dropped = doubtful(event, before);
  const Outlook outlook{event, before, dropped, same_image};
  for (size_t i = 0; i < kLeafCount; ++i) {
    const Leaf leaf = leaf_at(i);
    if (lifetime_of(leaf) == Lifetime::kOwn) continue;
    if (tells(event, leaf)) {
      builder_.add_from(leaf, event, process_field(leaf));
      continue;
    }
    switch (leaf) {
      case Leaf::kSavedUserId:
        // exec(2) copies the effective ids to the saved ones.
        if (!same_image) builder_.add(leaf, outlook.find(Leaf::kUserId, 0));
        break;
      case Leaf::kSavedGroupId:
        if (!same_image) builder_.add(leaf, outlook.find(Leaf::kGroupId, 0));
        break;
      case Leaf::kGroupLeaderEntityId: builder_.add(leaf, text_view(leaders.group)); break;
      case Leaf::kSessionLeaderEntityId: builder_.add(leaf, text_view(leaders.session)); break;
      case Leaf::kPrivileged:
        // An exec can gain and lose capabilities, so what was so before says nothing.
        if (!same_image || !outlook.from_before(leaf))
          builder_.add(leaf, privilege_view(privilege_of(outlook)));
        if (!same_image) continue;
        break;
      default: break;
    }
    if (outlook.from_before(leaf)) builder_.add_from(leaf, before);
  }
  return builder_.build();
}

std::shared_ptr<const Attributes> AttributeMerge::after_exec(const Event& event, const Attributes& before,
                                                             LeaderIds leaders) {
  return merged(event, before, leaders, false);
}

std::shared_ptr<const Attributes> AttributeMerge::after_change(
    const Event& event, const std::shared_ptr<const Attributes>& before, LeaderIds leaders) {
  if (!changes(event, *before)) return before;
  // Another executable than the known one: an exec was missed.
  return merged(event, *before, leaders, !other_image(event, process_field, *before));
}

std::shared_ptr<const Attributes> AttributeMerge::completed(const Event& event, FieldOf field,
                                                            const std::shared_ptr<const Attributes>& before) {
  if (other_image(event, field, *before)) return before;
  bool adds = false;
  for (size_t i = 0; i < kLeafCount && !adds; ++i) {
    const Leaf leaf = leaf_at(i);
    adds = event.carries(field(leaf)) && lifetime_of(leaf) != Lifetime::kOwn && before->find(leaf).absent();
  }
  if (!adds) return before;
  for (size_t i = 0; i < kLeafCount; ++i) {
    const Leaf leaf = leaf_at(i);
    if (lifetime_of(leaf) == Lifetime::kOwn) continue;
    builder_.add_from(leaf, *before);
    builder_.add_from(leaf, event, field(leaf));
  }
  return builder_.build();
}

std::shared_ptr<const Attributes> AttributeMerge::joined(const Attributes& first, const Attributes& second,
                                                         bool own_image) {
  for (size_t i = 0; i < kLeafCount; ++i) {
    const Leaf leaf = leaf_at(i);
    builder_.add_from(leaf, first);
    if (!own_image || lifetime_of(leaf) == Lifetime::kKept) builder_.add_from(leaf, second);
  }
  return builder_.build();
}

}  // namespace detectd

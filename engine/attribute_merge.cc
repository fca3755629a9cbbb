#include "engine/attribute_merge.h"

#include <array>
#include <bit>

#include "engine/derived_fields.h"

namespace detectd {
namespace {

constexpr LeafMask leaves_with(Lifetime lifetime) {
  constexpr std::array kLifetimes = {
#define LEAF(constant, name, type, cardinality, lifetime, ...) Lifetime::k##lifetime,
#include "engine/field_table.def"
  };
  LeafMask mask = 0;
  for (size_t i = 0; i < kLeafCount; ++i) {
    if (kLifetimes[i] == lifetime) mask |= LeafMask{1} << i;
  }
  return mask;
}
constexpr LeafMask kImage = leaves_with(Lifetime::kImage);
constexpr LeafMask kKept = leaves_with(Lifetime::kKept);
constexpr LeafMask kLasting = kImage | kKept;

template <class Visit>
void for_each(LeafMask mask, Visit visit) {
  for (; mask != 0; mask &= mask - 1) visit(static_cast<Leaf>(std::countr_zero(mask)));
}

// The line's leaves that are facts of the process: a thread's name is the process's only if the thread is
// its leader.
LeafMask told_by(const Event& event) {
  const LeafMask mask = event.carried_leaves(process_field(Leaf{})) & kLasting;
  if ((mask & mask_of(Leaf::kThreadName)) == 0 || event.kind == EventKind::kExec) return mask;
  const FieldView thread = event.find_carried(process_field(Leaf::kThreadId));
  const bool leader = thread.absent() || thread.text == event.find_carried(process_field(Leaf::kPid)).text;
  return leader ? mask : mask & ~mask_of(Leaf::kThreadName);
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

constexpr LeafMask kCauses = [] {
  LeafMask mask = 0;
  for (const Dependence& one : kDependences) mask |= mask_of(one.cause);
  return mask;
}();

LeafMask withheld_by(const Event& event) {
  LeafMask mask = 0;
  for_each(kKept, [&](Leaf leaf) {
    if (event.withheld(process_field(leaf))) mask |= mask_of(leaf);
  });
  return mask;
}

// What the line tells otherwise than it was.
LeafMask changed(const Event& event, LeafMask told, const Attributes& before) {
  return (told & ~before.leaves()) | before.other_than(event, process_field(Leaf{}), told & before.leaves());
}

LeafMask doubtful(LeafMask changed) {
  LeafMask mask = 0;
  for (const Dependence& one : kDependences) {
    if ((changed & mask_of(one.cause)) != 0) mask |= mask_of(one.effect);
  }
  return mask;
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
  LeafMask told;
  LeafMask kept;

  FieldView find(Leaf leaf, size_t index) const {
    if ((told & mask_of(leaf)) != 0) return event.find_carried(process_field(leaf), index);
    return (kept & mask_of(leaf)) != 0 ? before.find(leaf, index) : FieldView{};
  }
  size_t count(Leaf leaf) const {
    if ((told & mask_of(leaf)) != 0) return event.count(process_field(leaf));
    return (kept & mask_of(leaf)) != 0 ? before.count(leaf) : 0;
  }
};

}  // namespace

bool tells_more(LeafMask carried, const Attributes& known) {
  return (carried & kLasting & ~known.leaves()) != 0;
}

bool same_value(const FieldView& a, const FieldView& b) { return a.type == b.type && a.text == b.text; }

bool other_image(const Event& event, FieldOf field, const Attributes& known) {
  if (!event.carries(field(Leaf::kExecutable))) return false;
  const FieldView told = event.find_carried(field(Leaf::kExecutable));
  const FieldView before = known.find(Leaf::kExecutable);
  return told.has_value() && before.has_value() && told.text != before.text;
}

std::shared_ptr<const Attributes> AttributeMerge::merged(const Merge& merge, LeaderIds leaders) {
  const Outlook outlook{merge.event, merge.before, merge.told, merge.kept};
  // What follows from the rest is offered where nobody told it; `add` ignores what is absent.
  const auto offer = [&](Leaf leaf, const FieldView& value) {
    if (((merge.told | merge.kept) & mask_of(leaf)) == 0) builder_.add(leaf, value);
  };
  for_each(merge.told | merge.kept, [&](Leaf leaf) {
    if ((merge.told & mask_of(leaf)) != 0) {
      builder_.add_from(leaf, merge.event, process_field(leaf));
    } else {
      builder_.add_from(leaf, merge.before);
    }
  });
  offer(Leaf::kPrivileged, privilege_view(privilege_of(outlook)));
  offer(Leaf::kGroupLeaderEntityId, text_view(leaders.group));
  offer(Leaf::kSessionLeaderEntityId, text_view(leaders.session));
  if (merge.exec) {
    // exec(2) copies the effective ids to the saved ones.
    offer(Leaf::kSavedUserId, outlook.find(Leaf::kUserId, 0));
    offer(Leaf::kSavedGroupId, outlook.find(Leaf::kGroupId, 0));
  }
  return builder_.build();
}

std::shared_ptr<const Attributes> AttributeMerge::after_exec(const Event& event, const Attributes& before,
                                                             LeaderIds leaders) {
  // Capabilities can come and go with an exec, so the privilege before it says nothing.
  constexpr LeafMask kEnds =
      kImage | mask_of(Leaf::kSavedUserId) | mask_of(Leaf::kSavedGroupId) | mask_of(Leaf::kPrivileged);
  const LeafMask told = told_by(event);
  // What the event withholds may have changed unseen.
  const LeafMask dropped =
      kEnds | withheld_by(event) | doubtful(changed(event, told & kCauses & kKept, before));
  return merged({.event = event,
                 .before = before,
                 .told = told,
                 .kept = before.leaves() & ~told & ~dropped,
                 .exec = true},
                leaders);
}

std::shared_ptr<const Attributes> AttributeMerge::after_change(const Event& event, const Attributes& before,
                                                               LeaderIds leaders) {
  const LeafMask told = told_by(event);
  const LeafMask differing = changed(event, told, before);
  if (differing == 0) return nullptr;
  // Another executable than the known one: an exec was missed.
  if (other_image(event, process_field, before)) return after_exec(event, before, leaders);
  return merged({.event = event,
                 .before = before,
                 .told = told,
                 .kept = before.leaves() & ~told & ~doubtful(differing)},
                leaders);
}

std::shared_ptr<const Attributes> AttributeMerge::completed(const Event& event, FieldOf field,
                                                            const Attributes& before) {
  const LeafMask added = event.carried_leaves(field(Leaf{})) & kLasting & ~before.leaves();
  if (added == 0 || other_image(event, field, before)) return nullptr;
  for_each(before.leaves(), [&](Leaf leaf) { builder_.add_from(leaf, before); });
  for_each(added, [&](Leaf leaf) { builder_.add_from(leaf, event, field(leaf)); });
  return builder_.build();
}

std::shared_ptr<const Attributes> AttributeMerge::joined(const Attributes& first, const Attributes& second,
                                                         bool own_image) {
  for_each(first.leaves(), [&](Leaf leaf) { builder_.add_from(leaf, first); });
  for_each(own_image ? second.leaves() & kKept : second.leaves(),
           [&](Leaf leaf) { builder_.add_from(leaf, second); });
  return builder_.build();
}

}  // namespace detectd

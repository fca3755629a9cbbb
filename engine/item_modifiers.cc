#include "engine/item_modifiers.h"

#include <algorithm>
#include <cstdint>

#include "engine/diagnostic.h"

namespace detectd {
namespace {

// Which modifiers may stand together. Each has a role; a role says with which others it agrees.
enum Role : uint32_t {
  kPosition = 1u << 0,  // contains startswith endswith
  kCased = 1u << 1,
  kAll = 1u << 2,
  kNeq = 1u << 3,
  kExpand = 1u << 4,
  kTransform = 1u << 5,  // windash base64 ...
  kRe = 1u << 6,
  kReFlag = 1u << 7,  // i m s
  kCidrRole = 1u << 8,
  kCompare = 1u << 9,    // lt ...
  kTimeRole = 1u << 10,  // minute ...
  kFieldref = 1u << 11,
  kAlone = 1u << 12,  // exists null
};

struct Known {
  std::string_view name;
  Role role;
  void (*apply)(Modifiers&);
};

template <Position position>
void set_position(Modifiers& m) {
  m.position = position;
}
template <Transform transform>
void add_transform(Modifiers& m) {
  m.transforms.push_back(transform);
}
template <Comparison comparison>
void set_comparison(Modifiers& m) {
  m.comparison = comparison;
  if (m.subject != Modifiers::Subject::kTime) m.subject = Modifiers::Subject::kComparison;
}
template <TimePart part>
void set_time_part(Modifiers& m) {
  m.time_part = part;
  m.subject = Modifiers::Subject::kTime;
}
template <Modifiers::Subject subject>
void set_subject(Modifiers& m) {
  m.subject = subject;
}

constexpr Known kKnown[] = {
    {"contains", kPosition, set_position<Position::kAnywhere>},
    {"startswith", kPosition, set_position<Position::kStart>},
    {"endswith", kPosition, set_position<Position::kEnd>},
    {"all", kAll, [](Modifiers& m) { m.all = true; }},
    {"cased", kCased, [](Modifiers& m) { m.cased = true; }},
    {"exists", kAlone, set_subject<Modifiers::Subject::kExists>},
    {"null", kAlone, set_subject<Modifiers::Subject::kNull>},
    {"neq", kNeq, [](Modifiers& m) { m.neq = true; }},
    {"re", kRe, set_subject<Modifiers::Subject::kRegex>},
    {"i", kReFlag, [](Modifiers& m) { m.regex.ignore_case = true; }},
    {"m", kReFlag, [](Modifiers& m) { m.regex.multi_line = true; }},
    {"s", kReFlag, [](Modifiers& m) { m.regex.dot_all = true; }},
    {"windash", kTransform, add_transform<Transform::kWindash>},
    {"base64", kTransform, add_transform<Transform::kBase64>},
    {"base64offset", kTransform, add_transform<Transform::kBase64Offset>},
    {"wide", kTransform, add_transform<Transform::kUtf16Le>},
    {"utf16le", kTransform, add_transform<Transform::kUtf16Le>},
    {"utf16be", kTransform, add_transform<Transform::kUtf16Be>},
    {"utf16", kTransform, add_transform<Transform::kUtf16>},
    {"cidr", kCidrRole, set_subject<Modifiers::Subject::kCidr>},
    {"lt", kCompare, set_comparison<Comparison::kLess>},
    {"lte", kCompare, set_comparison<Comparison::kLessOrEqual>},
    {"gt", kCompare, set_comparison<Comparison::kGreater>},
    {"gte", kCompare, set_comparison<Comparison::kGreaterOrEqual>},
    {"fieldref", kFieldref, set_subject<Modifiers::Subject::kField>},
    {"expand", kExpand, [](Modifiers& m) { m.expand = true; }},
    {"minute", kTimeRole, set_time_part<TimePart::kMinute>},
    {"hour", kTimeRole, set_time_part<TimePart::kHour>},
    {"day", kTimeRole, set_time_part<TimePart::kDay>},
    {"week", kTimeRole, set_time_part<TimePart::kWeek>},
    {"month", kTimeRole, set_time_part<TimePart::kMonth>},
    {"year", kTimeRole, set_time_part<TimePart::kYear>},
};

uint32_t agrees_with(Role role) {
  constexpr uint32_t kAny = kAll | kNeq;
  constexpr uint32_t kText = kAny | kCased | kExpand | kTransform;
  switch (role) {
    case kPosition: return kText | kFieldref;
    case kCased: return kText | kPosition | kFieldref;
    case kTransform: return kText | kPosition;
    case kExpand: return kText | kPosition;
    case kAll:
    case kNeq: return ~uint32_t{kAlone};
    case kRe: return kAny | kReFlag;
    case kReFlag: return kAny | kRe | kReFlag;
    case kCidrRole: return kAny;
    case kCompare: return kAny | kTimeRole;
    case kTimeRole: return kAny | kCompare;
    case kFieldref: return kAny | kCased | kPosition;
    case kAlone: return 0;
  }
  return 0;
}

const Known* find_known(std::string_view name) {
  const auto* const found = std::find_if(std::begin(kKnown), std::end(kKnown),
                                         [&](const Known& known) { return known.name == name; });
  return found == std::end(kKnown) ? nullptr : found;
}

ModifierMistake unknown(size_t index, const std::string& name) {
  std::string help = did_you_mean(name, modifier_names());
  if (help.empty()) help = "detectd-rules(5) lists the modifiers";
  return {index, "D035", "unknown modifier `" + name + "`", std::move(help)};
}

ModifierMistake quarrel(size_t index, const Known& earlier, const Known& later) {
  const std::string both = "`" + std::string(earlier.name) + "` and `" + std::string(later.name) + "`";
  if (earlier.name == later.name) {
    return {index, "D036", "modifier `" + std::string(later.name) + "` stands twice", "leave one out"};
  }
  if (earlier.name == "exists" || later.name == "exists") {
    return {index, "D036", both + " do not go together", "`exists` stands alone: `\"field|exists\" = false`"};
  }
  return {index, "D036", both + " do not go together", "make two items of it"};
}

// What the modifier at `index` may not follow, or lacks; nothing if it is fine there.
std::optional<ModifierMistake> find_quarrel(const std::vector<const Known*>& before, size_t index,
                                            const Known& known, bool keyword) {
  constexpr uint32_t kNeedField = kNeq | kCidrRole | kCompare | kTimeRole | kFieldref | kAlone;
  if (keyword && ((known.role & kNeedField) != 0 || known.name == "startswith" || known.name == "endswith")) {
    return ModifierMistake{index, "D036", "`" + std::string(known.name) + "` needs a field",
                           "a keyword is searched for anywhere in the event's values"};
  }
  if (known.role == kRe && !before.empty()) {
    return ModifierMistake{index, "D036", "`re` must be the first modifier",
                           "write `re|" + std::string(before.front()->name) + "`"};
  }
  if (known.role == kReFlag && (before.empty() || before.front()->role != kRe)) {
    return ModifierMistake{index, "D036", "`" + std::string(known.name) + "` stands only after `re`",
                           "write `re|" + std::string(known.name) + "`"};
  }
  for (const Known* const earlier : before) {
    const bool twice = earlier->name == known.name && known.name != "base64";
    if (twice || ((earlier->role & (kTransform | kReFlag)) == 0 && earlier->role == known.role) ||
        (earlier->role != known.role && (agrees_with(known.role) & earlier->role) == 0)) {
      return quarrel(index, *earlier, known);
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string_view> modifier_names() {
  std::vector<std::string_view> names;
  for (const Known& known : kKnown) names.push_back(known.name);
  return names;
}

std::optional<Modifiers> parse_modifiers(const std::vector<std::string>& names, bool keyword,
                                         ModifierMistake& mistake) {
  Modifiers modifiers;
  std::vector<const Known*> before;
  for (size_t i = 0; i < names.size(); ++i) {
    const Known* const known = find_known(names[i]);
    if (known == nullptr) {
      mistake = unknown(i, names[i]);
      return std::nullopt;
    }
    if (auto found = find_quarrel(before, i, *known, keyword)) {
      mistake = std::move(*found);
      return std::nullopt;
    }
    known->apply(modifiers);
    before.push_back(known);
  }
  if (keyword) modifiers.position = Position::kAnywhere;
  return modifiers;
}

}  // namespace detectd

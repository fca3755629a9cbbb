// Which techniques and tactics MITRE ATT&CK has, for the tags of rules.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace detectd {

inline constexpr std::string_view kAttackVersion = "17.1";

enum class AttackTag : uint8_t { kKnown, kUnknownTechnique, kUnknownTactic };

// `tag` is what stands behind `attack.`: `t1059.004`, `initial-access` (`_` is as good as `-`), in any case.
// Groups (`g0016`) and software (`s0154`) are known by their form alone.
AttackTag classify_attack_tag(std::string_view tag);

std::span<const std::string_view> attack_tactics();

}  // namespace detectd

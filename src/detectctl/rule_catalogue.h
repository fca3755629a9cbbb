// Rules told to others: as a layer of the ATT&CK Navigator, and as a page of Markdown.
#pragma once

#include <string>
#include <vector>

#include "engine/rule.h"

namespace detectd {

// A layer of format 4.5: each technique that a tag names, its score how many rules name it. One JSON document on one line.
std::string attack_layer(const std::vector<const Rule*>& rules);

// By tactic, the first that a rule is tagged with: a table, then what each rule means.
std::string rule_catalogue(const std::vector<const Rule*>& rules);

// What somebody wrote, as text of Markdown that is shown as it is.
std::string markdown_text(std::string_view text);

}  // namespace detectd

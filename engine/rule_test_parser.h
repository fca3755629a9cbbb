// The tests that stand below a [[rule]] or a [[correlation]].
#pragma once

#include <string_view>
#include <vector>

#include "engine/rule.h"
#include "engine/table_reader.h"

namespace detectd {

// `kind` is rule or correlation: a rule's test has one `event`, a correlation's `events`, each with an
// offset `at`.
std::vector<RuleTest> parse_tests(Reporter& reporter, const TomlMember& member, std::string_view kind);

}  // namespace detectd

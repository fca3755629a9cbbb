// Generated rules, of the shapes and shares that published rules have: of twenty, sixteen compare literals,
// three a parent and its child, one is a regular expression.
#pragma once

#include <cstddef>
#include <string>

namespace detectd::bench {

// Rule `number` (from 0) as TOML.
std::string rule_toml(size_t number);

// Command lines, in the notation of commands.h, for which rule `number` and no other holds: run `child` from
// `parent`, which is empty where it does not matter.
struct Trigger {
  std::string parent;
  std::string child;
};
Trigger trigger_of(size_t number);

}  // namespace detectd::bench

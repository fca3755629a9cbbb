// Rules that look at shells alone: of no other program there is more to be read.
#pragma once

#include <memory>

#include "engine/rule_set.h"
#include "tests/support/stream.h"

namespace detectd::test {

inline std::shared_ptr<const RuleSet> rules_about_shells() {
  return testing::compile_toml(R"([[rule]]
id = "11111111-1111-4111-8111-111111111111"
name = "r"
title = "A"
level = "low"
on = "exec"
[rule.detection]
s."process.name" = "sh"
s."process.Ext.stdin.type" = "socket"
condition = "s"
)");
}

}  // namespace detectd::test

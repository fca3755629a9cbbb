// Other programs, and what they cost.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/result.h"

namespace detectd::bench {

using Words = std::vector<std::string>;  // a program and its arguments

struct ChildCost {
  double cpu_s = 0;
  double peak_mib = 0;
};

// To be called by main() with what stands behind it, where it is the first argument.
inline constexpr std::string_view kMeasurer = "--measure-command";
int run_as_measurer(char** command);

// What they write goes nowhere. Fails where one does not end with 0.
Result<ChildCost> run_child(const Words& command);
// `feed` writes its standard input.
Result<ChildCost> run_child(
    const Words& command,
    const std::function<void(const std::function<void(std::string_view)>& write)>& feed);

}  // namespace detectd::bench

// What --probe has found, for people and for programs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace detectd {

// Whether one feature of the kernel works here, for this user.
struct Finding {
  std::string_view name;  // "proc connector"
  bool works = false;
  std::string detail;  // what was seen
  std::string remedy;  // what to do where it does not work; empty: nothing
};

// What follows from all of them.
struct ProbeLevels {
  bool collects = false;   // a live source works
  std::string collection;  // "connector: ..."
  std::string response;    // "reactive: ..."
};

ProbeLevels levels_of(const std::vector<Finding>& findings);

// A line each, in columns: `proc connector  ok       a fork was seen after 61 us`.
std::string probe_table(const std::vector<Finding>& findings, const ProbeLevels& levels, bool color);
// An object a line.
std::string probe_json(const std::vector<Finding>& findings, const ProbeLevels& levels);

}  // namespace detectd

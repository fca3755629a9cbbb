// Each option of detectd once: how it is written, what --help and the manual say, and what it sets.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/result.h"
#include "src/detectd/options.h"

namespace detectd {

enum class OptionGroup : uint8_t { kTask, kInput, kSelection, kRun, kOutput, kMessages };
std::string_view to_string(OptionGroup group);

struct OptionRow {
  OptionGroup group{};
  char letter = 0;  // 0: no short form
  std::string_view name{};
  std::string_view value{};   // the placeholder; empty for a flag
  bool repeatable = false;    // otherwise the last one counts
  std::string_view help{};    // lines of at most 54 columns
  std::string_view manual{};  // mdoc, one sentence a line
  // Takes the value ("" for a flag) into the options. The error's message follows "--name: ".
  Status (*apply)(Options& options, const std::string& value) = nullptr;
};

// In the order of --help.
std::span<const OptionRow> option_table();

}  // namespace detectd

#include "engine/tool_options.h"

#include <algorithm>
#include <iterator>

namespace detectd {
namespace {

constexpr Tool kTools[] = {
#define TOOL(name, flags, valued, long_names, ways) {name, flags, valued, long_names, ways},
#include "engine/tool_options.def"
};

bool has(std::string_view letters, char letter) { return letters.find(letter) != std::string_view::npos; }

// The letter of a long name; NUL: there is none.
char letter_of(const Tool& tool, std::string_view name) {
  std::string_view rest = tool.long_names;
  while (rest.size() > 2) {
    const size_t blank = std::min(rest.find(' '), rest.size());
    if (rest.substr(2, blank - 2) == name) return rest.front();
    rest.remove_prefix(std::min(blank + 1, rest.size()));
  }
  return '\0';
}

bool parse_long(const Tool& tool, std::string_view text, std::vector<ToolArgument>& parts) {
  const size_t equals = text.find('=');
  ToolArgument part;
  part.long_name = text.substr(0, equals);
  part.letter = letter_of(tool, part.long_name);
  part.has_value = equals != std::string_view::npos;
  if (part.has_value) part.value = text.substr(equals + 1);
  // The value of a long option that is not known could be the next argument.
  if (part.letter == '\0' && !part.has_value) return false;
  parts.push_back(part);
  return true;
}

bool parse_letters(const Tool& tool, std::string_view letters, std::vector<ToolArgument>& parts) {
  for (size_t i = 0; i < letters.size(); ++i) {
    ToolArgument part;
    part.letter = letters[i];
    part.long_name = tool.long_name(part.letter);
    if (has(tool.valued, part.letter)) {
      part.has_value = i + 1 < letters.size();
      part.value = letters.substr(i + 1);
      parts.push_back(part);
      return true;
    }
    if (!has(tool.flags, part.letter)) return false;
    parts.push_back(part);
  }
  return true;
}

std::string letter_option(const ToolArgument& part) { return {'-', part.letter}; }

// A letter where it has one, else as it was.
void append_plain(const ToolArgument& part, std::vector<std::string>& args) {
  if (part.is_operand()) {
    args.push_back(part.value);
  } else if (part.letter == '\0') {
    args.push_back("--" + part.long_name + "=" + part.value);
  } else {
    args.push_back(letter_option(part));
    if (part.has_value) args.push_back(part.value);
  }
}

void append_clustered(const ToolArgument& part, bool joins, std::vector<std::string>& args) {
  if (joins) {
    args.back() += part.letter;
    if (part.has_value) args.push_back(part.value);
  } else {
    append_plain(part, args);
  }
}

void append_long(const ToolArgument& part, OptionForm form, std::vector<std::string>& args) {
  if (part.is_operand() || part.long_name.empty()) return append_plain(part, args);
  std::string name = part.long_name;
  if (form == OptionForm::kAbbreviated && name.size() > 5) name.pop_back();
  if (!part.has_value) {
    args.push_back("--" + name);
  } else if (form == OptionForm::kLong || form == OptionForm::kAbbreviated) {
    args.push_back("--" + name + "=" + part.value);
  } else {
    args.push_back("--" + name);
    args.push_back(part.value);
  }
}

void append_attached(const ToolArgument& part, std::vector<std::string>& args) {
  if (part.letter == '\0' || !part.has_value) return append_plain(part, args);
  args.push_back(letter_option(part) + part.value);
}

std::vector<ToolArgument> operands_first(const std::vector<ToolArgument>& parts) {
  std::vector<ToolArgument> sorted = parts;
  std::stable_partition(sorted.begin(), sorted.end(),
                        [](const ToolArgument& part) { return part.is_operand(); });
  return sorted;
}

}  // namespace

std::string_view Tool::long_name(char letter) const {
  std::string_view rest = long_names;
  while (rest.size() > 2) {
    const size_t blank = std::min(rest.find(' '), rest.size());
    if (rest.front() == letter) return rest.substr(2, blank - 2);
    rest.remove_prefix(std::min(blank + 1, rest.size()));
  }
  return {};
}

const Tool* find_tool(std::string_view name) {
  if (name.starts_with("nc.")) name = "nc";
  const auto found =
      std::find_if(std::begin(kTools), std::end(kTools), [&](const Tool& tool) { return tool.name == name; });
  return found == std::end(kTools) ? nullptr : &*found;
}

std::optional<std::vector<ToolArgument>> parse_tool_arguments(const Tool& tool,
                                                              std::span<const std::string> args) {
  std::vector<ToolArgument> parts;
  bool options = true;
  for (const std::string& arg : args) {
    ToolArgument* const last = parts.empty() ? nullptr : &parts.back();
    const bool wants_value =
        last != nullptr && last->letter != '\0' && has(tool.valued, last->letter) && !last->has_value;
    if (wants_value) {
      last->has_value = true;
      last->value = arg;
    } else if (options && arg == "--") {
      return std::nullopt;  // told so already
    } else if (options && arg.starts_with("--")) {
      if (!parse_long(tool, std::string_view(arg).substr(2), parts)) return std::nullopt;
    } else if (options && arg.size() > 1 && arg.front() == '-') {
      if (!parse_letters(tool, std::string_view(arg).substr(1), parts)) return std::nullopt;
    } else {
      ToolArgument operand;
      operand.value = arg;
      parts.push_back(operand);
      options = options && tool.permutes();
    }
  }
  return parts;
}

std::optional<std::vector<std::string>> in_form(const Tool& tool, const std::vector<ToolArgument>& parts,
                                                OptionForm form) {
  const auto is_operand = [](const ToolArgument& part) { return part.is_operand(); };
  const bool needs_long =
      form == OptionForm::kLong || form == OptionForm::kLongApart || form == OptionForm::kAbbreviated;
  if (form == OptionForm::kAbbreviated && !tool.getopt_long()) return std::nullopt;
  if (needs_long && tool.long_names.empty()) return std::nullopt;
  if (form == OptionForm::kBehind && !tool.permutes()) return std::nullopt;
  std::vector<std::string> args;
  bool open = false;  // letters may join the last argument
  bool ended = false;
  const std::vector<ToolArgument> ordered = form == OptionForm::kBehind ? operands_first(parts) : parts;
  for (auto at = ordered.begin(); at != ordered.end(); ++at) {
    const ToolArgument& part = *at;
    if (form == OptionForm::kEndOfOptions && is_operand(part) && !ended) {
      if (std::find_if_not(at, ordered.end(), is_operand) != ordered.end())
        return std::nullopt;  // an option stands behind an operand
      args.emplace_back("--");
      ended = true;
    }
    if (form == OptionForm::kClustered) {
      append_clustered(part, open && part.letter != '\0', args);
      open = part.letter != '\0' && !part.has_value;
    } else if (needs_long) {
      append_long(part, form, args);
    } else if (form == OptionForm::kAttached) {
      append_attached(part, args);
    } else {
      append_plain(part, args);
    }
  }
  if (form == OptionForm::kEndOfOptions && !ended) return std::nullopt;
  return args;
}

}  // namespace detectd

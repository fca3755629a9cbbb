// The same arguments, written in another way.
#include <algorithm>
#include <utility>

#include "engine/mutators.h"
#include "engine/process.h"
#include "engine/tool_options.h"

namespace detectd {
namespace {

constexpr std::string_view kPaths = "path";
constexpr std::string_view kOptions = "option";
constexpr std::string_view kBytes = "bytes";

Mutation not_applicable(std::string reason) { return {.events = {}, .reason = std::move(reason)}; }

Mutation with_args(const MutationInput& input, std::span<const std::string> args) {
  Mutation mutation;
  Event event = input.event;
  set_args(event, args);
  mutation.events.push_back(std::move(event));
  return mutation;
}

// Absolute paths in an argument: where it begins, behind `=`, `@` or `:`, in a shell's text also behind a blank, a quote
// or a redirection.
bool begins_path(std::string_view text, size_t at, bool is_text) {
  if (text[at] != '/' || text.substr(at, 2) == "//") return false;
  if (at == 0) return !is_text || text.find(' ') != std::string_view::npos;
  const char before = text[at - 1];
  if (before == '=' || before == '@') return true;
  if (before == ':') return text.substr(at, 2) != "//";
  return is_text && std::string_view(" \t\n\"'<>(").find(before) != std::string_view::npos;
}
size_t end_of_path(std::string_view text, size_t at, bool is_text) {
  return std::min(text.find_first_of(is_text ? " \t\n\"';|&<>()`:,$*?" : ":,;*?", at), text.size());
}

using ChangePath = std::string (*)(std::string_view path);

std::string change_paths(std::string_view text, bool is_text, ChangePath change) {
  std::string changed;
  for (size_t at = 0; at < text.size();) {
    if (!begins_path(text, at, is_text)) {
      changed += text[at++];
      continue;
    }
    const size_t end = end_of_path(text, at, is_text);
    changed += change(text.substr(at, end - at));
    at = end;
  }
  return changed;
}

// Files of the kernel's are the same by any path, but a link into /proc or /dev leads to another process's.
Mutation paths(const MutationInput& input, ChangePath change) {
  std::vector<std::string> args = input.run.args;
  for (size_t i = 1; i < args.size(); ++i) args[i] = change_paths(args[i], i == input.text, change);
  if (args == input.run.args) return not_applicable("no argument is an absolute path");
  return with_args(input, args);
}

std::string doubled(std::string_view path) {
  std::string changed(path);
  const size_t slash = changed.rfind('/', changed.size() < 2 ? 0 : changed.size() - 2);
  changed.insert(slash, "/");
  return changed;
}
std::string dotted(std::string_view path) {
  std::string changed(path);
  const size_t slash = changed.rfind('/', changed.size() < 2 ? 0 : changed.size() - 2);
  changed.insert(slash, "/.");
  return changed;
}
std::string around(std::string_view path) {
  const size_t next = path.find('/', 1);
  const std::string first(path.substr(0, next));
  if (next == std::string_view::npos || first.size() < 2) return "/usr/.." + std::string(path);
  return first + "/.." + std::string(path);
}
std::string relative(std::string_view path) { return path.size() < 2 ? "." : std::string(path.substr(1)); }
std::string linked(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || path.substr(slash) == "/" ? "/home/u/l7"
                                                 : "/home/u/l7" + std::string(path.substr(slash));
}

Mutation path_double_slash(const MutationInput& input) { return paths(input, doubled); }
Mutation path_dot(const MutationInput& input) { return paths(input, dotted); }
Mutation path_dot_dot(const MutationInput& input) { return paths(input, around); }
Mutation path_relative(const MutationInput& input) {
  Mutation mutation = paths(input, relative);
  if (!mutation.events.empty()) mutation.events.front().set_text(process_field(Leaf::kWorkingDirectory), "/");
  return mutation;
}
Mutation path_link(const MutationInput& input) { return paths(input, linked); }

Mutation options(const MutationInput& input, OptionForm form) {
  const std::string called = input.run.called();
  const Tool* tool = find_tool(called.empty() ? input.run.name : called);
  if (tool == nullptr) return not_applicable("the program's options are not known");
  const auto parts = parse_tool_arguments(*tool, std::span(input.run.args).subspan(1));
  if (!parts) return not_applicable("one of the options is not known");
  auto args = in_form(*tool, *parts, form);
  if (!args) return not_applicable("the program has no such form of its options");
  args->insert(args->begin(), input.run.args.front());
  if (*args == input.run.args) return not_applicable("the options stand so already");
  return with_args(input, *args);
}

Mutation options_apart(const MutationInput& input) { return options(input, OptionForm::kAsLetters); }
Mutation options_clustered(const MutationInput& input) { return options(input, OptionForm::kClustered); }
Mutation options_long(const MutationInput& input) { return options(input, OptionForm::kLong); }
Mutation options_long_apart(const MutationInput& input) { return options(input, OptionForm::kLongApart); }
Mutation options_short(const MutationInput& input) { return options(input, OptionForm::kAbbreviated); }
Mutation options_attached(const MutationInput& input) { return options(input, OptionForm::kAttached); }
Mutation options_behind(const MutationInput& input) { return options(input, OptionForm::kBehind); }
Mutation options_end(const MutationInput& input) { return options(input, OptionForm::kEndOfOptions); }

// Bytes, roughly; more than is read.
constexpr size_t kPadding = 200'000;

Mutation long_arguments(const MutationInput& input) {
  std::vector<std::string> args = input.run.args;
  if (input.text != MutationInput::kNoText) {
    // One argument of an exec is shorter than 128 KiB.
    args[input.text] = ": " + std::string((size_t{120} << 10), 'x') + "; " + args[input.text];
    args.insert(args.begin() + 1, kPadding / 10, "+x");
  } else {
    const std::string called = input.run.called();
    const Tool* tool = find_tool(called.empty() ? input.run.name : called);
    if (tool == nullptr)
      return not_applicable("no option of the program is known that can be given again and again");
    const auto flag = std::find_if(args.begin() + 1, args.end(), [&](const std::string& arg) {
      return arg.size() == 2 && arg.front() == '-' && tool->flags.find(arg[1]) != std::string_view::npos;
    });
    if (flag == args.end()) return not_applicable("it has no option that can be given again and again");
    args.insert(args.begin() + 1, kPadding / 3, std::string(*flag));
  }
  const bool cut = cut_args(args);
  Mutation mutation = with_args(input, args);
  if (cut) mutation.events.front().set_boolean(field::kArgvTruncated, true);
  return mutation;
}

Mutation invalid_utf8(const MutationInput& input) {
  std::vector<std::string> args = input.run.args;
  if (input.text != MutationInput::kNoText) {
    args[input.text] = ": '\xEF\xBF\xBD'; " + args[input.text];
  } else {
    args.front() = "/home/u/\xEF\xBF\xBD/" + input.run.called();
  }
  Mutation mutation = with_args(input, args);
  mutation.events.front().set_text(field::kArgsBytes, "/w==");
  return mutation;
}

Mutation control_characters(const MutationInput& input) {
  std::vector<std::string> args = input.run.args;
  if (input.text != MutationInput::kNoText) {
    args[input.text] = "\n\t\n" + args[input.text] + "\n";
  } else {
    args.front() = "/home/u/\n\t/" + input.run.called();
  }
  return with_args(input, args);
}

constexpr std::string_view kOnlyPaths = "absolute paths in the arguments; nothing else";
constexpr std::string_view kOnlyOptions = "the arguments; nothing else";
constexpr std::string_view kRegexOptions =
    "ask process.args for one argument, with |re for its forms, not command_line for an order of them";

constexpr Mutator kMutators[] = {
    {"path-double-slash", kPaths, "/etc//shadow", kOnlyPaths, "let /+ stand for / in patterns of paths",
     path_double_slash},
    {"path-dot", kPaths, "/etc/./shadow", kOnlyPaths, "let /(?:\\.?/)* stand for / in patterns of paths",
     path_dot},
    {"path-dot-dot", kPaths, "/etc/../etc/shadow", kOnlyPaths,
     "let patterns of paths begin at their last parts, or at any /", path_dot_dot},
    {"path-relative", kPaths, "cd /; cat etc/shadow",
     "absolute paths in the arguments, and working_directory",
     "do not demand the first / of a path; working_directory is what it goes on from", path_relative},
    {"path-link", kPaths, "ln -s /etc l7; cat l7/shadow", kOnlyPaths,
     "only the last part of a path is seen: ask for that, where it is telling", path_link},
    {"options-apart", kOptions, "-r -f for -rf", kOnlyOptions, kRegexOptions, options_apart},
    {"options-clustered", kOptions, "-rf for -r -f", kOnlyOptions, kRegexOptions, options_clustered},
    {"options-attached", kOptions, "-ofile for -o file", kOnlyOptions, kRegexOptions, options_attached},
    {"options-long", kOptions, "--recursive for -r, --output=x for -o x", kOnlyOptions, kRegexOptions,
     options_long},
    {"options-long-apart", kOptions, "--output x for -o x", kOnlyOptions, kRegexOptions, options_long_apart},
    {"options-abbreviated", kOptions, "--recursiv for --recursive, as getopt_long(3) takes it", kOnlyOptions,
     "let patterns of long options end early: --recurs\\w*", options_short},
    {"options-behind", kOptions, "options behind the operands, where the program takes them there",
     kOnlyOptions, kRegexOptions, options_behind},
    {"options-end", kOptions, "-- before the operands", kOnlyOptions, kRegexOptions, options_end},
    {"long-arguments", kBytes,
     "so many arguments, or so long a text, that not all of it is read, with what matters at the end",
     "args and command_line are the first 128 KiB and the last 16 KiB; detectd.argv_truncated is true",
     "let patterns begin anywhere; what stands between head and tail no rule sees but by "
     "detectd.argv_truncated",
     long_arguments},
    {"invalid-utf8", kBytes,
     "a byte that is no UTF-8, in front of a shell's text, or in the path by which the program is called",
     "the byte is U+FFFD in args and command_line; detectd.args_bytes is set",
     "let patterns begin anywhere, and `.` match all: |re|s", invalid_utf8},
    {"control-characters", kBytes,
     "newlines and tabs around a shell's text, or in the path by which the program is called",
     "args and command_line", "write \\s for a blank, and `.` with |re|s, so that a newline ends nothing",
     control_characters},
};

}  // namespace

std::span<const Mutator> argument_mutators() { return kMutators; }

}  // namespace detectd

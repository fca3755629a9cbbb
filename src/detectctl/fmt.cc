// detectctl fmt: rule files in one layout.
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include "engine/escape.h"
#include "engine/rule_parser.h"
#include "engine/toml_format.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/text_diff.h"
#include "src/log.h"
#include "src/replace_file.h"
#include "src/rule_files.h"
#include "src/text.h"

namespace detectd {
namespace {

struct FmtOptions {
  bool check = false;
  bool diff = false;
};

constexpr std::string_view kGroup = "Options";

constexpr OptionRow kTable[] = {
    {.group = kGroup,
     .name = "check",
     .help = "change nothing; exit 1 if a file is laid out\notherwise",
     .manual = "Change nothing; name the files that are laid out otherwise, and exit with status 1 if there "
               "are any.\n",
     .apply = enable<&FmtOptions::check>},
    {.group = kGroup,
     .name = "diff",
     .help = "change nothing; print what would be changed",
     .manual = "Change nothing; print what would be changed, as\n.Xr diff 1\nwith\n.Fl u\ndoes.\n",
     .apply = enable<&FmtOptions::diff>},
};

Result<SourcePtr> read_standard_input() {
  auto file = std::make_shared<SourceFile>();
  file->path = "<stdin>";
  while (file->text.size() <= kMaxRuleFileBytes) {
    char buffer[65536];
    const ssize_t count = read(STDIN_FILENO, buffer, sizeof buffer);
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      return Error{Errc::kSystem, "read standard input: " + std::generic_category().message(errno)};
    file->text.append(buffer, static_cast<size_t>(count));
  }
  return SourcePtr(std::move(file));
}

// Formatted, or nothing where the file is no TOML: its mistakes have been told.
std::optional<std::string> formatted(const SourcePtr& file) {
  if (file->text.size() <= kMaxRuleFileBytes) {
    std::string text = format_toml(file->text);
    if (is_same_toml(*file, {file->path, text})) return text;
  }
  RuleDocument document;
  Diagnostics diagnostics;
  parse_rules(file, document, diagnostics);
  const bool told = diagnostics.errors() != 0;
  log::show(diagnostics);
  log::error(escape_text(file->path) + " is left as it is: " +
             (told ? "it has mistakes" : "its layout can not be changed without changing what it says"));
  return std::nullopt;
}

class Formatting {
 public:
  Formatting(const FmtOptions& options, Call& call) : options_(options), call_(call) {}

  void add(const SourcePtr& file) {
    const auto text = formatted(file);
    if (!text) return fail_with(ExitStatus::kRules);
    ++files_;
    if (*text == file->text) return;
    ++changed_;
    if (options_.diff) {
      call_.output.write(unified_diff(file->path, file->text, *text));
    } else if (options_.check) {
      call_.output.write(escape_text(file->path) + "\n");
    } else if (Status status = replace_file(file->path, file->text, *text); !status) {
      fail_with(fail(status.error()));
      --changed_;
    } else {
      call_.output.write(escape_text(file->path) + "\n");
    }
  }

  ExitStatus finish() {
    const bool only_looked = options_.check || options_.diff;
    if (!call_.common.quiet) {
      call_.output.write(plural(changed_, "file") + " of " + std::to_string(files_) +
                         (only_looked ? " would be formatted\n" : " formatted\n"));
    }
    if (options_.check && changed_ != 0) fail_with(ExitStatus::kNo);
    return first_of(statuses_);
  }

 private:
  void fail_with(ExitStatus status) { statuses_.push_back(status); }

  const FmtOptions& options_;
  Call& call_;
  size_t files_ = 0;
  size_t changed_ = 0;
  std::vector<ExitStatus> statuses_;
};

ExitStatus format_standard_input(const FmtOptions& options, Call& call) {
  const auto file = read_standard_input();
  if (!file) return fail(file.error());
  const auto text = formatted(*file);
  if (!text) return ExitStatus::kRules;
  const bool changed = *text != (*file)->text;
  if (options.diff) {
    call.output.write(unified_diff((*file)->path, (*file)->text, *text));
  } else if (!options.check) {
    call.output.write(*text);
  }
  return options.check && changed ? ExitStatus::kNo : ExitStatus::kDone;
}

ExitStatus fmt(const FmtOptions& options, Call& call) {
  if (call.arguments.empty())
    return fail_usage(call, "which files? name rule files or directories, or - for standard input");
  if (call.arguments.size() == 1 && call.arguments[0] == "-") return format_standard_input(options, call);
  for (const std::string& path : call.arguments) {
    if (path == "-") return fail_usage(call, "standard input can not be one of several");
  }
  const auto files = read_rule_files(call.arguments);
  if (!files) return fail(files.error());
  Formatting formatting(options, call);
  for (const SourcePtr& file : *files) formatting.add(file);
  return formatting.finish();
}

}  // namespace

constexpr Command kFmtCommand = {
    .name = "fmt",
    .arguments = "PATH...",
    .summary = "lay rule files out in one way",
    .manual =
        "Lay rule files out in one way, as imported rules are written: one blank on each side of\n"
        ".Sq = ,\n"
        "lists on one line if they have room in 120 columns and else one element a line, one blank line "
        "before each "
        "table, no blanks at the end of lines.\n"
        "Comments, the order of keys and tables, and what the rules say stay: a file is written only if "
        "parsing it "
        "gives the same before and after.\n"
        "A file with mistakes of syntax is left as it is.\n"
        "The names of the files that were changed are printed.\n"
        ".Pp\n"
        "A\n"
        ".Ar PATH\n"
        "is a file, a directory, or\n"
        ".Sq - :\n"
        "standard input, formatted to standard output.\n"
        "A file is replaced as a whole and keeps its mode and owner; one that is a symbolic link, or has "
        "several hard "
        "links, is refused.\n",
    .options = kTable,
    .run = run_command<FmtOptions, fmt>,
};

}  // namespace detectd

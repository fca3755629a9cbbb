#include "src/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <utility>

#include "engine/diagnostic.h"
#include "engine/escape.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr size_t kHelpColumn = 27;

Error usage(std::string message) { return {Errc::kUsage, std::move(message)}; }

std::string with_dashes(const OptionRow& row) { return "--" + std::string(row.name); }

// Reads one command line.
class Reader {
 public:
  Reader(const std::vector<OptionTarget>& targets, std::string_view help) : help_(help) {
    for (const OptionTarget& target : targets) {
      for (const OptionRow& row : target.rows) rows_.push_back({&row, target.options});
    }
  }

  Result<std::vector<std::string>> read(const std::vector<std::string>& words);

 private:
  struct Row {
    const OptionRow* row;
    void* options;
  };

  const OptionRow* find_row(std::string_view word) const;
  Error unknown_option(std::string_view word) const;
  Status check_assignment(std::string_view word) const;
  Status check_assignments(const std::vector<std::string>& words) const;
  CLI::Option* declare(CLI::App& app, const OptionRow& row);
  Status apply_in_order(const CLI::App& app, const std::map<const CLI::Option*, Row>& options) const;
  Result<std::vector<std::string>> without_options(std::vector<std::string> remaining) const;

  std::vector<Row> rows_;
  std::string_view help_;
};

const OptionRow* Reader::find_row(std::string_view word) const {
  for (const auto& [row, options] : rows_) {
    if (word.size() == 2 && word[0] == '-' && word[1] == row->letter) return row;
    if (word.substr(0, 2) == "--" && word.substr(2) == row->name) return row;
  }
  return nullptr;
}

Error Reader::unknown_option(std::string_view word) const {
  const std::string_view name = word.substr(0, word.find('='));
  std::vector<std::string> known;
  for (const Row& row : rows_) known.push_back(with_dashes(*row.row));
  const std::string hint = did_you_mean(name, {known.begin(), known.end()});
  return usage("unknown option " + escape_text(name) + "; " +
               (hint.empty() ? "see " + std::string(help_) : hint));
}

// What CLI11 would take in a way that surprises: `--db=` would swallow the next argument, and a flag would
// take any word.
Status Reader::check_assignment(std::string_view word) const {
  const size_t equals = word.find('=');
  if (word.substr(0, 2) != "--" || equals == std::string_view::npos) return {};
  const OptionRow* row = find_row(word.substr(0, equals));
  if (row == nullptr) return unknown_option(word);
  if (row->value.empty()) return usage(with_dashes(*row) + " takes no value");
  if (equals + 1 == word.size()) return usage(with_dashes(*row) + ": is empty");
  return {};
}

Status Reader::check_assignments(const std::vector<std::string>& words) const {
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--") break;
    if (const OptionRow* row = find_row(words[i]); row != nullptr && !row->value.empty()) {
      ++i;  // its value, whatever that looks like
      continue;
    }
    if (Status status = check_assignment(words[i]); !status) return status;
  }
  return {};
}

CLI::Option* Reader::declare(CLI::App& app, const OptionRow& row) {
  std::string names = with_dashes(row);
  if (row.letter != 0) names += std::string(",-") + row.letter;
  if (row.value.empty()) return app.add_flag_function(names, [](int64_t) {});
  return app.add_option(names, [](const CLI::results_t&) { return true; })
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

// Of --db and --no-db the last one counts, so they take effect as they are written.
Status Reader::apply_in_order(const CLI::App& app, const std::map<const CLI::Option*, Row>& options) const {
  std::map<const CLI::Option*, size_t> taken;
  for (const CLI::Option* option : app.parse_order()) {
    const auto found = options.find(option);
    if (found == options.end()) continue;
    const auto& [row, target] = found->second;
    const size_t index = taken[option]++;
    const std::string value = row->value.empty() ? std::string() : option->results().at(index);
    if (Status status = row->apply(target, value); !status) {
      return std::move(status.error()).within(with_dashes(*row));
    }
  }
  return {};
}

// Extras keep their `--`; behind it an argument may begin with a dash.
Result<std::vector<std::string>> Reader::without_options(std::vector<std::string> remaining) const {
  std::vector<std::string> arguments;
  bool only_arguments = false;
  for (std::string& word : remaining) {
    if (!only_arguments && word == "--") {
      only_arguments = true;
    } else if (!only_arguments && word.size() > 1 && word[0] == '-') {
      return unknown_option(word);
    } else {
      arguments.push_back(std::move(word));
    }
  }
  return arguments;
}

Result<std::vector<std::string>> Reader::read(const std::vector<std::string>& words) {
  if (Status status = check_assignments(words); !status) return std::move(status).error();
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::map<const CLI::Option*, Row> options;
  for (const Row& row : rows_) options.emplace(declare(app, *row.row), row);
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ArgumentMismatch&) {
    return usage(escape_text(words.back()) + " needs a value; see " + std::string(help_));
  } catch (const CLI::Error& error) {
    return usage(escape_text(error.what()));
  }
  Result<std::vector<std::string>> arguments = without_options(app.remaining());
  if (!arguments) return arguments;
  if (Status status = apply_in_order(app, options); !status) return std::move(status).error();
  return arguments;
}

}  // namespace

Error not_one_of(std::string_view text, const std::vector<std::string_view>& names) {
  std::string list;
  for (const std::string_view name : names) list += (list.empty() ? "" : ", ") + std::string(name);
  const std::string hint = did_you_mean(text, names);
  return usage(quoted(text) + " is not one of " + list + (hint.empty() ? "" : "; " + hint));
}

Status choose_color(const std::string& text, ColorChoice& color) {
  return choose(
      text, {{"auto", ColorChoice::kAuto}, {"always", ColorChoice::kAlways}, {"never", ColorChoice::kNever}},
      color);
}

Result<std::vector<std::string>> read_command_line(const std::vector<std::string>& words,
                                                   const std::vector<OptionTarget>& targets,
                                                   std::string_view help) {
  return Reader(targets, help).read(words);
}

std::string help_line(std::string head, std::string_view help) {
  head.resize(std::max(head.size() + 1, kHelpColumn), ' ');
  for (const char c : help) {
    head += c;
    if (c == '\n') head.append(kHelpColumn, ' ');
  }
  return head + '\n';
}

std::string help_of_options(std::span<const OptionRow> rows) {
  std::string text;
  std::string_view group;
  for (const OptionRow& row : rows) {
    if (row.group != group) text += "\n" + std::string(row.group) + ":\n";
    group = row.group;
    std::string head = row.letter != 0 ? std::string("  -") + row.letter + ", " : "      ";
    head += with_dashes(row);
    if (!row.value.empty()) head += " " + std::string(row.value);
    text += help_line(std::move(head), row.help);
  }
  return text;
}

std::string manual_of_options(std::span<const OptionRow> rows) {
  std::string text = ".Bl -tag -width Ds\n";
  for (const OptionRow& row : rows) {
    text += ".It ";
    if (row.letter != 0) text += std::string("Fl ") + row.letter + " , ";
    text += "Fl Fl " + std::string(row.name);
    if (!row.value.empty()) text += " Ar " + std::string(row.value);
    text += '\n';
    text += row.manual;
  }
  return text + ".El\n";
}

}  // namespace detectd

#include "src/detectd/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <utility>

#include "engine/diagnostic.h"
#include "engine/escape.h"
#include "src/detectd/option_table.h"

namespace detectd {
namespace {

using OptionValues = std::map<const OptionRow*, std::vector<std::string>>;

Error usage(std::string message) { return {Errc::kUsage, std::move(message)}; }

std::string with_dashes(const OptionRow& row) { return "--" + std::string(row.name); }

void declare(CLI::App& app, const OptionRow& row, OptionValues& values) {
  std::string names = with_dashes(row);
  if (row.letter != 0) names += std::string(",-") + row.letter;
  const auto keep = [&values, &row](const CLI::results_t& results) {
    values[&row] = results;
    return true;
  };
  CLI::Option* option = row.value.empty() ? app.add_flag_function(names, [](int64_t) {})
                                          : app.add_option(names, keep, std::string(row.help));
  if (row.value.empty()) {
    option->each([&values, &row](const std::string& value) { values[&row].push_back(value); });
    return;
  }
  option->expected(1)->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

const OptionRow* find_row(std::string_view argument) {
  for (const OptionRow& row : option_table()) {
    if (argument.size() == 2 && argument[0] == '-' && argument[1] == row.letter) return &row;
    if (argument.substr(0, 2) == "--" && argument.substr(2) == row.name) return &row;
  }
  return nullptr;
}

Error unknown_option(std::string_view argument) {
  const std::string_view name = argument.substr(0, argument.find('='));
  std::vector<std::string> known;
  for (const OptionRow& row : option_table()) known.push_back(with_dashes(row));
  std::string message = "unknown option " + escape_text(name);
  const std::string hint = did_you_mean(name, {known.begin(), known.end()});
  return usage(message + "; " + (hint.empty() ? "see detectd --help" : hint));
}

// What CLI11 would take in a way that surprises: `--db=` would swallow the next argument, and a flag would
// take any word.
Status check_assignment(std::string_view argument) {
  const size_t equals = argument.find('=');
  if (argument.substr(0, 2) != "--" || equals == std::string_view::npos) return {};
  const OptionRow* row = find_row(argument.substr(0, equals));
  if (row == nullptr) return unknown_option(argument);
  if (row->value.empty()) return usage(with_dashes(*row) + " takes no value");
  if (equals + 1 == argument.size()) return usage(with_dashes(*row) + ": is empty");
  return {};
}

Status check_assignments(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--") break;
    if (const OptionRow* row = find_row(argument); row != nullptr && !row->value.empty()) {
      ++i;  // its value, whatever that looks like
      continue;
    }
    if (Status status = check_assignment(argument); !status) return status;
  }
  return {};
}

Result<Options> to_options(const OptionValues& values, const std::vector<std::string>& more) {
  Options options;
  for (const OptionRow& row : option_table()) {
    const auto found = values.find(&row);
    if (found == values.end()) continue;
    for (const std::string& value : found->second) {
      Status status = row.apply(options, value);
      if (!status) return std::move(status.error()).within(with_dashes(row));
    }
  }
  if (!more.empty() && options.captures.empty()) {
    return usage("unexpected argument `" + escape_text(more.front()) + "`; captures follow --replay");
  }
  options.captures.insert(options.captures.end(), more.begin(), more.end());
  return options;
}

// Of --db and --no-db the last one counts, which the order of the table cannot say.
bool database_refused(int argc, const char* const* argv) {
  bool refused = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--no-db") refused = true;
    if (argument == "--db" || argument.substr(0, 5) == "--db=") refused = false;
  }
  return refused;
}

}  // namespace

Result<Options> parse_options(int argc, const char* const* argv) {
  if (Status status = check_assignments(argc, argv); !status) return std::move(status).error();
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  OptionValues values;
  std::vector<std::string> more;
  for (const OptionRow& row : option_table()) declare(app, row, values);
  try {
    app.parse(argc, argv);
    more = app.remaining();
  } catch (const CLI::ArgumentMismatch&) {
    return usage(escape_text(argv[argc - 1]) + " needs a value; see detectd --help");
  } catch (const CLI::Error& error) {
    return usage(escape_text(error.what()));
  }
  // Extras keep their `--`; behind it an argument may begin with a dash.
  std::vector<std::string> files;
  bool only_files = false;
  for (std::string& argument : more) {
    if (!only_files && argument == "--") {
      only_files = true;
    } else if (!only_files && argument.size() > 1 && argument[0] == '-') {
      return unknown_option(argument);
    } else {
      files.push_back(std::move(argument));
    }
  }
  Result<Options> options = to_options(values, files);
  if (options && database_refused(argc, argv)) options->db.reset();
  return options;
}

std::string help_text() {
  std::string text =
      "Usage: detectd --replay FILE... [options]\n"
      "       detectd --check [options]\n"
      "       detectd --print-config [options]\n"
      "\n"
      "Evaluates recorded process events against rules and prints what hits.\n";
  const OptionRow* previous = nullptr;
  for (const OptionRow& row : option_table()) {
    if (previous == nullptr || previous->group != row.group) {
      text += "\n" + std::string(to_string(row.group)) + ":\n";
    }
    previous = &row;
    std::string head = row.letter != 0 ? std::string("  -") + row.letter + ", " : "      ";
    head += with_dashes(row);
    if (!row.value.empty()) head += " " + std::string(row.value);
    constexpr size_t kColumn = 27;
    head.resize(std::max(head.size() + 1, kColumn), ' ');
    text += head;
    for (const char c : row.help) {
      text += c;
      if (c == '\n') text.append(kColumn, ' ');
    }
    text += '\n';
  }
  text +=
      "\nExit status: 0 done, 1 --fail-on, 2 usage, 3 rules or configuration, 4 input,\n"
      "5 system, 6 done but incomplete, 7 stopped by --timeout or --limit.\n"
      "The manual page detectd(8) has examples.\n";
  return text;
}

std::string manual_options() {
  std::string text = ".Bl -tag -width Ds\n";
  for (const OptionRow& row : option_table()) {
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

// A shell's text that says the same in other words.
#include <algorithm>
#include <functional>
#include <utility>

#include "engine/mutators.h"
#include "engine/process.h"

namespace detectd {
namespace {

constexpr std::string_view kGroup = "shell";

Mutation not_applicable(std::string reason) { return {.events = {}, .reason = std::move(reason)}; }
Mutation no_text() { return not_applicable("it is no shell with a text behind -c"); }

Mutation with_args(const MutationInput& input, std::span<const std::string> args) {
  Mutation mutation;
  Event event = input.event;
  set_args(event, args);
  mutation.events.push_back(std::move(event));
  return mutation;
}

Mutation with_text(const MutationInput& input, std::string text) {
  if (text == input.shell_text()) return not_applicable("there is nothing in the text to be changed so");
  std::vector<std::string> args = input.run.args;
  args[input.text] = std::move(text);
  return with_args(input, args);
}

bool is_plain(std::string_view word) {
  return !word.empty() &&
         word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+/-") ==
             std::string_view::npos;
}

// The words that name programs, from the last to the first: `sudo cat` has two.
std::vector<ShellWord> program_words(const MutationInput& input) {
  std::vector<ShellWord> words;
  for (const ShellCommand& command : input.commands) {
    for (const ShellWord& word : command.words) {
      const std::string_view written =
          std::string_view(input.shell_text()).substr(word.begin, word.end - word.begin);
      if (!is_plain(written) || written.size() < 2 || written.front() == '-') break;
      words.push_back(word);
      if (word.value != "sudo" && word.value != "env" && word.value != "nohup") break;
    }
  }
  std::reverse(words.begin(), words.end());
  return words;
}

// Each program's word, changed.
Mutation change_programs(const MutationInput& input,
                         const std::function<std::string(const std::string&)>& change) {
  if (input.text == MutationInput::kNoText) return no_text();
  std::string text = input.shell_text();
  for (const ShellWord& word : program_words(input))
    text.replace(word.begin, word.end - word.begin, change(word.value));
  return with_text(input, std::move(text));
}

// The letter of a name behind which it is cut: of its last part.
size_t cut_at(const std::string& word) {
  const size_t slash = word.rfind('/');
  return slash == std::string::npos ? 1 : std::min(slash + 2, word.size());
}

Mutation quotes(const MutationInput& input) {
  return change_programs(input, [](std::string word) { return word.insert(cut_at(word), "\"\""); });
}
Mutation backslash(const MutationInput& input) {
  return change_programs(input, [](std::string word) {
    const size_t at = cut_at(word);
    return at < word.size() ? word.insert(at, "\\") : word;
  });
}
Mutation unset_variable(const MutationInput& input) {
  return change_programs(input, [](std::string word) { return word.insert(cut_at(word), "${u7}"); });
}
Mutation full_path(const MutationInput& input) {
  return change_programs(input, [](const std::string& word) {
    const bool has_path =
        word.find('/') != std::string::npos || is_shell_builtin(word) || is_shell_keyword(word);
    return has_path ? word : "/usr/bin/" + word;
  });
}
Mutation set_variable(const MutationInput& input) {
  std::string before;
  size_t number = 0;
  Mutation mutation = change_programs(input, [&](const std::string& word) {
    const size_t at = cut_at(word);
    const std::string name = "u" + std::to_string(number++);
    before += name + "=" + word.substr(0, at) + ";";
    return "${" + name + "}" + word.substr(at);
  });
  if (mutation.events.empty()) return mutation;
  std::vector<std::string> args = exec_run_of(mutation.events.front())->args;
  args[input.text].insert(0, before);
  return with_args(input, args);
}

// The blanks between the words of a command.
Mutation change_blanks(const MutationInput& input, std::string_view between) {
  if (input.text == MutationInput::kNoText) return no_text();
  std::string text = input.shell_text();
  for (auto command = input.commands.rbegin(); command != input.commands.rend(); ++command) {
    for (size_t i = command->words.size(); i-- > 1;) {
      const size_t begin = command->words[i - 1].end;
      const size_t length = command->words[i].begin - begin;
      if (text.substr(begin, length).find_first_not_of(" \t") == std::string::npos)
        text.replace(begin, length, between);
    }
  }
  return with_text(input, std::move(text));
}
Mutation blanks(const MutationInput& input) { return change_blanks(input, "   "); }
Mutation tabs(const MutationInput& input) { return change_blanks(input, "\t"); }
Mutation continued(const MutationInput& input) { return change_blanks(input, " \\\n "); }
Mutation field_separator(const MutationInput& input) { return change_blanks(input, "${IFS}"); }

// The blanks around `|`, `;`, `&&` and their like.
Mutation change_operators(const MutationInput& input, std::string_view around) {
  if (input.text == MutationInput::kNoText) return no_text();
  std::string text = input.shell_text();
  for (size_t i = input.commands.size(); i-- > 1;) {
    if (input.commands[i - 1].words.empty() || input.commands[i].words.empty()) continue;
    const size_t begin = input.commands[i - 1].words.back().end;
    const size_t end = input.commands[i].words.front().begin;
    const std::string between = text.substr(begin, end - begin);
    if (between.find_first_not_of(" \t|;&") != std::string::npos) continue;
    std::string op;
    std::copy_if(between.begin(), between.end(), std::back_inserter(op),
                 [](char c) { return c != ' ' && c != '\t'; });
    text.replace(begin, end - begin, std::string(around) + op + std::string(around));
  }
  return with_text(input, std::move(text));
}
Mutation tight(const MutationInput& input) { return change_operators(input, ""); }
Mutation loose(const MutationInput& input) { return change_operators(input, "  "); }

Mutation braces(const MutationInput& input) {
  if (input.text == MutationInput::kNoText) return no_text();
  if (input.run.name != "bash") return not_applicable("only bash and zsh know them");
  std::string text = input.shell_text();
  for (auto command = input.commands.rbegin(); command != input.commands.rend(); ++command) {
    if (!command->clear || !command->only_blanks || command->words.size() < 2) continue;
    const size_t begin = command->words.front().begin, end = command->words.back().end;
    if (text.substr(begin, end - begin).find_first_of("{},") != std::string::npos) continue;
    std::string list;
    for (const ShellWord& word : command->words) {
      list += (list.empty() ? "{" : ",") + text.substr(word.begin, word.end - word.begin);
    }
    text.replace(begin, end - begin, list + "}");
  }
  return with_text(input, std::move(text));
}

std::string base64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string encoded;
  for (size_t i = 0; i < text.size(); i += 3) {
    const auto byte = [&](size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
    const unsigned bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    for (size_t digit = 0; digit < 4; ++digit) {
      encoded += i + digit > text.size() ? '=' : kDigits[bits >> (18 - 6 * digit) & 63U];
    }
  }
  return encoded;
}

// A shell that reads its text from a pipe, behind what decodes it.
Mutation encoded(const MutationInput& input) {
  if (input.text == MutationInput::kNoText) return no_text();
  Mutation mutation =
      with_text(input, "echo " + base64(input.shell_text()) + " | base64 -d | " + input.run.args.front());
  const Event shell = mutation.events.front();
  const auto run = exec_run_of(shell);
  mutation.events.push_back(child_with_run(
      shell, *run, {.executable = "/usr/bin/base64", .name = "base64", .args = {"base64", "-d"}}, 500));
  ExecRun second = *run;
  second.args.resize(1);
  mutation.events.push_back(child_with_run(shell, *run, second, 600));
  return mutation;
}

Mutation from_file(const MutationInput& input) {
  if (input.text == MutationInput::kNoText) return no_text();
  return with_args(input, std::vector<std::string>{input.run.args.front(), "/home/u/u7.sh"});
}
Mutation from_input(const MutationInput& input) {
  if (input.text == MutationInput::kNoText) return no_text();
  return with_args(input, std::vector<std::string>{input.run.args.front()});
}

constexpr std::string_view kTextOnly =
    "the text is as written; the programs that it starts have their arguments without quotes, and execs of "
    "their own";
constexpr std::string_view kChildren =
    "a shell's text can be written in endless ways: look at the execs of the programs that it starts";
constexpr std::string_view kBlankHint = "write \\s+ between words, and \\s* around | ; &";

constexpr Mutator kMutators[] = {
    {"shell-quotes", kGroup, "c\"\"url", kTextOnly, kChildren, quotes},
    {"shell-backslash", kGroup, "c\\url", kTextOnly, kChildren, backslash},
    {"shell-unset-variable", kGroup, "c${u7}url", kTextOnly, kChildren, unset_variable},
    {"shell-variable", kGroup, "u0=c;${u0}url", kTextOnly, kChildren, set_variable},
    {"shell-full-path", kGroup, "/usr/bin/curl",
     "the text is as written, and the first argument of the program's own exec",
     "let names of programs stand behind a /", full_path},
    {"shell-blanks", kGroup, "more blanks between words", kTextOnly, kBlankHint, blanks},
    {"shell-tabs", kGroup, "tabs between words", kTextOnly, kBlankHint, tabs},
    {"shell-continued", kGroup, "a backslash and a newline between words", kTextOnly,
     "let blanks be [\\s\\\\]+", continued},
    {"shell-ifs", kGroup, "curl${IFS}-s", kTextOnly, kChildren, field_separator},
    {"shell-braces", kGroup, "{curl,-s}, in bash", kTextOnly, kChildren, braces},
    {"shell-tight", kGroup, "no blanks around | ; &", kTextOnly, kBlankHint, tight},
    {"shell-loose", kGroup, "more blanks around | ; &", kTextOnly, kBlankHint, loose},
    {"shell-encoded", kGroup, "echo Y3Vy... | base64 -d | sh",
     "the text is another; execs of base64 and of a shell without arguments, then those of the programs",
     kChildren, encoded},
    {"shell-file", kGroup, "writes the text to a file and has the shell run that",
     "the second argument, and the last, is the file; execs of the programs follow", kChildren, from_file},
    {"shell-input", kGroup, "gives the text to the shell on standard input",
     "the shell has no arguments; execs of the programs follow", kChildren, from_input},
};

}  // namespace

std::span<const Mutator> shell_mutators() { return kMutators; }

}  // namespace detectd

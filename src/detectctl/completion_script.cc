#include "src/detectctl/completion_script.h"

#include <algorithm>
#include <vector>

namespace detectd {
namespace {

std::string_view first_word(std::string_view name) { return name.substr(0, name.find(' ')); }
std::string_view second_word(std::string_view name) {
  const size_t blank = name.find(' ');
  return blank == std::string_view::npos ? std::string_view() : name.substr(blank + 1);
}

// Between single quotes, in bash and zsh.
std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c == '\n' ? ' ' : c;
    }
  }
  return out + "'";
}

// The same in fish, which knows backslashes there.
std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + "'";
}

// What _arguments gives a meaning to, taken out of an explanation.
std::string zsh_explained(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

// Without doubles, in their order.
std::vector<std::string_view> first_words(std::span<const Command* const> commands) {
  std::vector<std::string_view> words;
  for (const Command* command : commands) {
    const std::string_view word = first_word(command->name);
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  return words;
}

std::vector<std::string_view> second_words(std::span<const Command* const> commands, std::string_view first) {
  std::vector<std::string_view> words;
  for (const Command* command : commands) {
    if (first_word(command->name) == first && !second_word(command->name).empty()) {
      words.push_back(second_word(command->name));
    }
  }
  return words;
}

std::string joined(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "" : " ") + std::string(word);
  return text;
}

std::string option_words(std::span<const OptionRow> rows, std::span<const OptionRow> common) {
  std::vector<std::string> names;
  for (const auto part : {rows, common}) {
    for (const OptionRow& row : part) names.push_back("--" + std::string(row.name));
  }
  return joined({names.begin(), names.end()});
}

void append_zsh_options(std::span<const OptionRow> rows, std::string_view indent, std::string& out) {
  for (const OptionRow& row : rows) {
    const std::string explained = "[" + zsh_explained(row.help) + "]";
    const std::string value = row.value.empty() ? "" : ":" + std::string(row.value) + ":_files";
    const std::string many = row.repeatable ? "*" : "";
    const std::string long_form = "--" + std::string(row.name) + (row.value.empty() ? "" : "=");
    out += std::string(indent) + single_quoted(many + long_form + explained + value) + " \\\n";
    if (row.letter == 0) continue;
    const std::string short_form = std::string("-") + row.letter;
    out += std::string(indent) + single_quoted(many + short_form + explained + value) + " \\\n";
  }
}

void append_fish_options(std::string_view program, std::string_view condition,
                         std::span<const OptionRow> rows, std::string& out) {
  for (const OptionRow& row : rows) {
    out += "complete -c " + std::string(program);
    if (!condition.empty()) out += " -n " + fish_quoted(condition);
    if (row.letter != 0) out += std::string(" -s ") + row.letter;
    out += " -l " + std::string(row.name) + (row.value.empty() ? "" : " -r") + " -d " +
           fish_quoted(row.help) + "\n";
  }
}

}  // namespace

std::string bash_completion(const CompletionTables& tables) {
  std::string text =
      "# bash completion of detectctl and detectd, made by `detectctl completion bash`.\n_detectctl() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} words= options=\n"
      "  case ${COMP_WORDS[1]-}/${COMP_WORDS[2]-} in\n";
  for (const bool two_words : {true, false}) {
    for (const Command* command : tables.commands) {
      const std::string_view second = second_word(command->name);
      if (second.empty() == two_words) continue;
      text += "    " + std::string(first_word(command->name)) + "/" +
              (two_words ? std::string(second) : "*") + ") options='" +
              option_words(command->options, tables.common) + "' ;;\n";
    }
  }
  text += "  esac\n  if ((COMP_CWORD == 1)); then\n    words='" + joined(first_words(tables.commands)) +
          "'\n  elif ((COMP_CWORD == 2)); then\n    case ${COMP_WORDS[1]} in\n";
  for (const std::string_view word : first_words(tables.commands)) {
    const auto seconds = second_words(tables.commands, word);
    if (!seconds.empty()) text += "      " + std::string(word) + ") words='" + joined(seconds) + "' ;;\n";
  }
  return text +
         "    esac\n  fi\n"
         "  [[ $word != -* ]] || words=$options\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
         "}\n"
         "complete -o bashdefault -o default -F _detectctl detectctl\n"
         "complete -o bashdefault -o default -W '" +
         option_words(tables.detectd, {}) + "' detectd\n";
}

std::string zsh_completion(const CompletionTables& tables) {
  std::string text =
      "#compdef detectctl detectd\n# Made by `detectctl completion zsh`.\n_detectctl() {\n  case "
      "$words[2]/$words[3] in\n";
  for (const bool two_words : {true, false}) {
    for (const Command* command : tables.commands) {
      const std::string_view second = second_word(command->name);
      if (second.empty() == two_words) continue;
      text += "    " + std::string(first_word(command->name)) + "/" +
              (two_words ? std::string(second) : "*") + ")\n";
      // What is being typed is the second word still.
      if (!two_words && !second_words(tables.commands, command->name).empty()) {
        text += "      ((CURRENT > 3)) || compadd -- " +
                joined(second_words(tables.commands, command->name)) + "\n";
      }
      text += "      _arguments \\\n";
      append_zsh_options(command->options, "        ", text);
      append_zsh_options(tables.common, "        ", text);
      text += "        '*:file:_files'\n      return ;;\n";
    }
  }
  text += "  esac\n  if ((CURRENT == 2)); then\n    compadd -- " + joined(first_words(tables.commands)) +
          "\n    return\n  fi\n  case $words[2] in\n";
  for (const std::string_view word : first_words(tables.commands)) {
    const auto seconds = second_words(tables.commands, word);
    if (!seconds.empty()) text += "    " + std::string(word) + ") compadd -- " + joined(seconds) + " ;;\n";
  }
  text += "  esac\n}\n_detectd() {\n  _arguments \\\n";
  append_zsh_options(tables.detectd, "    ", text);
  return text +
         "    '*:file:_files'\n}\nif [[ $service == detectd ]]; then _detectd \"$@\"; else _detectctl "
         "\"$@\"; fi\n";
}

std::string fish_completion(const CompletionTables& tables) {
  std::string text = "# fish completion of detectctl and detectd, made by `detectctl completion fish`.\n";
  for (const std::string_view word : first_words(tables.commands)) {
    const auto named = std::find_if(tables.commands.begin(), tables.commands.end(),
                                    [word](const Command* command) { return command->name == word; });
    const std::string_view summary = named == tables.commands.end() ? std::string_view() : (*named)->summary;
    text += "complete -c detectctl -f -n __fish_use_subcommand -a " + std::string(word);
    text += summary.empty() ? "\n" : " -d " + fish_quoted(summary) + "\n";
  }
  for (const Command* command : tables.commands) {
    const std::string first(first_word(command->name)), second(second_word(command->name));
    std::string condition = "__fish_seen_subcommand_from " + first;
    if (!second.empty()) {
      text += "complete -c detectctl -n " + fish_quoted(condition) + " -a " + second + " -d " +
              fish_quoted(command->summary) + "\n";
      condition += "; and __fish_seen_subcommand_from " + second;
    }
    append_fish_options("detectctl", condition, command->options, text);
  }
  append_fish_options("detectctl", "", tables.common, text);
  append_fish_options("detectd", "", tables.detectd, text);
  return text;
}

}  // namespace detectd

#include "engine/shell_text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace detectd {
namespace {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
constexpr bool ends_word(char c) {
  return is_blank(c) || c == '\n' || c == ';' || c == '&' || c == '|' || c == '<' || c == '>' || c == '(' ||
         c == ')';
}
constexpr std::string_view kUnclear = "$`*?[{~";

bool is_assignment(std::string_view word) {
  const size_t equals = word.find('=');
  if (equals == 0 || equals == std::string_view::npos) return false;
  return word.substr(0, equals).find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string_view::npos;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::vector<ShellCommand> read() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (is_blank(c)) {
        ++at_;
      } else if (c == '\\' && text_.substr(at_ + 1, 1) == "\n") {
        at_ += 2;
        command_.only_blanks = command_.words.empty();
      } else if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == '<' || c == '>') {
        skip_redirection();
      } else if (ends_word(c)) {
        end_command(c);
      } else {
        add(read_word());
      }
    }
    end_command('\n');
    return std::move(commands_);
  }

 private:
  void end_command(char c) {
    const bool pipe = c == '|' && text_.substr(at_, 2) != "||";
    if (c == '(') nested_ = true;  // a subshell runs as any other; a function's body may never
    command_.piped |= pipe;
    if (!command_.words.empty()) commands_.push_back(std::move(command_));
    command_ = {};
    command_.piped = pipe;
    command_.clear = !nested_;
    ++at_;
  }

  void skip_redirection() {
    command_.only_blanks = false;
    while (at_ < text_.size() && (text_[at_] == '<' || text_[at_] == '>' || text_[at_] == '&')) ++at_;
    if (at_ < text_.size() && text_[at_] == '(') command_.clear = false;  // a process's output as a file
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    if (at_ < text_.size() && !ends_word(text_[at_])) read_word();
  }

  void add(ShellWord word) {
    const bool first = command_.words.empty();
    const bool number = word.value.find_first_not_of("0123456789") == std::string::npos &&
                        at_ < text_.size() && (text_[at_] == '>' || text_[at_] == '<');
    if (number || (first && is_assignment(word.value))) return;
    if (first && is_shell_keyword(word.value)) {
      // What follows runs only if, or again and again.
      nested_ = true;
      command_.clear = false;
      if (word.value == "for" || word.value == "case" || word.value == "function") skip_to_end();
      return;
    }
    command_.clear = command_.clear && word.clear;
    command_.words.push_back(std::move(word));
  }

  void skip_to_end() {
    while (at_ < text_.size() && text_[at_] != ';' && text_[at_] != '\n') ++at_;
  }

  ShellWord read_word() {
    ShellWord word{.begin = at_, .end = at_, .value = {}};
    while (at_ < text_.size() && !ends_word(text_[at_])) {
      const char c = text_[at_++];
      if (c == '\'') {
        quoted(word, '\'');
      } else if (c == '"') {
        quoted(word, '"');
      } else if (c == '\\') {
        if (at_ < text_.size()) word.value += text_[at_++];
      } else {
        if (kUnclear.find(c) != std::string_view::npos) unclear(word, c);
        word.value += c;
      }
    }
    word.end = at_;
    return word;
  }

  void unclear(ShellWord& word, char c) {
    word.clear = false;
    if (c == '$' && at_ < text_.size() && text_[at_] == '(') skip_parentheses();
    if (c == '`') at_ = std::min(text_.find('`', at_), text_.size() - 1) + 1;
  }

  void skip_parentheses() {
    size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '(') ++depth;
      if (c == ')' && --depth == 0) return;
    }
  }

  void quoted(ShellWord& word, char quote) {
    while (at_ < text_.size() && text_[at_] != quote) {
      char c = text_[at_++];
      if (quote == '"' && (c == '$' || c == '`')) word.clear = false;
      if (quote == '"' && c == '\\' && at_ < text_.size() &&
          std::string_view("\"\\$`").find(text_[at_]) != std::string_view::npos) {
        c = text_[at_++];
      }
      word.value += c;
    }
    if (at_ < text_.size()) {
      ++at_;
    } else {
      word.clear = false;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  bool nested_ = false;
  ShellCommand command_;
  std::vector<ShellCommand> commands_;
};

template <size_t N>
bool listed(const std::array<std::string_view, N>& sorted, std::string_view name) {
  return std::binary_search(sorted.begin(), sorted.end(), name);
}

}  // namespace

std::vector<ShellCommand> shell_commands(std::string_view text) {
  if (text.size() > kMaxShellText) return {};
  return Reader(text).read();
}

bool is_shell_builtin(std::string_view name) {
  constexpr std::array<std::string_view, 44> kBuiltins = {
      ".",        ":",       "[",       "alias",  "bg",    "break",   "cd",     "command", "continue",
      "declare",  "echo",    "eval",    "exec",   "exit",  "export",  "false",  "fg",      "getopts",
      "hash",     "history", "jobs",    "kill",   "let",   "local",   "printf", "pwd",     "read",
      "readonly", "return",  "set",     "shift",  "shopt", "source",  "test",   "times",   "trap",
      "true",     "type",    "typeset", "ulimit", "umask", "unalias", "unset",  "wait"};
  static_assert(std::is_sorted(kBuiltins.begin(), kBuiltins.end()));
  return listed(kBuiltins, name);
}

bool is_shell_keyword(std::string_view name) {
  constexpr std::array<std::string_view, 17> kKeywords = {
      "!",        "case", "do",   "done", "elif",  "else",  "esac", "fi", "for",
      "function", "if",   "then", "time", "until", "while", "{",    "}"};
  static_assert(std::is_sorted(kKeywords.begin(), kKeywords.end()));
  return listed(kKeywords, name);
}

std::string shell_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace detectd

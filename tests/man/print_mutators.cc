// Prints the MUTATORS section of detectd-mutators(7), for tests/man/options.sh.
#include <cstdio>
#include <string>

#include "engine/mutators.h"

namespace {

// A line of text in mdoc: no backslash and no dot or quote at its begin is a request.
std::string mdoc_text(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-' || c == '`' || c == '~' || c == '^' || c == '\'') {
      result += c == '-' ? "\\-" : c == '`' ? "\\(ga" : c == '~' ? "\\(ti" : c == '^' ? "\\(ha" : "\\(aq";
    } else {
      result += c;
    }
  }
  if (result.starts_with('.')) result.insert(0, "\\&");
  return result;
}

}  // namespace

int main() {
  std::string text, group;
  for (const detectd::Mutator& mutator : detectd::mutators()) {
    if (mutator.group != group) {
      if (!group.empty()) text += ".El\n";
      group = mutator.group;
      text += ".Ss " + group + "\n.Bl -tag -width Ds\n";
    }
    text += ".It Cm " + std::string(mutator.name) + "\n";
    text += mdoc_text(mutator.attack) + "\n.br\nThe event: " + mdoc_text(mutator.change) +
            ".\n.br\nA rule: " + mdoc_text(mutator.hint) + ".\n";
  }
  text += ".El\n";
  return std::fputs(text.c_str(), stdout) < 0 ? 1 : 0;
}

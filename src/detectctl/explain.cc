// detectctl explain: the long text of a diagnostic.
#include <algorithm>
#include <cctype>
#include <vector>

#include "engine/diagnostic.h"
#include "engine/explanation.h"
#include "src/detectctl/commands.h"
#include "src/text.h"

namespace detectd {
namespace {

struct ExplainOptions {};

std::string indented(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && c != '\n') out += "    ";
    out += c;
    line_begins = c == '\n';
  }
  return out;
}

std::string page_of(const Explanation& explanation) {
  const CodeInfo* info = find_diagnostic_code(explanation.code);
  return std::string(explanation.code) + ": " + std::string(info == nullptr ? "" : info->meaning) + "\n\n" +
         std::string(explanation.text) + "\nNot so:\n\n" + indented(explanation.bad) + "\nBut so:\n\n" +
         indented(explanation.good);
}

std::string list_of_codes() {
  std::string text;
  for (const Explanation& explanation : explanations()) {
    const CodeInfo* info = find_diagnostic_code(explanation.code);
    text += std::string(explanation.code) + "  " + std::string(info == nullptr ? "" : info->meaning) + "\n";
  }
  return text;
}

Error unknown_code(std::string_view code) {
  std::vector<std::string_view> known;
  for (const Explanation& explanation : explanations()) known.push_back(explanation.code);
  const std::string hint = did_you_mean(code, known);
  return {Errc::kUsage, "there is no code " + quoted(code) + "; " +
                            (hint.empty() ? "detectctl explain lists them all" : hint)};
}

ExitStatus explain(const ExplainOptions&, Call& call) {
  if (call.arguments.empty()) call.output.write(list_of_codes());
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    std::string code = call.arguments[i];
    std::transform(code.begin(), code.end(), code.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    const Explanation* explanation = find_explanation(code);
    if (explanation == nullptr) return fail(unknown_code(code));
    call.output.write((i == 0 ? "" : "\n") + page_of(*explanation));
  }
  return ExitStatus::kDone;
}

}  // namespace

constexpr Command kExplainCommand = {
    .name = "explain",
    .arguments = "[CODE...]",
    .summary = "what the code of a mistake means, with examples",
    .manual =
        "Print what the code of a mistake means, why it is told, an example that gets it, and one that does "
        "not.\n"
        "Without a\n"
        ".Ar CODE\n"
        "all codes are listed.\n",
    .run = run_command<ExplainOptions, explain>,
};

}  // namespace detectd

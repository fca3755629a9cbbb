#include "engine/explanation.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "engine/diagnostic.h"
#include "engine/rule_lint.h"
#include "engine/rule_parser.h"
#include "engine/rule_set.h"

namespace detectd {
namespace {

#define CODE(code, meaning) #code,
constexpr std::string_view kCodes[] = {
#include "engine/diagnostic_codes.def"
};

bool has_key(std::string_view example, std::string_view key) {
  const std::string line = std::string(key) + " = ";
  return example.starts_with(line) || example.find("\n" + line) != std::string_view::npos;
}

// A whole rule file round what the example shows.
std::string file_of(Explanation::Form form, std::string_view example) {
  if (form == Explanation::Form::kFile) return std::string(example);
  const bool keys = form == Explanation::Form::kKeys;
  std::string text = "[[rule]]\nid = \"3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11\"\ntitle = \"A rule\"\n";
  if (!keys || !has_key(example, "level")) text += "level = \"low\"\n";
  if (!keys || !has_key(example, "on")) text += "on = \"exec\"\n";
  if (keys) text += example;
  text += "\n[rule.detection]\n";
  text += keys ? "selection.\"process.name\" = \"dash\"\n" : example;
  if (keys || !has_key(example, "condition")) text += "condition = \"selection\"\n";
  return text;
}

struct Told {
  std::set<std::string> codes;
  size_t errors = 0;
  std::string text;
};

Told told_of(Explanation::Form form, std::string_view example) {
  auto file = std::make_shared<SourceFile>();
  file->path = "example.toml";
  file->text = file_of(form, example);
  RuleDocument document;
  Diagnostics diagnostics;
  parse_rules(file, document, diagnostics);
  check_document(document, diagnostics);
  const auto rules = RuleSet::compile(document, diagnostics);
  lint_rules(document, *rules, diagnostics);
  Told told;
  told.errors = diagnostics.errors();
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    told.codes.insert(diagnostic.code);
    told.text += render(diagnostic);
  }
  return told;
}

bool is_of_rules(std::string_view code) { return code < "D200"; }

}  // namespace

TEST_CASE("every code has an explanation, and every explanation a code", "[explanation]") {
  std::set<std::string_view> codes(std::begin(kCodes), std::end(kCodes));
  std::set<std::string_view> explained;
  for (const Explanation& explanation : explanations()) {
    CAPTURE(explanation.code);
    CHECK(codes.contains(explanation.code));
    CHECK(explained.insert(explanation.code).second);
  }
  for (const std::string_view code : codes) {
    CAPTURE(code);
    CHECK(explained.contains(code));
  }
}

TEST_CASE("explanations are sorted by code, fit a terminal and end with a newline", "[explanation]") {
  const auto by_code = [](const Explanation& a, const Explanation& b) { return a.code < b.code; };
  CHECK(std::is_sorted(explanations().begin(), explanations().end(), by_code));
  for (const Explanation& explanation : explanations()) {
    CAPTURE(explanation.code);
    for (const std::string_view part : {explanation.text, explanation.bad, explanation.good}) {
      CHECK(part.ends_with('\n'));
      CHECK_FALSE(part.starts_with('\n'));
    }
    for (size_t at = 0; at < explanation.text.size();) {
      const size_t end = explanation.text.find('\n', at);
      CHECK(end - at <= 80);
      at = end + 1;
    }
  }
}

TEST_CASE("the bad example of a mistake in rules gets its code, and the good one nothing of the kind",
          "[explanation]") {
  size_t tried = 0;
  for (const Explanation& explanation : explanations()) {
    if (!is_of_rules(explanation.code) || explanation.form == Explanation::Form::kShown) continue;
    ++tried;
    const Told bad = told_of(explanation.form, explanation.bad);
    const Told good = told_of(explanation.form, explanation.good);
    INFO(explanation.code << "\nbad:\n" << bad.text << "\ngood:\n" << good.text);
    CHECK(bad.codes.contains(std::string(explanation.code)));
    CHECK_FALSE(good.codes.contains(std::string(explanation.code)));
    CHECK(good.errors == 0);
  }
  CHECK(tried >= 45);
}

}  // namespace detectd

// tests/rules/errors/X.toml (with X.2.toml where a mistake needs two files) beside X.txt, all that is said
// about it. The number at the front is the row of "Bad input". In tests/rules/warnings/ the linter is asked, too;
// the number there is the code. DETECTD_ACCEPT=1 rewrites the .txt files.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "engine/rule_lint.h"
#include "engine/rule_parser.h"
#include "engine/rule_set.h"
#include "tests/support/source_dir.h"

namespace detectd {
namespace {

namespace fs = std::filesystem;

const fs::path kErrors = fs::path(test::source_dir()) / "tests/rules/errors";
const fs::path kWarnings = fs::path(test::source_dir()) / "tests/rules/warnings";

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void parse_file(const fs::path& path, RuleDocument& document, Diagnostics& diagnostics) {
  const SourceFile file{path.filename().string(), read(path)};
  parse_rules(std::make_shared<const SourceFile>(file), document, diagnostics);
}

std::string complaints(const fs::path& path) {
  RuleDocument document;
  Diagnostics diagnostics;
  parse_file(path, document, diagnostics);
  const fs::path second = fs::path(path).replace_extension(".2.toml");
  if (fs::exists(second)) parse_file(second, document, diagnostics);
  check_document(document, diagnostics);
  const auto rules = RuleSet::compile(document, diagnostics);
  if (path.parent_path() == kWarnings) lint_rules(document, *rules, diagnostics);
  diagnostics.sort();
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics.all()) text += render(diagnostic) + "\n";
  return text;
}

std::set<fs::path> cases(const fs::path& folder) {
  std::set<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const bool first = entry.path().extension() == ".toml" && entry.path().stem().extension() != ".2";
    if (first) paths.insert(entry.path());
  }
  return paths;
}

void check_cases(const fs::path& folder) {
  const bool accept = std::getenv("DETECTD_ACCEPT") != nullptr;
  for (const fs::path& path : cases(folder)) {
    const std::string told = complaints(path);
    const fs::path golden = fs::path(path).replace_extension(".txt");
    if (accept) std::ofstream(golden, std::ios::binary) << told;
    INFO(path.filename().string());
    CHECK(told == read(golden));
    CHECK_FALSE(told.empty());
  }
}

}  // namespace

TEST_CASE("TRUST bad input 1 to 31: every mistake in a rule file is told as its golden file says",
          "[rules]") {
  check_cases(kErrors);
}

TEST_CASE("what the linter says of a rule is what its golden file says, and of its own code",
          "[rules][lint]") {
  check_cases(kWarnings);
  for (const fs::path& path : cases(kWarnings)) {
    const std::string told = read(fs::path(path).replace_extension(".txt"));
    INFO(path.filename().string());
    CHECK(told.starts_with("warning[D" + path.filename().string().substr(1, 3)));
    CHECK(told.find("error[") == std::string::npos);
  }
}

TEST_CASE("each code of the linter has a golden file", "[rules][lint]") {
  std::set<std::string> codes;
  for (const fs::path& path : cases(kWarnings)) codes.insert(path.filename().string().substr(0, 4));
  for (int code = 130; code <= 139; ++code) CHECK(codes.contains("d" + std::to_string(code)));
}

TEST_CASE("each row of bad rule files has a golden file", "[rules]") {
  std::set<std::string> rows;
  for (const fs::path& path : cases(kErrors)) rows.insert(path.filename().string().substr(0, 2));
  for (int row = 1; row <= 31; ++row) {
    CHECK(rows.contains((row < 10 ? "0" : "") + std::to_string(row)));
  }
}

TEST_CASE("every code that a golden file shows is in the table of codes", "[rules]") {
  for (const fs::path& path : cases(kErrors)) {
    const std::string told = read(fs::path(path).replace_extension(".txt"));
    for (size_t at = told.find("[D"); at != std::string::npos; at = told.find("[D", at + 1)) {
      INFO(told.substr(at + 1, 4));
      CHECK(find_diagnostic_code(told.substr(at + 1, 4)) != nullptr);
    }
  }
}

}  // namespace detectd

#include "tests/support/shipped_rules.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/rule_parser.h"
#include "tests/support/source_dir.h"

namespace detectd::test {
namespace {

namespace fs = std::filesystem;

SourcePtr read_source(const fs::path& path, const fs::path& root) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return std::make_shared<const SourceFile>(
      SourceFile{path.lexically_relative(root).string(), std::move(text)});
}

}  // namespace

std::vector<const Rule*> ShippedRules::all() const {
  std::vector<const Rule*> all;
  for (const CompiledRule& compiled : rules->rules()) all.push_back(compiled.rule.get());
  for (const CompiledCorrelation& compiled : rules->correlations()) all.push_back(compiled.rule.get());
  return all;
}

ShippedRules load_shipped_rules() {
  const fs::path root = test::source_dir();
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / "rules")) {
    if (entry.path().extension() == ".toml") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());

  ShippedRules shipped;
  RuleDocument document;
  for (const fs::path& path : paths) parse_rules(read_source(path, root), document, shipped.diagnostics);
  check_document(document, shipped.diagnostics);
  shipped.rules = RuleSet::compile(document, shipped.diagnostics);
  return shipped;
}

}  // namespace detectd::test

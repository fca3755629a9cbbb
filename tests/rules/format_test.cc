// Shipped and imported rules, formatted.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "engine/rule_digest.h"
#include "engine/rule_parser.h"
#include "engine/toml_format.h"
#include "src/detectctl/sigma/sigma_import.h"
#include "src/rule_files.h"
#include "tests/support/rule_dump.h"
#include "tests/support/source_dir.h"
#include "tests/support/tar_gz.h"

using namespace detectd;
using namespace detectd::test;

namespace {

// Everything that a file's rules say, and the digests of what they mean.
std::string meaning(const std::string& text) {
  RuleDocument document;
  Diagnostics diagnostics;
  parse_rules(std::make_shared<const SourceFile>(SourceFile{"rules.toml", text}), document, diagnostics);
  std::string dump;
  for (const Rule& rule : document.rules) {
    dump += dump_rule(rule);
    if (!rule.correlation) dump += hex(definition_digest(rule, document));
  }
  return dump;
}

// How it is formatted; that this changes nothing but the layout is checked.
std::string checked_format(const SourceFile& file) {
  const std::string text = format_toml(file.text);
  CAPTURE(file.path);
  CHECK((format_toml(text) == text));
  CHECK(is_same_toml(file, {file.path, text}));
  CHECK((meaning(text) == meaning(file.text)));
  return text;
}

}  // namespace

TEST_CASE("formatting the shipped rules changes nothing of what they say, and is done once",
          "[toml_format]") {
  const auto files = read_rule_files({source_dir() + "/rules"});
  REQUIRE(files);
  CHECK(files->size() > 50);
  for (const SourcePtr& file : *files) checked_format(*file);
}

TEST_CASE("imported rules are formatted as they are written", "[toml_format][sigma]") {
  std::vector<SigmaFile> files;
  for (ArchivedFile& file : read_tar_gz(source_dir() + "/../shared/sigma/sigmahq-rules.tar.gz")) {
    if (!file.name.ends_with(".yml")) continue;
    auto source = std::make_shared<const SourceFile>(SourceFile{file.name, std::move(file.text)});
    files.push_back({.source = std::move(source), .name = file.name});
  }
  if (files.empty()) {
    WARN("skipped: ../shared/sigma/sigmahq-rules.tar.gz is not there");
    return;
  }
  const SigmaImport import = import_sigma(files, {});
  CHECK(import.files.size() == 3755);
  for (const ImportedFile& file : import.files) {
    CAPTURE(file.name);
    CHECK((checked_format({file.name, file.text}) == file.text));
  }
}

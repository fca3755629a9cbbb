// The public Sigma rules, all 3,780 of them: what becomes of each. They are not part of the repository.
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

#include "engine/rule_parser.h"
#include "engine/rule_table.h"
#include "engine/rule_writer.h"
#include "src/detectctl/sigma/sigma_document.h"
#include "src/detectctl/sigma/sigma_import.h"
#include "tests/support/rule_dump.h"
#include "tests/support/source_dir.h"
#include "tests/support/tar_gz.h"

using namespace detectd;
using namespace detectd::test;

namespace {

std::vector<SigmaFile> read_sigma_rules() {
  std::vector<SigmaFile> files;
  for (ArchivedFile& file : read_tar_gz(test::source_dir() + "/../shared/sigma/sigmahq-rules.tar.gz")) {
    if (!file.name.ends_with(".yml")) continue;
    auto source = std::make_shared<const SourceFile>(SourceFile{file.name, std::move(file.text)});
    files.push_back({.source = std::move(source), .name = file.name});
  }
  return files;
}

// The rule of a Sigma file, without the way over TOML's text.
std::string dump_of_yaml(const SigmaFile& file) {
  const YamlFile yaml = parse_yaml(file.source);
  if (yaml.documents.size() != 1) return {};
  Diagnostics diagnostics;
  Reporter reporter(file.source, diagnostics);
  const auto table = convert_sigma_document(reporter, yaml.documents.front(), {});
  const auto rule = table ? parse_rule_table(reporter, table->table) : std::nullopt;
  return rule ? dump_rule(*rule) : std::string();
}

}  // namespace

TEST_CASE("the public Sigma rules convert, and what is written is what was read", "[sigma]") {
  const std::vector<SigmaFile> files = read_sigma_rules();
  if (files.empty()) {
    WARN("skipped: ../shared/sigma/sigmahq-rules.tar.gz is not there");
    return;
  }
  REQUIRE(files.size() == 3780);
  const SigmaImport import = import_sigma(files, {});
  CHECK(import.rules == 3755);
  CHECK(import.refused == 25);
  for (const Diagnostic& diagnostic : import.diagnostics.all()) CHECK(diagnostic.code == "D038");

  std::map<std::string, const SigmaFile*> by_name;
  for (const SigmaFile& file : files) by_name[file.name.substr(0, file.name.size() - 4)] = &file;
  size_t equal = 0;
  for (const ImportedFile& written : import.files) {
    RuleDocument document;
    Diagnostics diagnostics;
    parse_rules(std::make_shared<const SourceFile>(SourceFile{written.name, written.text}), document,
                diagnostics);
    CAPTURE(written.name);
    REQUIRE(document.rules.size() == 1);
    const Rule& rule = document.rules.front();
    CHECK(written.text.ends_with(write_rule(rule)));
    const std::string wanted = dump_of_yaml(*by_name.at(written.name.substr(0, written.name.size() - 5)));
    CHECK(dump_rule(rule) == wanted);
    equal += dump_rule(rule) == wanted ? 1 : 0;
  }
  CHECK(equal == 3755);
}

TEST_CASE("the same Sigma rules give the same text, in any order of files", "[sigma]") {
  std::vector<SigmaFile> files = read_sigma_rules();
  if (files.empty()) {
    WARN("skipped: ../shared/sigma/sigmahq-rules.tar.gz is not there");
    return;
  }
  files.resize(500);
  const SigmaImport import = import_sigma(files, {});
  std::reverse(files.begin(), files.end());
  SigmaImport again = import_sigma(files, {});
  std::reverse(again.files.begin(), again.files.end());
  REQUIRE(again.files.size() == import.files.size());
  for (size_t i = 0; i < import.files.size(); ++i) CHECK(again.files[i].text == import.files[i].text);
}

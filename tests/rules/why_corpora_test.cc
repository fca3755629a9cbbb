// Why, asked of the public Sigma rules about labelled events: the answer that two other evaluators give.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <string>
#include <utility>

#include "bench/random.h"
#include "engine/rule_parser.h"
#include "engine/why.h"
#include "src/detectctl/hit_stream.h"
#include "src/detectctl/sigma/sigma_import.h"
#include "tests/support/source_dir.h"
#include "tests/support/tar_gz.h"

using namespace detectd;
using namespace detectd::test;

namespace {

const std::string& sigma_dir() {
  static const std::string dir = source_dir() + "/../shared/sigma/";
  return dir;
}

// Rules about started processes of Linux, as imported.
RuleDocument linux_rules() {
  std::vector<SigmaFile> files;
  for (ArchivedFile& file : read_tar_gz(sigma_dir() + "sigmahq-rules.tar.gz")) {
    if (!file.name.ends_with(".yml") || file.name.find("proc_creation_lnx") == std::string::npos) continue;
    auto source = std::make_shared<const SourceFile>(SourceFile{file.name, std::move(file.text)});
    files.push_back({.source = std::move(source), .name = file.name});
  }
  RuleDocument document;
  Diagnostics diagnostics;
  for (const ImportedFile& file : import_sigma(files, {}).files)
    parse_rules(std::make_shared<const SourceFile>(SourceFile{file.name, file.text}), document, diagnostics);
  check_document(document, diagnostics);
  return document;
}

// Rule id and number of the event, from 0.
std::set<std::pair<std::string, uint64_t>> expected_matches() {
  std::set<std::pair<std::string, uint64_t>> matches;
  std::ifstream file(sigma_dir() + "expected-linux-open.tsv");
  std::string id;
  uint64_t event = 0;
  while (file >> id >> event) matches.emplace(id, event);
  return matches;
}

}  // namespace

TEST_CASE("why says of the public rules what two other evaluators say", "[why][sigma]") {
  const auto matches = expected_matches();
  const RuleDocument document = linux_rules();
  if (matches.empty() || document.rules.empty()) {
    WARN("skipped: ../shared/sigma is not there");
    return;
  }
  Diagnostics diagnostics;
  const auto rules = RuleSet::compile(document, diagnostics);
  Inquiry inquiry(document, *rules);
  auto stream = HitStream::open({.paths = {sigma_dir() + "corpus-open.jsonl.gz"}}, rules, {});
  REQUIRE(stream);
  bench::Random random(9);
  size_t held = 0, not_held = 0;
  for (;;) {
    const auto more = (*stream)->next();
    REQUIRE(more);
    if (!*more) break;
    const Event& event = (*stream)->event();
    const auto ask = [&](uint32_t rule) {
      const RuleWhy why = inquiry.ask(rule, event);
      const bool wanted = matches.contains({why.rule->id, event.origin.line - 1});
      CAPTURE(why.rule->title, event.origin.line);
      REQUIRE(why.holds == wanted);
      CHECK((why.detections.front().holds && why.kind_fits && why.product_fits) == wanted);
      CHECK((why.to_change == 0) == why.detections.front().holds);
      ++(wanted ? held : not_held);
    };
    for (const uint32_t rule : (*stream)->held()) ask(rule);
    // A pair by chance at every eighth event.
    if (event.origin.line % 8 == 0) ask(static_cast<uint32_t>(random.below(rules->rules().size())));
  }
  CHECK(held >= 500);
  CHECK(not_held > 1000);
}

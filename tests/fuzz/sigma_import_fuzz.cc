// A Sigma file. Complaints point into the text and show no control character; what is written loads, and is
// what a second writing gives.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/rule_parser.h"
#include "engine/rule_writer.h"
#include "src/detectctl/sigma/sigma_import.h"
#include "tests/fuzz/property.h"

using namespace detectd;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto source = std::make_shared<const SourceFile>(
      SourceFile{"fuzz.yml", std::string(reinterpret_cast<const char*>(data), size)});
  const SigmaImport import = import_sigma({{.source = source, .name = "fuzz.yml"}}, {});
  for (const Diagnostic& diagnostic : import.diagnostics.all()) {
    REQUIRE_PROPERTY(find_diagnostic_code(diagnostic.code) != nullptr);
    for (const char c : render(diagnostic)) {
      REQUIRE_PROPERTY(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
    }
  }
  for (const ImportedFile& file : import.files) {
    const auto written = std::make_shared<const SourceFile>(SourceFile{file.name, file.text});
    RuleDocument document;
    Diagnostics diagnostics;
    parse_rules(written, document, diagnostics);
    REQUIRE_PROPERTY(diagnostics.errors() == 0);
    REQUIRE_PROPERTY(document.rules.size() == import.rules + import.correlations);
    std::string again;
    for (const Rule& rule : document.rules) again += (again.empty() ? "" : "\n") + write_rule(rule);
    REQUIRE_PROPERTY(import.filters != 0 || file.text.ends_with(again));
  }
  return 0;
}

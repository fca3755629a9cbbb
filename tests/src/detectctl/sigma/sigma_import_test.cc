#include "src/detectctl/sigma/sigma_import.h"

#include <catch2/catch.hpp>

#include "engine/rule_parser.h"
#include "engine/rule_writer.h"
#include "src/detectctl/sigma/sigma_document.h"

namespace detectd {
namespace {

SigmaFile file(std::string text, const std::string& name = "x.yml") {
  return {.source = std::make_shared<const SourceFile>(SourceFile{name, std::move(text)}), .name = name};
}

SigmaImport import_text(const std::string& text, const std::map<std::string, ListDefinition>& lists = {}) {
  return import_sigma({file(text)}, lists);
}

std::string complaints(const SigmaImport& import) {
  std::string out;
  for (const Diagnostic& diagnostic : import.diagnostics.all()) {
    out += (out.empty() ? "" : " ") + diagnostic.code + "@" + std::to_string(diagnostic.span.line);
  }
  return out;
}

const std::string kHead = "title: t\nid: 3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11\nlevel: low\n";
const std::string kSource = "logsource: {category: process_creation, product: linux}\n";
const std::string kDetection = "detection:\n  s:\n    Image: x\n  condition: s\n";

// The [rule.detection] that comes of a detection's YAML.
std::string converted(const std::string& detection, const std::string& source = kSource) {
  const SigmaImport import = import_text(kHead + source + "detection:\n" + detection);
  if (import.files.empty()) return complaints(import);
  const std::string& text = import.files.front().text;
  return text.substr(text.find("[rule.detection]\n") + 17);
}

struct Case {
  std::string in;
  std::string want;
};

}  // namespace

TEST_CASE("a Sigma rule is converted without loss", "[sigma]") {
  const SigmaImport import = import_text(R"(title: Whoami Called
name: whoami_called
id: 3F1E0A52-6b1e-4f0a-9d5e-0a7f7f0c9b11
related:
    - id: 4f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11
      type: derived
status: test
description: |
    Two lines,
    no more.
references:
    - https://example.net/1
author: A, B
date: 2026-01-02
modified: 2026/02/03
license: DRL
tags:
    - attack.discovery
    - attack.t1033
logsource:
    category: process_creation
    product: windows
    definition: 'Needs 4688'
    vendor: x
detection:
    selection:
        Image|endswith: '\whoami.exe'
        Foo: 5
    filter:
        User: null
    condition: selection and not filter
fields:
    - User
falsepositives:
    - Admins
level: high
simulation:
    - type: atomic
      n: 1
regression_tests_path: a/b.yml
)");
  CHECK(complaints(import) == "");
  REQUIRE(import.files.size() == 1);
  CHECK(import.files[0].name == "x.toml");
  CHECK(import.files[0].text ==
        R"(# Imported from x.yml by detectctl import sigma; a new import overwrites this file.

[fields]
"Foo" = "string"

[[rule]]
id = "3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11"
name = "whoami_called"
title = "Whoami Called"
level = "high"
status = "test"
description = '''
Two lines,
no more.
'''
author = "A, B"
date = "2026-01-02"
modified = "2026/02/03"
references = ["https://example.net/1"]
falsepositives = ["Admins"]
license = "DRL"
related = [{ id = "4f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11", type = "derived" }]
tags = ["attack.discovery", "attack.t1033"]
logsource = { category = "process_creation", product = "windows", definition = "Needs 4688" }
taxonomy = "sigma"

[rule.detection]
filter."User|null" = true
selection."Image|endswith" = '\whoami.exe'
selection."Foo" = 5
condition = "selection and not filter"

[rule.custom]
logsource = { vendor = "x" }
fields = ["User"]
simulation = [{ type = "atomic", n = 1 }]
regression_tests_path = "a/b.yml"
)");
}

TEST_CASE("detections keep their meaning", "[sigma]") {
  const std::vector<Case> cases = {
      {"  s:\n    Image: [a, 'b']\n  condition: s\n", "s.\"Image\" = [\"a\", \"b\"]\ncondition = \"s\"\n"},
      {"  s:\n    - Image: a\n    - CommandLine|contains|all: [b, c]\n  condition: s\n",
       "s = [{ \"Image\" = \"a\" }, { \"CommandLine|contains|all\" = [\"b\", \"c\"] }]\ncondition = \"s\"\n"},
      {"  s: word\n  condition: s\n", "s = \"word\"\ncondition = \"s\"\n"},
      {"  s: [word, 5]\n  condition: s\n", "s = [\"word\", 5]\ncondition = \"s\"\n"},
      {"  s:\n    '|all': [a, b]\n  condition: s\n", "s.\"|all\" = [\"a\", \"b\"]\ncondition = \"s\"\n"},
      {"  s:\n    Image: null\n  condition: s\n", "s.\"Image|null\" = true\ncondition = \"s\"\n"},
      {"  s:\n    Image|neq: ~\n  condition: s\n", "s.\"Image|null\" = false\ncondition = \"s\"\n"},
      {"  s:\n    Image: ['', null]\n    User: u\n  condition: s\n",
       "s = [{ \"Image\" = [\"\"], \"User\" = \"u\" }, { \"Image|null\" = true, \"User\" = \"u\" }]\n"
       "condition = \"s\"\n"},
      {"  s:\n    Image|neq: [a, null]\n  condition: s\n",
       "s.\"Image|neq\" = [\"a\"]\ns.\"Image|null\" = false\ncondition = \"s\"\n"},
      {"  s:\n    Image: a\n  condition: [s, not s]\n",
       "s.\"Image\" = \"a\"\ncondition = [\"s\", \"not s\"]\n"},
      {"  falsepositives: [a]\n  s: b\n  condition: s and not (falsepositives)\n",
       "falsepositives = [\"a\"]\ns = \"b\"\ncondition = \"s and not (falsepositives)\"\n"},
      {"  s1|x:\n    Image: a\n  condition: 1 of s*\n", "s1_x.\"Image\" = \"a\"\ncondition = \"1 of s*\"\n"},
      {"  s1|x:\n    Image: a\n  condition: 1 of s*|x\n", "D024@6 D026@5"},
      {"  s:\n    Image|contains: null\n  condition: s\n", "D605@7"},
      {"  s:\n    Image: {a: b}\n  condition: s\n", "D605@7"},
      {"  s:\n  condition: s\n", "D605@6"},
      {"  s: a\n  condition: s | count() > 5\n  timeframe: 5m\n", "D020@8"},
      {"  s: a\n  condition: s | count() > 5\n", "D024@7"},
      {"  s: a\n  condition: t\n", "D025@7"},
      {"  s:\n    Image|re: '(?<=a)b'\n  condition: s\n", "D031@7"},
      {"  s:\n    Image|expand: '%missing%'\n  condition: s\n", "D038@7"},
      {"  s:\n    Image|sounds: a\n  condition: s\n", "D035@7"},
  };
  for (const auto& [in, want] : cases) {
    CAPTURE(in);
    CHECK(converted(in) == want);
  }
}

TEST_CASE("a document that lacks what Sigma does not demand gets it", "[sigma]") {
  const SigmaImport import = import_text("title: Some title\n" + kSource + kDetection);
  REQUIRE(import.files.size() == 1);
  const std::string& text = import.files.front().text;
  CHECK_THAT(text, Catch::Contains("id = \"" + derived_id("Some title") + "\""));
  CHECK_THAT(text, Catch::Contains("level = \"medium\"\nstatus = \"experimental\"\n"));
  CHECK(derived_id("Some title") != derived_id("Another title"));
}

TEST_CASE("prose of an unexpected shape is kept, and keys of ours have no power", "[sigma]") {
  const SigmaImport import = import_text(
      kHead + kSource + kDetection + "date: 2022/1/3\nauthor: [a, b]\nresponse: {action: kill}\non: exec\n");
  REQUIRE(import.files.size() == 1);
  CHECK_THAT(import.files.front().text,
             Catch::EndsWith("[rule.custom]\ndate = \"2022/1/3\"\nauthor = [\"a\", \"b\"]\n"
                             "response = { action = \"kill\" }\non = \"exec\"\n"));
}

TEST_CASE("another taxonomy than Sigma's is taken at its word", "[sigma]") {
  const SigmaImport import = import_text(kHead + kSource +
                                         "taxonomy: ecs\ndetection:\n  s:\n    process.name: x\n"
                                         "  condition: s\n");
  REQUIRE(import.files.size() == 1);
  CHECK(import.files.front().text.find("taxonomy = \"sigma\"") == std::string::npos);
  CHECK(import.files.front().text.find("[fields]") == std::string::npos);
}

TEST_CASE("a collection's documents are written out", "[sigma]") {
  const SigmaImport import =
      import_text("action: global\n" + kHead + "detection:\n  condition: s\n" + "---\n" + kSource +
                  "detection:\n  s:\n    Image: x\n"
                  "---\naction: repeat\ndetection:\n  s:\n    User: y\n"
                  "---\naction: reset\n"
                  "---\ntitle: alone\n" +
                  kSource + kDetection);
  CHECK(complaints(import) == "");
  CHECK(import.rules == 3);
  REQUIRE(import.files.size() == 1);
  const std::string& text = import.files.front().text;
  const auto second = text.find("[[rule]]", text.find("[[rule]]") + 1);
  CHECK_THAT(text.substr(0, second), Catch::Contains("s.\"Image\" = \"x\"\ncondition"));
  CHECK_THAT(text.substr(second), Catch::Contains("s.\"Image\" = \"x\"\ns.\"User\" = \"y\"\n"));
  CHECK_THAT(
      text.substr(second),
      Catch::Contains("related = [{ id = \"3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11\", type = \"derived\" }]"));
  CHECK_THAT(text, Catch::Contains("title = \"alone\""));
}

TEST_CASE("one refused document costs no other", "[sigma]") {
  const SigmaImport import =
      import_text(kHead + kSource + kDetection + "---\ntitle: no detection\n---\n- a list\n---\n" +
                  "action: jump\n" + kHead + "---\n" + kHead + kSource + kDetection);
  CHECK(complaints(import) == "D605@14 D604@10 D604@12 D022@20");
  CHECK(import.rules == 1);
  CHECK(import.refused == 4);
}

TEST_CASE("placeholders need their list", "[sigma]") {
  const std::string text =
      kHead + kSource + "detection:\n  s:\n    User|expand: '%admins%'\n  condition: s\n";
  CHECK(complaints(import_text(text)) == "D038@7");
  ListDefinition list;
  list.values = {{.value = std::string("root"), .span = {}}};
  const SigmaImport import = import_text(text, {{"admins", list}});
  CHECK(complaints(import) == "");
  CHECK(import.rules == 1);
  CHECK_THAT(write_import_lists({{"admins", list}}).text, Catch::EndsWith("[lists]\nadmins = [\"root\"]\n"));
}

TEST_CASE("fields that only other logs have are declared, with one type in all files", "[sigma]") {
  const std::string first = kHead + kSource +
                            "detection:\n  s:\n    EventID: 5\n    Initiated: true\n    Score|gt: 3\n"
                            "    Image|fieldref: Other\n  condition: s\n";
  const std::string second = "title: other\n" + kSource + "detection:\n  s:\n    Score: 5\n  condition: s\n";
  const SigmaImport import = import_sigma({file(first, "a.yml"), file(second, "b.yml")}, {});
  CHECK(complaints(import) == "");
  REQUIRE(import.files.size() == 2);
  CHECK_THAT(import.files[0].text,
             Catch::Contains("[fields]\n\"EventID\" = \"string\"\n\"Other\" = \"string\"\n"
                             "\"Score\" = \"number\"\n"));
  CHECK_THAT(import.files[1].text, Catch::Contains("[fields]\n\"Score\" = \"number\"\n"));
}

TEST_CASE("rules that nothing can feed are counted, with the reason", "[sigma]") {
  const SigmaImport import =
      import_text(kHead + "logsource: {product: aws, service: cloudtrail}\n" + kDetection);
  CHECK(import.rules == 1);
  CHECK(import.inactive == 1);
  REQUIRE(import.inactive_reasons.size() == 1);
  CHECK_THAT(import.inactive_reasons.begin()->first, Catch::Contains("service cloudtrail"));
}

TEST_CASE("a correlation names its rules by id where their names are none here", "[sigma]") {
  const SigmaImport import = import_text(R"(title: Failed Login
name: Failed Login
id: 3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11
logsource: {product: windows, service: security}
detection:
    selection:
        EventID: 4625
    condition: selection
level: low
status: test
---
title: Many failed logins
id: 4f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11
correlation:
    type: event_count
    rules:
        - Failed Login
    group-by:
        - TargetUserName
        - ComputerName
    timespan: 1w
    condition:
        gte: 10
level: high
status: test
tags:
    - attack.t1110
)");
  CHECK(complaints(import) == "");
  CHECK(import.rules == 1);
  CHECK(import.correlations == 1);
  REQUIRE(import.files.size() == 1);
  const std::string& text = import.files.front().text;
  CHECK_THAT(text, Catch::StartsWith("# Imported") &&
                       Catch::Contains("[fields]\n\"ComputerName\" = \"string\"\n\"EventID\" = \"string\"\n"
                                       "\"TargetUserName\" = \"string\"\n"));
  CHECK_THAT(text, Catch::Contains("[rule.custom]\nname = \"Failed Login\"\n"));
  CHECK_THAT(text, Catch::EndsWith(R"([[correlation]]
id = "4f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11"
title = "Many failed logins"
level = "high"
status = "test"
tags = ["attack.t1110"]
taxonomy = "sigma"
type = "event_count"
rules = ["3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11"]
group-by = ["TargetUserName", "ComputerName"]
timespan = "7d"
generate = false
condition = { gte = 10 }
)"));
}

// The kinds of correlations that Sigma's specification shows, with its examples.
TEST_CASE("correlations of every kind keep their parts", "[sigma]") {
  const std::string head =
      "title: c\nid: 4f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11\nlevel: high\nstatus: test\ncorrelation:\n";
  const std::vector<Case> cases = {
      {"  type: value_count\n  rules: [recon]\n  group-by: [ComputerName]\n  timespan: 15m\n"
       "  condition: {field: User, gte: 4, lt: 10}\n",
       "type = \"value_count\"\nrules = [\"recon\"]\ngroup-by = [\"ComputerName\"]\ntimespan = \"15m\"\n"
       "generate = false\ncondition = { field = \"User\", gte = 4, lt = 10 }\n"},
      {"  type: temporal\n  rules: [a, b]\n  group-by: [User]\n  timespan: 10s\n  generate: true\n",
       "type = \"temporal\"\nrules = [\"a\", \"b\"]\ngroup-by = [\"User\"]\ntimespan = \"10s\"\ngenerate = "
       "true\n"},
      {"  type: temporal_ordered\n  rules: [a, b]\n  aliases: {ip: {a: src_ip, b: dst_ip}}\n"
       "  group-by: [ip]\n  timespan: 1h\n  generate: false\n",
       "type = \"temporal_ordered\"\nrules = [\"a\", \"b\"]\ngroup-by = [\"ip\"]\ntimespan = \"1h\"\n"
       "aliases = { ip = { a = \"src_ip\", b = \"dst_ip\" } }\ngenerate = false\n"},
      {"  type: value_percentile\n  rules: a\n  group-by: [User]\n  timespan: 2d\n"
       "  condition: {field: bytes, percentile: 95, gt: 1.5}\n",
       "type = \"value_percentile\"\nrules = [\"a\"]\ngroup-by = [\"User\"]\ntimespan = \"2d\"\n"
       "generate = false\ncondition = { field = \"bytes\", percentile = 95, gt = 1.5 }\n"},
      {"  type: event_count\n  rules:\n    - failed_login\n  group-by:\n    - TargetUserName\n"
       "    - TargetDomainName\n  timespan: 5m\n  condition:\n    gte: 10\n",
       "type = \"event_count\"\nrules = [\"failed_login\"]\ngroup-by = [\"TargetUserName\", "
       "\"TargetDomainName\"]\ntimespan = \"5m\"\ngenerate = false\ncondition = { gte = 10 }\n"},
      {"  type: temporal\n  rules: [recon_cmd_a, recon_cmd_b, recon_cmd_c]\n"
       "  group-by: [ComputerName, User]\n  timespan: 5m\n",
       "type = \"temporal\"\nrules = [\"recon_cmd_a\", \"recon_cmd_b\", \"recon_cmd_c\"]\n"
       "group-by = [\"ComputerName\", \"User\"]\ntimespan = \"5m\"\ngenerate = false\n"},
      {"  type: temporal_ordered\n  rules: [many_failed_logins, successful_login]\n  group-by: [User]\n"
       "  timespan: 1h\n",
       "type = \"temporal_ordered\"\nrules = [\"many_failed_logins\", \"successful_login\"]\n"
       "group-by = [\"User\"]\ntimespan = \"1h\"\ngenerate = false\n"},
      {"  type: temporal\n  rules: [internal_error, new_network_connection]\n"
       "  group-by: [internal_ip, remote_ip]\n  timespan: 10s\n  aliases:\n    internal_ip:\n"
       "      internal_error: destination.ip\n      new_network_connection: source.ip\n    remote_ip:\n"
       "      internal_error: source.ip\n      new_network_connection: destination.ip\n",
       "group-by = [\"internal_ip\", \"remote_ip\"]\ntimespan = \"10s\"\naliases = { internal_ip = { "
       "internal_error = \"destination.ip\", new_network_connection = \"source.ip\" }, remote_ip = { "
       "internal_error = \"source.ip\", new_network_connection = \"destination.ip\" } }\ngenerate = false\n"},
      {"  type: value_sum\n  rules: [web_upload]\n  group-by: [client_ip]\n  timespan: 1d\n"
       "  condition: {field: bytes_sent, gt: 1000000}\n",
       "type = \"value_sum\"\nrules = [\"web_upload\"]\ngroup-by = [\"client_ip\"]\ntimespan = \"1d\"\n"
       "generate = false\ncondition = { field = \"bytes_sent\", gt = 1000000 }\n"},
      {"  type: value_avg\n  rules: [dns]\n  group-by: [host]\n  timespan: 1h\n"
       "  condition: {field: query_length, gte: 50, lte: 255}\n",
       "type = \"value_avg\"\nrules = [\"dns\"]\ngroup-by = [\"host\"]\ntimespan = \"1h\"\n"
       "generate = false\ncondition = { field = \"query_length\", gte = 50, lte = 255 }\n"},
  };
  for (const auto& [in, want] : cases) {
    CAPTURE(in);
    const SigmaImport import = import_text(head + in);
    CHECK(complaints(import) == "");
    REQUIRE(import.files.size() == 1);
    CHECK_THAT(import.files.front().text, Catch::EndsWith(want));
    // What was written is read again, and written the same way.
    RuleDocument document;
    Diagnostics diagnostics;
    parse_rules(std::make_shared<const SourceFile>(SourceFile{"x.toml", import.files.front().text}), document,
                diagnostics);
    REQUIRE(document.rules.size() == 1);
    CHECK(import.files.front().text.ends_with(write_rule(document.rules.front())));
  }
  CHECK(complaints(import_text(
            head + "  type: event_count\n  rules: [a]\n  timespan: 3M\n  condition: {gte: 1}\n")) ==
        "D040@8");
  CHECK(complaints(import_text(
            head + "  type: event_count\n  rules: [a]\n  timespan: 3m\n  conditions: {gte: 1}\n")) ==
        "D605@9");
}

TEST_CASE("a filter keeps its rules, its logsource and its detection", "[sigma]") {
  const SigmaImport import = import_text(R"(title: Filter Administrator account
id: 5f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11
description: The valid administrator account starts with adm_
logsource:
    category: process_creation
    product: windows
filter:
    rules:
        - 6f26f7d0-0e7a-4f0e-9a0e-1a2b3c4d5e6f
        - other_rule
    selection:
        User|startswith: 'adm_'
        Domain: x
    condition: not selection
level: low
)");
  CHECK(complaints(import) == "");
  CHECK(import.filters == 1);
  REQUIRE(import.files.size() == 1);
  CHECK_THAT(import.files.front().text, Catch::EndsWith(R"([fields]
"Domain" = "string"

[[filter]]
id = "5f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11"
title = "Filter Administrator account"
description = "The valid administrator account starts with adm_"
rules = ["6f26f7d0-0e7a-4f0e-9a0e-1a2b3c4d5e6f", "other_rule"]
logsource = { category = "process_creation", product = "windows" }
taxonomy = "sigma"

[filter.detection]
selection."User|startswith" = "adm_"
selection."Domain" = "x"
condition = "not selection"

[filter.custom]
level = "low"
)"));
}

}  // namespace detectd

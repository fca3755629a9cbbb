#include "src/detectctl/sigma/yaml_tree.h"

#include <catch2/catch.hpp>

namespace detectd {
namespace {

YamlFile parse(std::string text) {
  return parse_yaml(std::make_shared<const SourceFile>(SourceFile{"x.yml", std::move(text)}));
}

std::string dump(const YamlValue& value) {
  using Kind = YamlValue::Kind;
  std::string out;
  switch (value.kind) {
    case Kind::kNull: return "null";
    case Kind::kBoolean: return value.boolean ? "true" : "false";
    case Kind::kInteger: return "int " + std::to_string(value.integer);
    case Kind::kReal: return "real " + std::to_string(value.real);
    case Kind::kText: return "'" + value.text + "'";
    case Kind::kList:
      for (const YamlValue& element : value.elements) out += (out.empty() ? "" : ", ") + dump(element);
      return "[" + out + "]";
    case Kind::kMap:
      for (const YamlMember& member : value.members)
        out += (out.empty() ? "" : ", ") + member.key + ": " + dump(member.value);
      return "{" + out + "}";
  }
  return out;
}

std::string dump(const YamlFile& file) {
  std::string out;
  for (const YamlValue& document : file.documents) out += dump(document) + "\n";
  if (file.mistake) {
    const Span& span = file.mistake->span;
    out += file.mistake->code + "@" + std::to_string(span.line) + ":" + std::to_string(span.column) + "+" +
           std::to_string(span.length);
  }
  return out;
}

struct Case {
  std::string in;
  std::string want;
};

}  // namespace

TEST_CASE("plain scalars have a type where YAML 1.1 and 1.2 agree on it", "[yaml_tree]") {
  const std::vector<Case> cases = {
      {"~", "null"},
      {"null", "null"},
      {"", "null"},
      {"true", "true"},
      {"False", "false"},
      {"yes", "'yes'"},
      {"4624", "int 4624"},
      {"-5", "int -5"},
      {"0", "int 0"},
      {"0042", "'0042'"},
      {"0x1F", "int 31"},
      {"1_000", "'1_000'"},
      {"2.5", "real 2.500000"},
      {"1e3", "'1e3'"},
      {"1.2.3", "'1.2.3'"},
      {"2019-03-26", "'2019-03-26'"},
      {"'5'", "'5'"},
      {"\"true\"", "'true'"},
      {"!!str 5", "'5'"},
      {"99999999999999999999", "'99999999999999999999'"},
      {"- 1", "[int 1]"},
      {".5", "'.5'"},
      {"''", "''"},
      {"|\n  a\n  b\n", "'a\nb\n'"},
  };
  for (const auto& [in, want] : cases) {
    CAPTURE(in);
    const YamlFile file = parse("x: " + (in[0] == '-' && in[1] == ' ' ? "\n" : std::string()) + in + "\n");
    CHECK(dump(file) == "{x: " + want + "}\n");
  }
}

TEST_CASE("a file has any number of documents, empty ones do not count", "[yaml_tree]") {
  CHECK(dump(parse("---\n---\na: 1\n---\n- b\n...\n")) == "{a: int 1}\n['b']\n");
  CHECK(dump(parse("")) == "");
  CHECK(dump(parse("\xef\xbb\xbf"
                   "a: 1\r\nb: 2\r\n")) == "{a: int 1, b: int 2}\n");
}

TEST_CASE("an alias is what it names", "[yaml_tree]") {
  CHECK(dump(parse("a: &x {b: [1, 2]}\nc: *x\n")) == "{a: {b: [int 1, int 2]}, c: {b: [int 1, int 2]}}\n");
}

TEST_CASE("every value and key has its place, in code points", "[yaml_tree]") {
  const YamlFile file = parse("\xc3\xa9\xc3\xa9: \"it's\"\nb:\n  - 'x''y'\n  - plain text # note\n");
  REQUIRE(file.documents.size() == 1);
  const auto place = [](const Span& span) {
    return std::to_string(span.line) + ":" + std::to_string(span.column) + "+" + std::to_string(span.length);
  };
  const YamlValue& map = file.documents.front();
  CHECK(place(map.members[0].span) == "1:1+2");
  CHECK(place(map.members[0].value.span) == "1:5+6");
  CHECK(place(map.members[1].value.elements[0].span) == "3:5+6");
  CHECK(place(map.members[1].value.elements[1].span) == "4:5+10");
}

TEST_CASE("what comes before a mistake of syntax is kept", "[yaml_tree]") {
  const std::vector<Case> cases = {
      {"a: 1\n---\nb: c: d\n", "{a: int 1}\nD600@3:5+1"},
      {"a: \"x\n", "D600@1:4+1"},
      {"a: 'it''s\n", "D600@1:4+1"},
      {"a: [1, 2\n", "D600@2:1+1"},
      {"a: 1\n\tb: 2\n", "D600@2:1+1"},
      {"a: *nowhere\n", "D600@1:4+1"},
  };
  for (const auto& [in, want] : cases) {
    CAPTURE(in);
    CHECK(dump(parse(in)) == want);
  }
}

TEST_CASE("what Sigma does not have is refused", "[yaml_tree]") {
  const std::vector<Case> cases = {
      {"a: 1\nb: 2\na: 3\n", "D602@3:1+1"},
      {"? [1, 2]\n: 3\n", "D603@1:3+1"},
      {"a: !!binary aGk=\n", "D603@1:4+1"},
      {"a: !ruby/object:X {}\n", "D603@1:4+1"},
      {"a: &x {b: 1}\nc:\n  <<: *x\n", "D603@3:3+2"},
      {"a: caf\xe9\n", "D008@1:7+1"},
      {"a: b\x01\n", "D009@1:5+1"},
      {std::string("a: b\0c\n", 7), "D009@1:5+1"},
  };
  for (const auto& [in, want] : cases) {
    CAPTURE(in);
    CHECK(dump(parse(in)) == want);
  }
}

TEST_CASE("hostile YAML is bounded: aliases, depth, size", "[yaml_tree]") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 1; k < 10; ++k) bomb += ", " + before;
    bomb += "]\n";
  }
  std::string nested;
  for (int i = 0; i < 10'000; ++i) nested += "- ";
  const std::vector<Case> cases = {
      {bomb, "D601@5:"},
      {"a: &a [*a]\n", "D601@1:8"},
      {std::string(100'000, '['), "D601@1:17"},
      {"x: " + std::string(100'000, '{'), "D601@1:35"},
      {nested, "D601@1:65"},
      {"a: " + std::string(kMaxYamlFileBytes, 'x'), "D601@0:"},
      {"a: &t " + std::string(100'000, 'x') + "\nb: [" +
           [] {
             std::string aliases;
             for (int i = 0; i < 100; ++i) aliases += "*t, ";
             return aliases;
           }() +
           "]\n",
       "D601@2:"},
  };
  for (const auto& [in, want] : cases) {
    CAPTURE(in.substr(0, 40));
    CHECK_THAT(dump(parse(in)), Catch::StartsWith(want));
  }
}

}  // namespace detectd

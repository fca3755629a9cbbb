#include "engine/diagnostic.h"

#include <catch2/catch.hpp>

#include "engine/rule.h"

namespace detectd {
namespace {

SourcePtr file_of(std::string text, std::string path = "rules/web-shell.toml") {
  return std::make_shared<const SourceFile>(SourceFile{std::move(path), std::move(text)});
}

Diagnostic mistake(SourcePtr file, Span span) {
  Diagnostic diagnostic;
  diagnostic.code = "D001";
  diagnostic.file = std::move(file);
  diagnostic.span = span;
  diagnostic.message = "it is wrong";
  return diagnostic;
}

// The text that span_inside points at, and where.
std::string inside(const std::string& text, Span token, size_t offset, size_t length) {
  const SourcePtr file = file_of(text);
  const Span span = span_inside(*file, token, offset, length);
  return std::to_string(span.line) + ":" + std::to_string(span.column) + "+" + std::to_string(span.length);
}

}  // namespace

TEST_CASE("a mistake is shown with its place, line, caret and help", "[diagnostic]") {
  Diagnostic diagnostic = mistake(file_of("[[rule]]\nx = \"nc\\s+-e\"\n"), {2, 8, 2});
  diagnostic.help = "write patterns in single quotes: 'nc\\s+-e'";
  diagnostic.notes.push_back({file_of("", "a.toml"), {2, 1, 1}, "first defined"});
  CHECK(render(diagnostic) ==
        "error[D001]: it is wrong\n"
        "  --> rules/web-shell.toml:2:8\n"
        "   |\n"
        " 2 | x = \"nc\\s+-e\"\n"
        "   |        ^^\n"
        "   = note: first defined at a.toml:2:1\n"
        "   = help: write patterns in single quotes: 'nc\\s+-e'\n");
}

TEST_CASE("a warning about a whole file has no excerpt", "[diagnostic]") {
  Diagnostic diagnostic = mistake(file_of(""), {});
  diagnostic.severity = Severity::kWarning;
  CHECK(render(diagnostic) == "warning[D001]: it is wrong\n --> rules/web-shell.toml\n");
}

TEST_CASE("carets stand under wide, escaped and tabbed text", "[diagnostic]") {
  CHECK(render(mistake(file_of("\t\x1b[2J 日本 x"), {1, 10, 1})) ==
        "error[D001]: it is wrong\n"
        "  --> rules/web-shell.toml:1:10\n"
        "   |\n"
        " 1 |  \\x1b[2J 日本 x\n"
        "   |               ^\n");
}

TEST_CASE("TRUST 57: a hostile file name is shown escaped", "[diagnostic]") {
  CHECK(render(mistake(file_of("x", "a\x1b[2J\n.toml"), {})) ==
        "error[D001]: it is wrong\n --> a\\x1b[2J\\x0a.toml\n");
}

TEST_CASE("a long line is cut to a window around the caret", "[diagnostic]") {
  const std::string text =
      render(mistake(file_of(std::string(5000, 'a') + "X" + std::string(5000, 'b')), {1, 5001, 1}));
  const size_t line = text.find(" 1 | ");
  const size_t carets = text.find("   | ", line);
  const std::string shown = text.substr(line + 5, text.find('\n', line) - line - 5);
  CHECK(shown.size() == 160);
  CHECK(shown[text.find('^') - carets - 5] == 'X');
}

TEST_CASE("colour adds nothing but escape sequences", "[diagnostic]") {
  const Diagnostic diagnostic = mistake(file_of("abc"), {1, 2, 1});
  std::string plain = render(diagnostic, {.color = true});
  for (size_t at; (at = plain.find('\x1b')) != std::string::npos;)
    plain.erase(at, plain.find('m', at) - at + 1);
  CHECK(plain == render(diagnostic));
}

TEST_CASE("complaints are counted, and kept up to a bound", "[diagnostic]") {
  Diagnostics diagnostics;
  for (size_t i = 0; i < Diagnostics::kMax + 5; ++i) diagnostics.add(mistake(nullptr, {}));
  CHECK(diagnostics.errors() == Diagnostics::kMax + 5);
  CHECK(diagnostics.all().size() == Diagnostics::kMax);
  CHECK(diagnostics.dropped() == 5);
}

TEST_CASE("spelling hints name the nearest candidate and nothing far away", "[diagnostic]") {
  const std::vector<std::string_view> levels = {"informational", "low", "medium", "high", "critical"};
  CHECK(did_you_mean("hihg", levels) == "did you mean `high`?");
  CHECK(did_you_mean("Low", levels) == "did you mean `low`?");
  CHECK(did_you_mean("criticle", levels) == "did you mean `critical`?");
  CHECK(did_you_mean("urgent", levels).empty());
  CHECK(did_you_mean("x", levels).empty());
  CHECK(did_you_mean(std::string(5000, 'x'), levels).empty());
}

TEST_CASE("every code of the table is listed once, in order", "[diagnostic]") {
  CHECK(find_diagnostic_code("D001")->meaning == "unknown escape in a double-quoted string");
  CHECK(find_diagnostic_code("D999") == nullptr);
}

TEST_CASE("a place inside a string is found in every way to write it", "[diagnostic]") {
  CHECK(inside("x = 'abcdef'", {1, 5, 8}, 2, 3) == "1:8+3");
  CHECK(inside("x = \"a\\tb\\\\c\"", {1, 5, 9}, 1, 1) == "1:7+2");
  CHECK(inside("x = \"a\\u00e9b\"", {1, 5, 10}, 3, 1) == "1:13+1");
  CHECK(inside("x = 'aéb'", {1, 5, 5}, 3, 1) == "1:8+1");
  CHECK(inside("x = '''\nab\ncd'''", {1, 5, 3}, 1, 3) == "2:2+1");
  CHECK(inside("x = '''\nab\ncd'''", {1, 5, 3}, 3, 2) == "3:1+2");
  CHECK(inside("x = \"\"\"a\\\n   b\"\"\"", {1, 5, 5}, 1, 1) == "2:4+1");
  CHECK(inside("field = 1", {1, 1, 5}, 2, 2) == "1:3+2");
  CHECK(inside("x = 'abc'", {1, 5, 5}, 90, 2) == "1:5+5");
  CHECK(inside("x = 'abc'", {7, 5, 5}, 1, 1) == "7:5+5");
}

}  // namespace detectd

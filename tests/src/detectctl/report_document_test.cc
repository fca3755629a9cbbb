#include "src/detectctl/report_document.h"

#include <catch2/catch.hpp>

namespace detectd {
namespace {

ReportDocument document_with(const std::string& text) {
  ReportDocument document{.title = text, .blocks = {}};
  document.heading(text);
  document.text(text);
  document.table({text}, {{text, "12"}});
  document.bars({{text, 3}, {"x", 0}});
  document.lines(text + "\n" + text);
  return document;
}

size_t count(const std::string& text, std::string_view what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("TRUST 35: no text of a report becomes an element of its HTML", "[report]") {
  const std::string plain = html_of(document_with("x"));
  for (const std::string hostile :
       {"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='x",
        "</pre></td></table>", "<!-- ", "]]>", "\x1b[2J\xe2\x80\xae", "&lt;script&gt;", "</title><script>"}) {
    CAPTURE(hostile);
    const std::string html = html_of(document_with(hostile));
    CHECK(count(html, "<") == count(plain, "<"));
    CHECK(count(html, "\"") == count(plain, "\""));
    CHECK(html.find('\x1b') == std::string::npos);
  }
  CHECK_THAT(plain, Catch::Contains("default-src 'none'"));
  CHECK(plain.find("http") == plain.find("http-equiv"));
  CHECK_THAT(plain, Catch::Contains("<td class=\"number\">12</td>"));
}

TEST_CASE("TRUST 35: no text of a report becomes a link, a table cell or the end of a block of its Markdown",
          "[report]") {
  const std::string markdown = markdown_of(document_with("[x](javascript:1) a|b <b> `c` # *d*"));
  CHECK_THAT(markdown,
             Catch::StartsWith("# \\[x\\]\\(javascript\\:1\\) a\\|b \\<b\\> \\`c\\` \\# \\*d\\*\n"));
  CHECK(count(markdown, "[x](") == 3);  // in blocks of code
  const std::string fenced = markdown_of(document_with("````"));
  CHECK_THAT(fenced, Catch::Contains("`````\n````\n````\n`````\n"));
  const std::string two_lines = markdown_of(document_with("a\n## b"));
  CHECK(count(two_lines, "\n## ") == 3);  // our heading, and twice in the block of code
}

}  // namespace detectd

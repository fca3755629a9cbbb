#include "engine/toml_format.h"

#include <catch2/catch.hpp>
#include <string>

namespace detectd {
namespace {

// As formatted; what formatting must not do is checked besides.
std::string formatted(const std::string& text) {
  const std::string out = format_toml(text);
  CAPTURE(text, out);
  CHECK(format_toml(out) == out);
  CHECK(is_same_toml({"before.toml", text}, {"after.toml", out}));
  return out;
}

TEST_CASE("TOML is laid out in one way, whatever it was", "[toml_format]") {
  struct Case {
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {"", ""},
      {"\n\n# alone", "# alone\n"},
      {"\xef\xbb\xbf[ a ]\r\nb=1\r\n", "[a]\nb = 1\n"},
      {"a   =  1   \n\n\n\nb=2\n\n\n", "a = 1\n\nb = 2\n"},
      {"x . y.\"z\" = 'q'\n", "x.y.\"z\" = 'q'\n"},
      {"[[ rule . test ]]  # c\n\n  a=true#d\n", "[[rule.test]]  # c\na = true  #d\n"},
      {"a = 1\n[b]\n[c]\n", "a = 1\n\n[b]\n\n[c]\n"},
      // A comment above a header goes with it; one apart from it does not.
      {"a = 1\n# of b\n[b]\n", "a = 1\n\n# of b\n[b]\n"},
      {"a = 1\n# of a\n\n\n[b]\n\n# first\nc = 1\n", "a = 1\n# of a\n\n[b]\n# first\nc = 1\n"},
      {"a = [ 1,2 ,3, ]\nb = [\n]\n", "a = [1, 2, 3]\nb = []\n"},
      {"a = { b=1 , c.d= [1,\n 2], e={} }\n", "a = { b = 1, c.d = [1, 2], e = {} }\n"},
      {"a = [ # zero\n 1 # one\n # two\n , 2 ]# end\n",
       "a = [\n  # zero\n  1,  # one\n  # two\n  2,\n]  # end\n"},
      // Double quotes where nothing is escaped, single ones where they save escapes.
      {R"(a = ["\u0061", "b\\c", 'd', "e'\"", "\u202e"])",
       "a = [\"a\", 'b\\c', 'd', \"e'\\\"\", \"\\u202e\"]\n"},
      {"a = '''\n  b  \n''' # c\nd = \"\"\"e\\\n   f\"\"\"\"\n",
       "a = '''\n  b  \n'''  # c\nd = \"\"\"e\\\n   f\"\"\"\"\n"},
      {"a = 1979-05-27 07:32:00  # b\nc = 0x1F\nd = -1_000.5e3\n",
       "a = 1979-05-27 07:32:00  # b\nc = 0x1F\nd = -1_000.5e3\n"},
      {"[[correlation.test]]\nevents = [{a=1},{at=\"1s\"}]\n",
       "[[correlation.test]]\nevents = [\n  { a = 1 },\n  { at = \"1s\" },\n]\n"},
      {"a = \"# no comment\" # one\n", "a = \"# no comment\"  # one\n"},
  };
  for (const Case& each : cases) CHECK(formatted(each.text) == each.want);
}

TEST_CASE("a list stands on one line as far as that has 120 columns", "[toml_format]") {
  const std::string fits = "key = [\"" + std::string(110, 'x') + "\"]";
  REQUIRE(fits.size() == 120);
  CHECK(formatted("key=[\n\"" + std::string(110, 'x') + "\"\n]\n") == fits + "\n");
  CHECK(formatted("key = [\"" + std::string(111, 'x') + "\"]") ==
        "key = [\n  \"" + std::string(111, 'x') + "\",\n]\n");
}

TEST_CASE("a value for which there is no layout stays as it is", "[toml_format]") {
  CHECK(formatted("a=[[1, # one\n 2]]\n") == "a=[[1, # one\n 2]]\n");
}

TEST_CASE("text that is no TOML is never the same as anything", "[toml_format]") {
  for (const std::string text :
       {"a = \n", "a = [1\n", "a = \"b\n", "a = \"\\s\"\n", "[a\nb = 1\n", "a = \xff\n", "= 1\n", "a b = 1\n",
        "a = {b = 1,\n c = 2}\n", "a = 1 b = 2\n", "a = '''x\n"}) {
    CAPTURE(text);
    const std::string out = format_toml(text);
    CHECK_FALSE(is_same_toml({"a", text}, {"b", out}));
  }
}

TEST_CASE("a change of a value, a key, their order or a comment is seen", "[toml_format]") {
  const SourceFile before{"a", "a = 1 # x\nb = [\"c\", 2]\n[[d]]\n[d.e]\nf = nan\n"};
  CHECK(is_same_toml(before, before));
  for (const std::string other : {"a = 2 # x\nb = [\"c\", 2]\n[[d]]\n[d.e]\nf = nan\n",
                                  "a = 1 # x\nb = [\"c\", \"2\"]\n[[d]]\n[d.e]\nf = nan\n",
                                  "b = [\"c\", 2]\na = 1 # x\n[[d]]\n[d.e]\nf = nan\n",
                                  "a = 1 # y\nb = [\"c\", 2]\n[[d]]\n[d.e]\nf = nan\n",
                                  "a = 1\nb = [\"c\", 2]\n[[d]]\n[d.e]\nf = nan\n",
                                  "a = 1 # x\nb = [\"c\", 2]\n[[d]]\n[d.g]\nf = nan\n",
                                  "a = 1 # x\nb = [\"c\", 2]\n[[d]]\n[[d]]\n[d.e]\nf = nan\n"}) {
    CAPTURE(other);
    CHECK_FALSE(is_same_toml(before, {"b", other}));
  }
}

TEST_CASE("hostile TOML is formatted in bounded depth and linear time", "[toml_format]") {
  const std::string deep = "a = " + std::string(100'000, '[') + "\n";
  CHECK((format_toml(deep) == deep));
  std::string open = "a = ";
  for (int i = 0; i < 100'000; ++i) open += "{a=[";
  format_toml(open);
  std::string quotes, hashes;
  for (int i = 0; i < 200'000; ++i) {
    quotes += "a = '''\n";
    hashes += "#\n\n";
  }
  format_toml(quotes);
  CHECK(format_toml(hashes).size() == hashes.size() - 1);
}

}  // namespace
}  // namespace detectd

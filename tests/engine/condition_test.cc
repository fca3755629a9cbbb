#include "engine/condition.h"

#include <catch2/catch.hpp>

namespace detectd {
namespace {

const std::vector<std::string> kNames = {"a", "b", "c", "sel_x", "sel_y", "_hidden", "not_x", "sel-a", "all"};

// The canonical text, or "code@offset+length: message (help)".
std::string parsed(std::string_view text, const std::vector<std::string>& names = kNames) {
  const auto result = Condition::parse(text, names);
  if (const auto* condition = std::get_if<Condition>(&result)) return condition->print(names);
  const auto& error = std::get<ConditionError>(result);
  return error.code + "@" + std::to_string(error.offset) + "+" + std::to_string(error.length) + ": " +
         error.message + (error.help.empty() ? "" : " (" + error.help + ")");
}

Condition good(std::string_view text) { return std::get<Condition>(Condition::parse(text, kNames)); }

}  // namespace

TEST_CASE("a condition is printed in one canonical form", "[condition]") {
  struct Case {
    const char* in;
    const char* want;
  };
  const auto c = GENERATE(values<Case>({
      {"a", "a"},
      {"a or b and not c", "a or b and not c"},
      {"(a or b) and (not (c))", "(a or b) and not c"},
      {"(a and b) and c", "a and b and c"},
      {"a or (b or (c))", "a or b or c"},
      {"not not a", "not not a"},
      {"not (a and b)", "not (a and b)"},
      {"a AND NOT b OR c", "a and not b or c"},
      {"1 of sel_*", "sel_x or sel_y"},
      {"any of sel_*", "sel_x or sel_y"},
      {"a and not 1 of sel_*", "a and not (sel_x or sel_y)"},
      {"all of sel_* and a", "sel_x and sel_y and a"},
      {"ALL OF sel_x", "sel_x"},
      {"1 of *_x", "sel_x or not_x"},
      {"1 of s*l_*x*", "sel_x"},
      {"not_x and not sel-a", "not_x and not sel-a"},
      {"all and a", "all and a"},
      {"_hidden", "_hidden"},
      {"\ta\n and\r\n b", "a and b"},
  }));
  CHECK(parsed(c.in) == c.want);
}

TEST_CASE("patterns and `them` leave out names that begin with an underscore", "[condition]") {
  CHECK(parsed("1 of them", {"a", "_b", "c"}) == "a or c");
  CHECK(parsed("all of *", {"a", "_b", "c"}) == "a and c");
  CHECK(parsed("1 of _*", {"a", "_b"}) ==
        "D025@5+2: no selection matches `_*` (there are: a, _b; those with `_` in front are left out "
        "of patterns and of `them`)");
}

TEST_CASE("a mistake in a condition has its place and a way out", "[condition]") {
  struct Case {
    const char* in;
    const char* want;
  };
  const auto c = GENERATE(values<Case>({
      {"", "D024@0+1: the condition is empty (name a selection: condition = \"selection\")"},
      {"a and", "D024@2+3: a selection is missing after `and`"},
      {"and a", "D024@0+3: a selection is missing before `and`"},
      {"a and or b", "D024@6+2: a selection is missing before `or`"},
      {"not", "D024@0+3: a selection is missing after `not`"},
      {"(a or b", "D024@0+1: this parenthesis is not closed"},
      {"a or b)", "D024@6+1: this parenthesis was never opened"},
      {"a and ()", "D024@7+1: there is nothing between these parentheses"},
      {"a b", "D024@2+1: `and` or `or` is missing before `b`"},
      {"a nad b", "D024@2+3: `and` or `or` is missing before `nad` (did you mean `and`?)"},
      {"a And b", "D024@2+3: `and` or `or` is missing before `And` (did you mean `and`?)"},
      {"a | count() > 5",
       "D024@2+1: a condition has no aggregations (`|`) (to count or order events use a "
       "[[correlation]])"},
      {"a near b", "D024@2+4: a condition has no `near` (use a [[correlation]] with type = \"temporal\")"},
      {"a && b", "D024@2+1: `&` is not part of a condition (write `and`, `or`, `not`)"},
      {"!a", "D024@0+1: `!` is not part of a condition (write `and`, `or`, `not`)"},
      {"2 of sel_*",
       "D024@0+1: `2 of` is not a quantifier (there are `1 of`, `any of` and `all of`; to count "
       "events use a [[correlation]])"},
      {"1 of", "D024@2+2: `of` needs `them` or a pattern such as `filter_*`"},
      {"1 of (a)", "D024@5+1: `of` needs `them` or a pattern such as `filter_*`"},
      {"1 of filter_*",
       "D025@5+8: no selection matches `filter_*` (there are: a, b, c, sel_x, sel_y, _hidden, not_x, "
       "sel-a, ...; those with `_` in front are left out of patterns and of `them`)"},
      {"sel_*", "D024@0+5: a pattern needs a quantifier (write `1 of sel_*` or `all of sel_*`)"},
      {"not them", "D024@4+4: `them` needs a quantifier (write `1 of them` or `all of them`)"},
      {"a or sel_z", "D025@5+5: there is no selection `sel_z` (did you mean `sel_x`?)"},
      {"a or é",
       "D024@5+2: `é` can not stand in a condition (a selection's name is made of letters, digits, "
       "`_`, `.` and `-`)"},
  }));
  CHECK(parsed(c.in) == c.want);
}

TEST_CASE("nesting and expansion of a condition are bounded", "[condition]") {
  const std::string open(63, '(');
  const std::string close(63, ')');
  CHECK(parsed(open + "a" + close) == "a");
  CHECK(parsed("(" + open + "a" + close + ")") ==
        "D024@64+1: the condition is nested too deep (64 levels are the limit)");

  std::vector<std::string> many(1000, "s");
  for (size_t i = 0; i < many.size(); ++i) many[i] += std::to_string(i);
  std::string text = "1 of s*";
  for (int i = 0; i < 100; ++i) text += " or 1 of s*";
  CHECK(parsed(text, many).find("the condition is too large") != std::string::npos);
}

TEST_CASE("the text of a condition parses back to the same tree", "[condition]") {
  for (const char* text :
       {"a or b and not c", "not (a and (b or not c))", "1 of them and not all of sel_*", "not not not a"}) {
    CHECK(good(good(text).print(kNames)) == good(text));
  }
}

TEST_CASE("a condition is evaluated with not before and before or", "[condition]") {
  const auto holds = [](std::initializer_list<uint32_t> true_ones) {
    return [set = std::vector<uint32_t>(true_ones)](uint32_t i) {
      return std::find(set.begin(), set.end(), i) != set.end();
    };
  };
  CHECK(good("a or b and not c").evaluate(holds({0, 2})));
  CHECK(good("a or b and not c").evaluate(holds({1})));
  CHECK_FALSE(good("a or b and not c").evaluate(holds({1, 2})));
  CHECK_FALSE(good("(a or b) and not c").evaluate(holds({0, 2})));
}

TEST_CASE("several conditions are joined by or", "[condition]") {
  CHECK(Condition::any_of({good("a and b"), good("a or c"), good("not b")}) ==
        good("a and b or a or c or not b"));
  CHECK(Condition::any_of({good("a and b")}) == good("a and b"));
  CHECK_FALSE(Condition::any_of({}).evaluate([](uint32_t) { return true; }));
}

}  // namespace detectd

#include "engine/affix_set.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "engine/text_fold.h"
#include "tests/support/items.h"

using namespace detectd;
using namespace detectd::test;

namespace {

struct Named {
  Position position;
  const char* key;  // of the item that means it
};
constexpr Named kPositions[] = {{Position::kWhole, "f|fieldref"},
                                {Position::kStart, "f|fieldref|startswith"},
                                {Position::kEnd, "f|fieldref|endswith"},
                                {Position::kAnywhere, "f|fieldref|contains"}};

bool stands_in(const std::string& part, const std::string& text, Position position) {
  switch (position) {
    case Position::kWhole: return text == part;
    case Position::kStart: return text.starts_with(part);
    case Position::kEnd: return text.ends_with(part);
    case Position::kAnywhere: return text.find(part) != std::string::npos;
  }
  return false;
}

std::string random_text(std::mt19937& random, std::string_view letters, size_t longest) {
  std::string text(random() % (longest + 1), ' ');
  for (char& c : text) c = letters[random() % letters.size()];
  return text;
}

}  // namespace

TEST_CASE("a set of texts answers as each of them would", "[affix_set]") {
  std::mt19937 random(1);
  size_t found = 0;
  size_t asked = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> parts(random() % 6);
    for (std::string& part : parts) part = random_text(random, "ab\xff", 5);
    for (const auto& [position, key] : kPositions) {
      const AffixSet set({parts.begin(), parts.end()}, position);
      for (int i = 0; i < 5; ++i) {
        const std::string text = random_text(random, "ab\xff", 7);
        const bool want =
            std::any_of(parts.begin(), parts.end(),
                        [&, at = position](const std::string& part) { return stands_in(part, text, at); });
        if (set.any_in(text) != want) FAIL(key << ": " << text);
        ++asked;
        found += want;
      }
    }
  }
  CHECK(found > asked / 10);
  CHECK(found < asked * 9 / 10);
}

TEST_CASE("long texts are found within others, too", "[affix_set]") {
  const std::string part(300, 'a');
  const AffixSet set({part, "bc"}, Position::kAnywhere);
  CHECK(set.any_in("x" + part + "y"));
  CHECK(set.any_in("xbc"));
  CHECK_FALSE(set.any_in(std::string(299, 'a') + "b"));
  CHECK_FALSE(set.any_in(""));
}

TEST_CASE("long lists compared with each other give what their pairs give", "[affix_set]") {
  std::mt19937 random(2);
  for (const auto& [position, key] : kPositions) {
    size_t held = 0;
    ItemBench bench;
    const auto item = bench.compile(make_item(key, {scalar("g")}));
    REQUIRE(item);
    for (int round = 0; round < 60; ++round) {
      // Longer texts seldom meet; a null now and then.
      const size_t longest = 2 + static_cast<size_t>(round) / 5;
      std::vector<std::string> f(20 + random() % 40), g(60);
      for (std::string& text : f) text = random_text(random, "aAbBcd", longest + 6);
      for (std::string& text : g) {
        text = random_text(random, "aAbBcd", longest);
        while (!text.empty() && text.size() < longest) text += 'x';
      }
      bool want = false;
      for (const std::string& text : f) {
        for (const std::string& part : g) {
          want = want || (!text.empty() && !part.empty() && stands_in(folded(part), folded(text), position));
        }
      }
      CAPTURE(key, round);
      CHECK(bench.holds(*item, {{"f", texts(f)}, {"g", texts(g)}}) == want);
      held += want;
    }
    CAPTURE(key);
    CHECK(held > 0);
    CHECK(held < 60);
  }
}

TEST_CASE("a long list may hold numbers, and be compared without regard to none", "[affix_set]") {
  ItemBench bench;
  std::vector<std::string> many(100, "x");
  many.push_back("5");
  const Given numbers = [](Event& event, FieldId field) {
    event.begin_list(field);
    for (int i = 5; i < 60; ++i) event.append_integer(field, i, std::to_string(i));
  };
  CHECK(bench.holds("f|fieldref", {scalar("g")}, {{"f", texts(many)}, {"g", numbers}}));
  many.pop_back();
  CHECK_FALSE(bench.holds("f|fieldref", {scalar("g")}, {{"f", texts(many)}, {"g", numbers}}));
}

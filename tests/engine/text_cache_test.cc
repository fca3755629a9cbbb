#include "engine/text_cache.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace detectd;

TEST_CASE("folded text is made once for each value of an event", "[text_cache]") {
  Schema schema;
  TextCache cache(schema);
  Event event;
  const FieldId args = process_field(Leaf::kArgs);
  cache.begin(event);
  const std::string_view first = cache.folded(args, 0, "ABC");
  CHECK(first == "abc");
  CHECK(cache.folded(args, 0, "ABC").data() == first.data());
  CHECK(cache.folded(args, 1, "DEF") == "def");
  const std::string lower = "all lower";
  CHECK(cache.folded(args, 2, lower).data() == lower.data());
  CHECK(first == "abc");
  cache.begin(event);
  CHECK(cache.folded(args, 0, "XYZ") == "xyz");
  CHECK(cache.folded(args, 1, "UVW") == "uvw");
}

TEST_CASE("views stay good while an event has many and large values", "[text_cache]") {
  Schema schema;
  TextCache cache(schema);
  Event event;
  const FieldId args = process_field(Leaf::kArgs);
  for (int round = 0; round < 3; ++round) {
    cache.begin(event);
    std::vector<std::string_view> views;
    std::vector<std::string> texts;
    for (size_t i = 0; i < 3000; ++i)
      texts.push_back(std::string(i % 500 == 0 ? 200'000 : 20, 'A') + std::to_string(i));
    for (size_t i = 0; i < texts.size(); ++i) views.push_back(cache.folded(args, i, texts[i]));
    size_t wrong = 0;
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::string want = std::string(i % 500 == 0 ? 200'000 : 20, 'a') + std::to_string(i);
      if (views[i] != want || cache.folded(args, i, texts[i]).data() != views[i].data()) ++wrong;
    }
    CHECK(wrong == 0);
  }
}

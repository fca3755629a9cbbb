#include "engine/literal_index.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "bench/random.h"

namespace detectd {
namespace {

using Kind = TextKey::Kind;

bool has(std::string_view text, const TextKey& key) {
  switch (key.kind) {
    case Kind::kWhole: return text == key.text;
    case Kind::kLastPart: {
      const size_t begin = text.rfind(key.text.front());
      return begin != std::string_view::npos && text.substr(begin) == key.text;
    }
    case Kind::kWithin: return text.find(key.text) != std::string_view::npos;
  }
  return false;
}

std::set<uint32_t> found(const LiteralIndex& index, std::string_view text) {
  std::set<uint32_t> owners;
  index.find(text, [&](uint32_t owner) { owners.insert(owner); });
  return owners;
}

// Few letters, so that texts share much.
std::string random_text(bench::Random& random, size_t longest) {
  std::string text;
  for (size_t i = random.below(longest + 1); i > 0; --i) text += "ab/\\"[random.below(4)];
  return text;
}

}  // namespace

TEST_CASE("an index finds the keys that a text has, wherever they stand in it", "[literal_index]") {
  LiteralIndex index;
  index.add({Kind::kWithin, "/etc/shadow"}, 1);
  index.add({Kind::kWithin, "shadow"}, 2);
  index.add({Kind::kWithin, "curl"}, 3);
  index.add({Kind::kWhole, "sh"}, 4);
  index.add({Kind::kWhole, ""}, 5);
  index.add({Kind::kLastPart, "/sh"}, 6);
  index.add({Kind::kLastPart, "\\cmd.exe"}, 7);
  index.add({Kind::kWithin, "curl"}, 8);
  index.build();
  CHECK(found(index, "/etc/shadow") == std::set<uint32_t>{1, 2});
  CHECK(found(index, "curl x/shadow") == std::set<uint32_t>{2, 3, 8});
  CHECK(found(index, "xcurl") == std::set<uint32_t>{3, 8});
  CHECK(found(index, "sh") == std::set<uint32_t>{4});
  CHECK(found(index, "") == std::set<uint32_t>{5});
  CHECK(found(index, "/bin/sh") == std::set<uint32_t>{6});
  CHECK(found(index, "c:\\x\\cmd.exe") == std::set<uint32_t>{7});
  CHECK(found(index, "/bin/shx").empty());
  CHECK(found(index, "cur").empty());
}

TEST_CASE("an index agrees with looking for one key after the other", "[literal_index]") {
  bench::Random random(1);
  for (int round = 0; round < 200; ++round) {
    LiteralIndex index;
    std::vector<TextKey> keys;
    for (uint32_t owner = 0; owner < 40; ++owner) {
      TextKey key{Kind(random.below(3)), random_text(random, 9)};
      if (key.kind == Kind::kLastPart) {
        std::erase_if(key.text, [](char c) { return c == '/' || c == '\\'; });
        key.text.insert(key.text.begin(), "/\\"[random.below(2)]);
      }
      if (!LiteralIndex::indexable(key)) key.text += "aaaa";
      index.add(key, owner);
      keys.push_back(std::move(key));
    }
    index.build();
    for (int i = 0; i < 50; ++i) {
      const std::string text = random_text(random, 30);
      std::set<uint32_t> wanted;
      for (uint32_t owner = 0; owner < keys.size(); ++owner) {
        if (has(text, keys[owner])) wanted.insert(owner);
      }
      CAPTURE(round, text);
      CHECK(found(index, text) == wanted);
    }
  }
}

TEST_CASE("what ordinary hosts run all the time is known to be common", "[literal_index]") {
  CHECK(frequency_of({Kind::kWithin, "/usr/bin/"}) > 0.2);
  CHECK(frequency_of({Kind::kLastPart, "/sed"}) > frequency_of({Kind::kLastPart, "/ncat"}));
  CHECK(frequency_of({Kind::kWithin, "/usr/bin/ncat"}) < 0.01);
  CHECK(frequency_of({Kind::kWithin, "ab"}) > frequency_of({Kind::kWithin, "qzxw"}));
}

}  // namespace detectd

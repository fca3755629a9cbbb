#include "engine/hits_digest.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <random>
#include <vector>

using namespace detectd;

namespace {

HitId id_of(uint8_t number) {
  HitId id{};
  id[0] = number;
  id[15] = static_cast<uint8_t>(~number);
  return id;
}

}  // namespace

TEST_CASE("the digest of hits is that of their sorted ids, in whatever order they came", "[hits_digest]") {
  std::vector<uint8_t> numbers(200);
  std::iota(numbers.begin(), numbers.end(), uint8_t{0});
  Sha256Hasher hasher;
  for (const uint8_t number : numbers) {
    const HitId id = id_of(number);
    hasher.add(std::string_view(reinterpret_cast<const char*>(id.data()), id.size()));
  }
  const Sha256 want = hasher.finish();
  std::mt19937 random(1);
  for (int round = 0; round < 10; ++round) {
    std::shuffle(numbers.begin(), numbers.end(), random);
    HitsDigest digest;
    for (size_t i = 0; i < numbers.size(); ++i) {
      digest.add(id_of(numbers[i]));
      // Asking in between changes nothing.
      if (i % 50 == 0) CHECK(digest.digest() != want);
    }
    CHECK(digest.digest() == want);
  }
}

TEST_CASE("more hits than can be kept have no digest rather than a wrong one", "[hits_digest]") {
  HitsDigest digest(3);
  for (uint8_t i = 0; i < 3; ++i) digest.add(id_of(i));
  CHECK(digest.digest());
  digest.add(id_of(3));
  CHECK_FALSE(digest.digest());
  digest.add(id_of(4));
  CHECK_FALSE(digest.digest());
}

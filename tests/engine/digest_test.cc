#include "engine/digest.h"

#include <catch2/catch.hpp>

using detectd::Sha256Hasher;

namespace {

std::string digest_of(std::string_view bytes) {
  Sha256Hasher hasher;
  hasher.add(bytes);
  return detectd::hex(hasher.finish());
}

}  // namespace

TEST_CASE("SHA-256 gives the values of FIPS 180-4", "[digest]") {
  CHECK(digest_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(digest_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("a hasher is empty again after finish", "[digest]") {
  Sha256Hasher hasher;
  hasher.add("something else");
  hasher.finish();
  hasher.add("a");
  hasher.add("bc");
  CHECK(detectd::hex(hasher.finish()) == digest_of("abc"));
}

TEST_CASE("parts of a digest do not run into each other", "[digest]") {
  Sha256Hasher hasher;
  hasher.add_part("ab");
  hasher.add_part("c");
  const auto one = hasher.finish();
  hasher.add_part("a");
  hasher.add_part("bc");
  CHECK(one != hasher.finish());
  hasher.add_number(-2);
  CHECK(detectd::hex(hasher.finish()) == digest_of("\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF"));
}

TEST_CASE("bytes are written in the encodings of RFC 4648", "[digest]") {
  struct Case {
    std::string_view bytes, base64, base64url, hex;
  };
  constexpr Case kCases[] = {
      {"", "", "", ""},
      {"f", "Zg==", "Zg", "66"},
      {"fo", "Zm8=", "Zm8", "666f"},
      {"foo", "Zm9v", "Zm9v", "666f6f"},
      {"foob", "Zm9vYg==", "Zm9vYg", "666f6f62"},
      {"\xFB\xEF\xFF", "++//", "--__", "fbefff"},
  };
  for (const Case& c : kCases) {
    CAPTURE(c.hex);
    CHECK(detectd::base64(c.bytes) == c.base64);
    CHECK(detectd::base64url(c.bytes) == c.base64url);
    CHECK(detectd::hex(c.bytes) == c.hex);
  }
}

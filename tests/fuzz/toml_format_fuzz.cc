// TOML text of anybody: formatted without a fault, and where it is TOML it says the same and stays as it is from then on.
#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/toml_format.h"
#include "tests/fuzz/property.h"

using namespace detectd;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const SourceFile before{"fuzz.toml", std::string(reinterpret_cast<const char*>(data), size)};
  const SourceFile after{"fuzz.toml", format_toml(before.text)};
  REQUIRE_PROPERTY(after.text.size() <= 8 * size + 64);
  if (!is_same_toml(before, before)) return 0;
  REQUIRE_PROPERTY(is_same_toml(before, after));
  REQUIRE_PROPERTY(format_toml(after.text) == after.text);
  return 0;
}

// A line that somebody sends to the control socket, or that a daemon answers with. What is understood is encoded in one
// canonical form that is understood as the same; what is not has words for it, on one line.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "src/control/daemon_status.h"
#include "src/control/protocol.h"
#include "src/json_value.h"
#include "tests/fuzz/property.h"

using namespace detectd;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > kMaxRequestBytes) return 0;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto request = parse_request(line);
  if (request) {
    const std::string encoded = encode(*request);
    REQUIRE_PROPERTY(encoded.find('\n') == encoded.size() - 1);
    const auto again = parse_request(encoded);
    REQUIRE_PROPERTY(again);
    REQUIRE_PROPERTY(encode(*again) == encoded);
  } else {
    const std::string told = error_line(request.error());
    REQUIRE_PROPERTY(told.find('\n') == told.size() - 1);
    REQUIRE_PROPERTY(parse_json_object(told));
  }
  if (const auto object = parse_json_object(line)) {
    const std::string encoded = encode(parse_status(*object));
    REQUIRE_PROPERTY(encoded.find('\n') == encoded.size() - 1);
    const auto again = parse_json_object(encoded);
    REQUIRE_PROPERTY(again);
    REQUIRE_PROPERTY(encode(parse_status(*again)) == encoded);
  }
  return 0;
}

// Bytes as what fanotify gave to one read, and as /proc/PID/syscall: whatever they are, no message reaches beyond
// them, none is met twice, and a descriptor is one or -1.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "src/enrich/coming_exec.h"
#include "src/sources/exec_permission.h"
#include "tests/fuzz/property.h"

using namespace detectd;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kSmallestMessage = 24;
  ExecRequests requests(std::as_bytes(std::span(data, size)));
  size_t messages = 0;
  while (const auto request = requests.next()) {
    ++messages;
    REQUIRE_PROPERTY(request->file >= -1);
    REQUIRE_PROPERTY(request->pidfd >= -1);
    REQUIRE_PROPERTY(!request->overflow || (request->file == -1 && request->pidfd == -1));
    REQUIRE_PROPERTY(!requests.broken());
  }
  REQUIRE_PROPERTY(messages * kSmallestMessage <= size);
  REQUIRE_PROPERTY(!requests.next());

  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto call = parse_exec_call(text)) REQUIRE_PROPERTY(text.find(' ') != std::string_view::npos);
  return 0;
}

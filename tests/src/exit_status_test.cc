#include "src/exit_status.h"

#include <catch2/catch.hpp>

namespace detectd {

TEST_CASE("of several exit statuses the gravest is taken", "[exit_status]") {
  using enum ExitStatus;
  struct Case {
    std::vector<ExitStatus> in;
    ExitStatus want;
  };
  for (const Case& c : {
           Case{{}, kDone},
           Case{{kIncomplete}, kIncomplete},
           Case{{kIncomplete, kCutShort}, kCutShort},
           Case{{kCutShort, kNo}, kNo},
           Case{{kNo, kInput, kIncomplete}, kInput},
           Case{{kInput, kRules}, kRules},
           Case{{kRules, kUsage}, kUsage},
           Case{{kUsage, kSystem}, kSystem},
           Case{{kSystem, kInternal}, kInternal},
           Case{{kInternal, kTerminated}, kTerminated},
           Case{{kNo, kInterrupted}, kInterrupted},
       }) {
    CHECK(static_cast<int>(first_of(c.in)) == static_cast<int>(c.want));
  }
}

}  // namespace detectd

#include "src/report/progress.h"

#include <catch2/catch.hpp>

#include "engine/escape.h"

namespace detectd {

TEST_CASE("the progress of a file is told in percent, of a pipe in events", "[report]") {
  constexpr int64_t kSecond = 1'000'000'000;
  CHECK(progress_line({.events = 600'000, .bytes_read = 30, .bytes_total = 60}, 2 * kSecond, 80) ==
        "[================>                ]   50 %  600,000 events  300,000/s  0:02 left");
  CHECK(progress_line({.events = 600'000}, 65 * kSecond, 80) == "600,000 events  9,230/s  1:05");
  CHECK(progress_line({.events = 7, .bytes_read = 60, .bytes_total = 60}, kSecond, 80) ==
        "[========================================]  100 %  7 events  7/s");
}

TEST_CASE("the progress fits the terminal", "[report]") {
  for (const size_t columns : {size_t{1}, size_t{10}, size_t{39}, size_t{60}, size_t{200}}) {
    const Progress progress{.events = 123'456'789, .bytes_read = 1, .bytes_total = 10};
    CHECK(display_width(progress_line(progress, 5'000'000'000, columns)) <= columns);
  }
}

}  // namespace detectd

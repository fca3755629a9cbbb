#include "src/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <functional>
#include <memory>

#include "tests/support/hits.h"

namespace detectd {
namespace {

// What `say` writes to standard error.
std::string logged(const log::Options& options, const std::function<void()>& say) {
  FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  std::fflush(stderr);
  const int saved = dup(STDERR_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  log::set_up(options);
  say();
  std::fflush(stderr);
  dup2(saved, STDERR_FILENO);
  close(saved);
  log::set_up({});
  std::rewind(file);
  std::string text;
  char buffer[4096];
  size_t size = 0;
  while ((size = std::fread(buffer, 1, sizeof buffer, file)) > 0) text.append(buffer, size);
  std::fclose(file);
  return text;
}

}  // namespace

TEST_CASE("TRUST 36: format specifications in a message are text", "[log]") {
  for (const char* text : {"{}", "{0}", "%n%s", "{:x}", "{{}}"}) {
    CHECK(logged({}, [&] { log::error(text); }) == std::string("error: ") + text + "\n");
  }
}

TEST_CASE("TRUST 33, 34: a message is one line without control characters", "[log]") {
  for (const bool json : {false, true}) {
    for (const std::string& text : hostile_texts()) {
      CAPTURE(text);
      const std::string line = logged({.json = json}, [&] { log::warning(text); });
      CHECK(std::count(line.begin(), line.end(), '\n') == 1);
      CHECK(std::all_of(line.begin(), line.end() - 1, [](unsigned char c) { return c >= 0x20; }));
    }
  }
}

TEST_CASE("quiet leaves errors only, and information is for those who ask", "[log]") {
  const auto say_all = [] {
    log::error("e");
    log::warning("w");
    log::note("n");
    log::info("i");
  };
  CHECK(logged({}, say_all) == "error: e\nwarning: w\nnote: n\n");
  CHECK(logged({.quiet = true}, say_all) == "error: e\n");
  CHECK(logged({.verbose = true}, say_all) == "error: e\nwarning: w\nnote: n\ninfo: i\n");
}

}  // namespace detectd

#include "engine/response_outcome.h"

#include <catch2/catch.hpp>

namespace detectd {

TEST_CASE("an outcome is the same text after it was taken apart", "[response]") {
  for (const char* const text :
       {"killed, reactive, 3124 us", "killed, reactive, 5210 us, 12 processes", "refused: budget, reactive",
        "replay", "superseded", "pending, at_exec, 0 us"}) {
    CHECK(to_string(parse_response_outcome(text)) == text);
  }
  const ResponseOutcome outcome = parse_response_outcome("killed, reactive, 5210 us, 12 processes");
  CHECK(outcome.what == "killed");
  CHECK(outcome.level == "reactive");
  CHECK(outcome.after_us == 5210);
  CHECK(outcome.processes == 12);
  CHECK(parse_response_outcome("killed, by hand").what == "killed, by hand");
}

TEST_CASE("an outcome's parts are members of their own in JSON", "[response]") {
  std::string json;
  append_outcome_json("killed, reactive, 5210 us, 12 processes", json);
  CHECK(json == R"("outcome":"killed","level":"reactive","after_us":5210,"processes":12)");
  json.clear();
  append_outcome_json("replay", json);
  CHECK(json == R"("outcome":"replay")");
}

}  // namespace detectd

#include "src/control/protocol.h"

#include <catch2/catch.hpp>

#include "src/control/daemon_status.h"
#include "src/control/process_list.h"
#include "src/json_value.h"

namespace detectd {
namespace {

using Verb = ControlRequest::Verb;

}  // namespace

TEST_CASE("what is asked is understood as it was asked", "[control]") {
  ControlRequest follow;
  follow.verb = Verb::kFollow;
  follow.kinds = {EventKind::kExec, EventKind::kLost};
  follow.contains = "a\"b\n";
  follow.hits = false;
  const ControlRequest requests[] = {
      {.verb = Verb::kStatus},
      {.verb = Verb::kReload},
      {.verb = Verb::kMode, .mode = "enforce"},
      {.verb = Verb::kTree, .pid = 4242},
      {.verb = Verb::kTree},
      follow,
      {.verb = Verb::kMutes},
      {.verb = Verb::kMute, .rule = "web_shell", .for_ns = 7'200'000'000'000, .reason = "we know"},
      {.verb = Verb::kUnmute, .rule = "web_shell"},
  };
  for (const ControlRequest& request : requests) {
    const std::string line = encode(request);
    CAPTURE(line);
    CHECK(line.find('\n') == line.size() - 1);
    const auto read = parse_request(line);
    REQUIRE(read);
    CHECK(encode(*read) == line);
  }
}

TEST_CASE("a status is read as it was told, hostile texts too", "[control]") {
  DaemonStatus status;
  status.version = "1.2.3";
  status.pid = 77;
  status.blind = true;
  status.lost = 1'412;
  status.mode_by = "uid 0, pid 3 \x1b[2J \"quoted\"";
  status.hits = {{"low", 2}, {"high", 40}};
  status.sinks = {
      {.name = "journal", .type = "journal", .works = false, .delivered = 3, .error = "no such socket"}};
  status.mutes = {{.rule = "r", .until_ns = 5, .reason = "why", .by = "uid 0"}};
  status.counts = {{"events from the kernel", 9}};
  const std::string line = encode(status);
  const auto object = parse_json_object(line);
  REQUIRE(object);
  CHECK(encode(parse_status(*object)) == line);
  CHECK(parse_status(*object).all_hits() == 42);
  CHECK(line.find('\x1b') == std::string::npos);
}

TEST_CASE("what is wrong now, or was within an hour, is named with a way out", "[control]") {
  DaemonStatus status;
  status.now_ns = 10'000'000'000'000;
  CHECK(status.troubles().empty());
  status.gaps = 1;
  status.last_gap_ns = status.now_ns - 3'700'000'000'000;
  CHECK(status.troubles().empty());
  status.last_gap_ns = status.now_ns - 3'500'000'000'000;
  CHECK(status.troubles() ==
        std::vector<std::string>{"something was not seen within the last hour: detectctl gaps lists it"});
  status.blind = true;
  CHECK(status.troubles() ==
        std::vector<std::string>{"no events come from the kernel: see detectctl doctor"});
  status = {};
  status.reload_error = "2 mistakes in the rules";
  status.in_spill = 1;
  status.in_memory = 2;
  status.dropped = 3;
  status.sinks = {{.name = "hook", .works = false, .dropped = 4, .error = "connection refused"}};
  CHECK(status.troubles().size() == 6);
}

TEST_CASE("JSON of a line is read strictly, and to a depth", "[json_value]") {
  const auto object = parse_json_object(
      R"( {"a" : "x\u00e9\n", "b":[1, -2.5, {"c":true}], "d":null, "e":{}, "f":1e99, "g":[]} )");
  REQUIRE(object);
  CHECK(object->text_of("a") == "x\u00e9\n");
  REQUIRE(object->elements_of("b").size() == 3);
  CHECK(object->elements_of("b")[0].number == 1);
  CHECK(object->elements_of("b")[1].number == -2);
  CHECK(object->elements_of("b")[2].boolean_of("c"));
  CHECK(object->find("d")->kind == JsonValue::Kind::kNull);
  CHECK(object->find("e")->kind == JsonValue::Kind::kObject);
  CHECK(object->number_of("f") == std::numeric_limits<int64_t>::max());
  CHECK(object->text_of("f", "other") == "other");
  for (const std::string bad :
       {"", "{", "[]", "{\"a\":1,\"a\":2}", "{\"a\":01}", "{\"a\":1}x", "{\"a\":tru}"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_json_object(bad));
  }
  CHECK_FALSE(parse_json_object("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}"));
}

}  // namespace detectd

// That keys which are expected are compared, and others looked for, must not be seen from outside.
#include "engine/line_shapes.h"

#include <catch2/catch.hpp>

#include "bench/random.h"
#include "engine/event_codec.h"
#include "tests/support/event_dump.h"

using namespace detectd;

namespace {

Schema schema_with_labels() {
  Schema schema;
  for (size_t i = 0; i < kFieldCount; ++i) schema.want(FieldId(static_cast<uint16_t>(i)));
  for (const char* const name : {"labels.a", "vendor.x.y"})
    schema.want(*schema.add(name, FieldType::kAny, false));
  schema.want_all_text();
  return schema;
}

std::string read(EventDecoder& decoder, const Schema& schema, std::string_view line) {
  const std::string buffer = std::string(line) + '\n' + std::string(EventDecoder::kPadding, '\0');
  Event event;
  LineNotes notes;
  const auto problem = decoder.decode(std::string_view(buffer).substr(0, line.size()), event, notes);
  if (problem) return problem->code + " " + std::to_string(problem->column) + " " + problem->message;
  std::string text = dump(event, schema) + std::string(event.raw());
  for (const bool note : {notes.header, notes.no_action, notes.unknown_action, notes.no_time, notes.no_pid,
                          notes.replaced_bytes, notes.values_dropped}) {
    text += note ? '1' : '0';
  }
  return text;
}

const std::vector<std::string> kLines = {
    R"({"@timestamp":"2026-11-20T14:00:00Z","event":{"action":"exec"},"process":{"pid":7,"args":["a","b"],"parent":{"pid":1}}})",
    R"({"@timestamp":"2026-11-20T14:00:00Z","event":{"action":"end"},"process":{"pid":7,"exit_code":0}})",
    R"({"@timestamp":"2026-11-20T14:00:00Z","event":{"action":"fork"},"process":{"pid":7,"parent":{"pid":1}},"labels":{"a":"x","b":[1,"t"]}})",
    R"({ "process" : { "pid" : 7 , "name" : "s\u0068" } , "vendor" : { } , "more" : { "deep" : { "er" : null } } })",
    R"({"process":{},"process.pid":7,"vendor.x":{"y":3}})",
    R"({"list":[{"k":1},{"k":2}],"process":{"pid":1}})",
    R"({"list":[1,2],"process":{"pid":1}})",
    R"({"a_name_that_is_quite_long":1,"a_name_that_is_quite_lone":2,"process":{"pid":9}})",
    R"({"k\u0061":1,"process":{"pid":9}})",
    R"({"detectd":{"capture":1,"version":"1"},"host":{"name":"h"}})",
    R"({"user":{"id":3},"process":{"user":{"id":4},"pid":1}})",
    R"({"process":{"pid":7},"process":{"name":"x"}})",
    R"({"x":{"y":1},"x":{"y":2}})",
    R"({"process":{"pid":7}})",
    R"({})",
};

std::string mutated(bench::Random& random, std::string line) {
  constexpr std::string_view kBytes = "{}[],:\"\\ a1.";
  for (size_t n = 1 + random.below(3); n > 0 && !line.empty(); --n) {
    const size_t at = random.below(line.size());
    switch (random.below(4)) {
      case 0: line.erase(at, 1 + random.below(3)); break;
      case 1: line[at] = kBytes[random.below(kBytes.size())]; break;
      case 2: line.insert(at, 1, kBytes[random.below(kBytes.size())]); break;
      default: line.insert(random.below(line.size()), line.substr(at, random.below(24))); break;
    }
  }
  return line;
}

}  // namespace

TEST_CASE("a line is read the same whatever lines were read before", "[event_codec][line_shapes]") {
  const Schema schema = schema_with_labels();
  EventDecoder used(schema);
  bench::Random random(11);
  size_t good = 0;
  for (int round = 0; round < 6000; ++round) {
    const std::string& line = kLines[random.below(kLines.size())];
    const std::string shown = random.chance(0.4) ? line : mutated(random, line);
    EventDecoder fresh(schema);
    const std::string want = read(fresh, schema, shown);
    CAPTURE(shown);
    CHECK(read(used, schema, shown) == want);
    // Now its shape is known.
    CHECK(read(used, schema, shown) == want);
    good += want[0] != 'D' ? 1 : 0;
  }
  // It was about something.
  CHECK(good > 2000);
}

TEST_CASE("a shape is found by the keys in their order and their objects, and no other", "[line_shapes]") {
  const auto text = [](std::string key) { return key + "\"" + std::string(LineShapes::kPadding, '.'); };
  LineShapes shapes;
  CHECK(shapes.root() == LineShapes::kNone);
  shapes.begin();
  shapes.add("event", {.node = 1, .depth = 1, .object = true});
  shapes.add("a_key_of_more_than_sixteen_bytes", {.node = 2, .depth = 2});
  shapes.add("b", {.node = 3, .closed = 1, .depth = 1});
  shapes.keep();
  const uint32_t first = shapes.find(shapes.root(), text("event").c_str(), 0);
  REQUIRE(first != LineShapes::kNone);
  CHECK(shapes.step(first).node == 1);
  CHECK(shapes.find(shapes.root(), text("events").c_str(), 0) == LineShapes::kNone);
  CHECK(shapes.find(shapes.root(), text("even").c_str(), 0) == LineShapes::kNone);
  const uint32_t next = shapes.step(first).next;
  CHECK(shapes.find(next, text("a_key_of_more_than_sixteen_bytes").c_str(), 0) != LineShapes::kNone);
  CHECK(shapes.find(next, text("a_key_of_more_thxn_sixteen_bytes").c_str(), 0) == LineShapes::kNone);
  const uint32_t last = shapes.step(next).next;
  CHECK(shapes.find(last, text("b").c_str(), 1) != LineShapes::kNone);
  CHECK(shapes.find(last, text("b").c_str(), 0) == LineShapes::kNone);
}

TEST_CASE("shapes are bounded: of too many, or too many keys at a place, all are forgotten",
          "[line_shapes]") {
  LineShapes shapes;
  const auto keep = [&](size_t first, size_t count) {
    std::vector<std::string> keys;
    for (size_t i = 0; i < count; ++i) keys.push_back("key" + std::to_string(first + i));
    shapes.begin();
    for (const std::string& key : keys) shapes.add(key, {});
    shapes.keep();
  };
  const auto known = [&](size_t number) {
    const std::string text = "key" + std::to_string(number) + "\"" + std::string(LineShapes::kPadding, '.');
    return shapes.find(shapes.root(), text.c_str(), 0) != LineShapes::kNone;
  };
  for (size_t i = 0; i < LineShapes::kMaxOthers; ++i) keep(i, 1);
  CHECK(known(0));
  keep(100, 1);
  CHECK_FALSE(known(0));
  CHECK(known(100));
  keep(200, LineShapes::kMaxSteps - 1);
  CHECK(known(100));
  keep(300, 1);
  CHECK_FALSE(known(100));
  CHECK(known(300));
  // One that is too long by itself is not kept at all.
  keep(400, LineShapes::kMaxSteps + 1);
  CHECK_FALSE(known(400));
  CHECK(known(300));
}

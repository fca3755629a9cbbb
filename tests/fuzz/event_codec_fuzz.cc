// An input is one captured line. It is read or refused without a crash, and the same way by every schema;
// the fast reader and the strict checker agree on whether it is JSON; what was read and written again reads
// back as it was.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/escape.h"
#include "engine/event_codec.h"
#include "engine/json_place.h"
#include "tests/fuzz/property.h"

using namespace detectd;

namespace {

Schema full_schema() {
  Schema schema;
  for (const char* const name : {"labels.a", "labels.a.b", "x", "x.y", "vendor.score", "process.x"}) {
    schema.want(*schema.add(name, FieldType::kAny, false));
  }
  schema.want(*schema.add("n", FieldType::kInteger, false));
  schema.want(*schema.add("b", FieldType::kBoolean, true));
  for (size_t i = 0; i < kFieldCount; ++i) schema.want(FieldId(static_cast<uint16_t>(i)));
  return schema;
}

Schema keyword_schema() {
  Schema schema;
  schema.want_all_text();
  return schema;
}

struct Reading {
  Event event;
  LineNotes notes;
  std::optional<LineProblem> problem;
};

Reading read(EventDecoder& decoder, std::string_view line) {
  Reading reading;
  // On the heap and of exact size, so that the address sanitizer sees every byte too far.
  std::string buffer(line);
  buffer += '\n';
  buffer.append(EventDecoder::kPadding - 1, '}');
  buffer.shrink_to_fit();
  reading.problem =
      decoder.decode(std::string_view(buffer).substr(0, line.size()), reading.event, reading.notes);
  return reading;
}

// The same between two good lines, as a replay meets it.
Reading read_among_others(EventDecoder& decoder, std::string_view line) {
  constexpr std::string_view kGood = R"({"process":{"pid":1,"name":"a"}})";
  std::string buffer;
  for (const std::string_view part : {kGood, line, kGood}) {
    buffer += part;
    buffer += '\n';
  }
  buffer.append(EventDecoder::kPadding, '\0');
  buffer.shrink_to_fit();
  const std::string_view text = buffer;
  Event before;
  Event after;
  Reading reading;
  std::array<LineToDecode, 3> lines{};
  lines[0].text = text.substr(0, kGood.size());
  lines[0].event = &before;
  lines[1].text = text.substr(kGood.size() + 1, line.size());
  lines[1].event = &reading.event;
  lines[2].text = text.substr(kGood.size() + line.size() + 2, kGood.size());
  lines[2].event = &after;
  decoder.decode(lines);
  for (const LineToDecode& good : {lines[0], lines[2]}) {
    REQUIRE_PROPERTY(!good.problem && !good.notes.replaced_bytes);
    REQUIRE_PROPERTY(good.event->find_carried(process_field(Leaf::kPid)).number == 1);
  }
  reading.notes = lines[1].notes;
  reading.problem = lines[1].problem;
  return reading;
}

bool same_value(const FieldView& a, const FieldView& b) {
  return a.type == b.type && a.text == b.text && a.number == b.number && a.real == b.real;
}

void require_same(const Event& a, const Event& b, const Schema& schema) {
  REQUIRE_PROPERTY(a.kind == b.kind);
  REQUIRE_PROPERTY(a.time_ns == b.time_ns);
  REQUIRE_PROPERTY(a.has_time == b.has_time);
  REQUIRE_PROPERTY(a.sequence == b.sequence);
  for (size_t i = 0; i < schema.size(); ++i) {
    const FieldId id{static_cast<uint16_t>(i)};
    if (id == schema.other_text()) continue;
    // A kind without event.action is written, and then carried.
    REQUIRE_PROPERTY(a.carries(id) == b.carries(id));
    REQUIRE_PROPERTY(a.withheld(id) == b.withheld(id));
    if (!a.carries(id)) continue;
    REQUIRE_PROPERTY(a.carries_list(id) == b.carries_list(id));
    REQUIRE_PROPERTY(a.count(id) == b.count(id));
    for (size_t n = 0; n == 0 || n < a.count(id); ++n) {
      REQUIRE_PROPERTY(same_value(a.find_carried(id, n), b.find_carried(id, n)));
    }
  }
}

void require_sound(const LineProblem& problem, std::string_view line) {
  REQUIRE_PROPERTY(problem.code.size() == 4);
  REQUIRE_PROPERTY(!problem.message.empty());
  REQUIRE_PROPERTY(problem.message != "this line cannot be read as JSON");
  REQUIRE_PROPERTY(problem.column >= 1 && problem.column <= line.size() + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Schema full = full_schema();
  static const Schema empty;
  static const Schema keywords = keyword_schema();
  // Kept from line to line, as they are in a replay.
  static EventDecoder full_decoder(full);
  static EventDecoder empty_decoder(empty);
  static EventDecoder keyword_decoder(keywords);

  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const Reading reading = read(full_decoder, line);
  for (EventDecoder* const decoder : {&empty_decoder, &keyword_decoder}) {
    const Reading other = read(*decoder, line);
    REQUIRE_PROPERTY(other.problem.has_value() == reading.problem.has_value());
    if (!reading.problem) continue;
    REQUIRE_PROPERTY(other.problem->code == reading.problem->code);
    REQUIRE_PROPERTY(other.problem->column == reading.problem->column);
  }
  // A newline in it would make it two lines.
  if (line.find('\n') == std::string_view::npos) {
    const Reading among = read_among_others(full_decoder, line);
    REQUIRE_PROPERTY(among.problem.has_value() == reading.problem.has_value());
    if (reading.problem) REQUIRE_PROPERTY(among.problem->message == reading.problem->message);
    if (!reading.problem) require_same(among.event, reading.event, full);
  }
  std::string valid;
  replace_invalid_utf8(line, valid);
  const bool broken = find_json_mistake(valid, EventDecoder::kMaxDepth).has_value();
  if (reading.problem) {
    require_sound(*reading.problem, line);
    REQUIRE_PROPERTY(broken || reading.problem->code == "D304" || reading.problem->code == "D306");
    return 0;
  }
  REQUIRE_PROPERTY(!broken);
  REQUIRE_PROPERTY(reading.event.raw() == valid);
  if (reading.notes.header) return 0;

  std::string written;
  encode(reading.event, full, written);
  REQUIRE_PROPERTY(written.find('\n') == std::string::npos);
  const Reading again = read(full_decoder, written);
  REQUIRE_PROPERTY(!again.problem);
  REQUIRE_PROPERTY(!again.notes.replaced_bytes);
  require_same(reading.event, again.event, full);
  return 0;
}

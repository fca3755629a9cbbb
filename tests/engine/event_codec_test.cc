#include "engine/event_codec.h"

#include <catch2/catch.hpp>

#include "engine/json_place.h"
#include "engine/json_text.h"
#include "tests/support/event_dump.h"

using namespace detectd;

namespace {

// A line with what must follow it.
std::string padded(std::string_view line) {
  return std::string(line) + '\n' + std::string(EventDecoder::kPadding, '\0');
}

struct Decoded {
  Event event;
  LineNotes notes;
  std::optional<LineProblem> problem;
};

Decoded decode(std::string_view line, const Schema& schema) {
  Decoded decoded;
  EventDecoder decoder(schema);
  const std::string buffer = padded(line);
  decoded.problem =
      decoder.decode(std::string_view(buffer).substr(0, line.size()), decoded.event, decoded.notes);
  return decoded;
}

Schema schema_of_everything() {
  Schema schema;
  for (size_t i = 0; i < kFieldCount; ++i) schema.want(FieldId(static_cast<uint16_t>(i)));
  for (const char* const name : {"labels.a", "labels.a.b", "vendor.score", "vendor"}) {
    schema.want(*schema.add(name, FieldType::kAny, false));
  }
  schema.want(*schema.add("vendor.count", FieldType::kInteger, false));
  return schema;
}

std::string fields_of(std::string_view line) {
  const Schema schema = schema_of_everything();
  const Decoded decoded = decode(line, schema);
  if (decoded.problem) return decoded.problem->code + ": " + decoded.problem->message;
  return dump(decoded.event, schema);
}

std::string problem_of(std::string_view line) {
  const Decoded decoded = decode(line, Schema());
  if (!decoded.problem) return "none";
  return std::to_string(decoded.problem->column) + " " + decoded.problem->code + ": " +
         decoded.problem->message;
}

std::string notes_of(std::string_view line) {
  const LineNotes notes = decode(line, schema_of_everything()).notes;
  std::string text;
  if (notes.header) text += " header";
  if (notes.no_action) text += " no_action";
  if (notes.unknown_action) text += " unknown_action";
  if (notes.no_time) text += " no_time";
  if (notes.no_pid) text += " no_pid";
  if (notes.replaced_bytes) text += " replaced";
  if (notes.values_dropped) text += " dropped";
  return text.empty() ? text : text.substr(1);
}

}  // namespace

TEST_CASE("names may be nested, dotted, or both at any level", "[event_codec]") {
  const std::string want =
      "end\n"
      "process.pid = 7\n"
      "process.parent.pid = 5\n"
      "process.parent.user.name = \"root\"\n"
      "event.action = \"end\"\n";
  for (
      const char* const line : {
          R"({"event":{"action":"end"},"process":{"pid":7,"parent":{"pid":5,"user":{"name":"root"}}}})",
          R"({"event.action":"end","process.pid":7,"process.parent.pid":5,"process.parent.user.name":"root"})",
          R"({"event":{"action":"end"},"process":{"pid":7,"parent.pid":5,"parent":{"user.name":"root"}}})",
          R"( { "event.action" : "end" , "process" : { "pid" : 7 } , "process.parent":{"pid":5,"user.name":"root" } } )",
          R"({"event.action":"end","process\u002epid":7,"pro\u0063ess":{"parent":{"pid":5,"user":{"name":"root"}}}})",
      }) {
    CAPTURE(line);
    CHECK(fields_of(line) == want);
  }
}

TEST_CASE("the kind is that of event.action, else of event.type", "[event_codec]") {
  struct Case {
    const char* line;
    EventKind kind;
    const char* notes;
  };
  const Case cases[] = {
      {R"({"event":{"action":"uid_change"},"process":{"pid":1}})", EventKind::kUidChange, "no_time"},
      {R"({"event":{"type":"end"},"process":{"pid":1}})", EventKind::kEnd, "no_action no_time"},
      {R"({"event":{"type":["process","end"]},"process":{"pid":1}})", EventKind::kEnd, "no_action no_time"},
      {R"({"event":{"type":"end","action":"fork"},"process":{"pid":1}})", EventKind::kFork, "no_time"},
      {R"({"event":{"type":"start","action":null},"process":{"pid":1}})", EventKind::kExec,
       "no_action no_time"},
      {R"({"event.action":"teleport","process.pid":1})", EventKind::kOther, "unknown_action no_time"},
      {R"({"event.action":"lost","@timestamp":"2026-11-20T14:03:07Z"})", EventKind::kLost, ""},
      {R"({"event.action":"health","@timestamp":"2026-11-20T14:03:07Z"})", EventKind::kHealth, ""},
      {R"({})", EventKind::kExec, "no_action no_time no_pid"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.line);
    CHECK(decode(c.line, Schema()).event.kind == c.kind);
    CHECK(notes_of(c.line) == c.notes);
  }
}

TEST_CASE("an event without event.action still has the field for rules that ask", "[event_codec]") {
  CHECK(fields_of(R"({"event":{"type":"end"}})") == "end\nevent.action = \"end\"\n");
}

TEST_CASE("values keep their type and their text as it was written", "[event_codec]") {
  CHECK(fields_of(
            R"({"event.action":"exec","process":{"name":5,"executable":5.0,"args":["a",1,true,null],)"
            R"("interactive":true,"command_line":"a\tb\ud83d\ude00","Ext":{"inode":18446744073709551615}},)"
            R"("vendor":{"score":1e3,"count":"12"}})") ==
        "exec\n"
        "process.name = 5\n"
        "process.executable = 5.0 (real)\n"
        "process.args = [\"a\", 1, true, null]\n"
        "process.command_line = \"a\tb\xF0\x9F\x98\x80\"\n"
        "process.interactive = true\n"
        "process.Ext.inode = 18446744073709551615 (real)\n"
        "event.action = \"exec\"\n"
        "vendor.score = 1e3 (real)\n"
        "vendor.count = 12\n");
}

TEST_CASE("decimal text is read as the integer that the table asks for", "[event_codec]") {
  CHECK(
      fields_of(
          R"({"event.action":"exec","process":{"pid":"18104","exit_code":"-1","user":{"id":"S-1-5-18"}}})") ==
      "exec\nprocess.pid = 18104\nprocess.exit_code = -1\nprocess.user.id = \"S-1-5-18\"\n"
      "event.action = \"exec\"\n");
}

TEST_CASE("one value stands where a list is expected, and a list where one value is", "[event_codec]") {
  CHECK(fields_of(R"({"event.action":["exec"],"process":{"args":"ls","pid":[3],"name":[]}})") ==
        "exec\nprocess.pid = [3]\nprocess.name = []\nprocess.args = \"ls\"\nevent.action = [\"exec\"]\n");
}

TEST_CASE("user and group at the top are the process's where it has none itself", "[event_codec]") {
  const std::string both =
      "exec\nprocess.user.id = 1000\nprocess.user.name = \"ann\"\nprocess.group.id = 3\n"
      "event.action = \"exec\"\nuser.audit.id = 7\n";
  CHECK(fields_of(R"({"event.action":"exec","user":{"id":0,"name":"ann","audit":{"id":7}},"group.id":3,)"
                  R"("process":{"user":{"id":1000}}})") == both);
  CHECK(fields_of(R"({"event.action":"exec","process":{"user":{"id":1000}},"group":{"id":3},)"
                  R"("user":{"name":"ann","id":0,"audit":{"id":7}}})") == both);
}

TEST_CASE("what detectd.missing names is withheld, unless the line has it", "[event_codec]") {
  const Schema schema = schema_of_everything();
  const Event event =
      decode(R"({"detectd":{"missing":["process.name","process.pid","user.id"]},"process":{"pid":1}})",
             schema)
          .event;
  CHECK(event.withheld(process_field(Leaf::kName)));
  CHECK(event.withheld(process_field(Leaf::kUserId)));
  CHECK_FALSE(event.withheld(process_field(Leaf::kPid)));
  CHECK_FALSE(event.withheld(process_field(Leaf::kArgs)));
}

TEST_CASE("only wanted fields are kept, and the whole line", "[event_codec]") {
  Schema schema;
  schema.want(process_field(Leaf::kPid));
  const char* const line = R"({"process":{"pid":1,"name":"sh"}})";
  const Event event = decode(line, schema).event;
  CHECK(dump(event, schema) == "exec\nprocess.pid = 1\n");
  CHECK(event.raw() == line);
}

TEST_CASE("text without a field of its own is kept for keyword searches", "[event_codec]") {
  Schema schema;
  schema.want_all_text();
  const Event event = decode(R"({"a":"one","b":{"c":["two",["three"],{"d":"f\u006fur"},5]},)"
                             R"("host":{"x":"no"},"event":{"kind":"no"},"detectd":{"x":"no"},)"
                             R"("process":{"name":"sh","x":"five","parent":{"x":"no"}}})",
                             schema)
                          .event;
  std::string texts;
  for (size_t i = 0; i < event.count(schema.other_text()); ++i) {
    texts += std::string(event.find(schema.other_text(), i).text) + " ";
  }
  CHECK(texts == "one two three four five ");
}

TEST_CASE("keyword searches see user.* also beside process.user.*, in whatever order", "[event_codec]") {
  Schema schema;
  schema.want_all_text();
  const std::string alias = R"("user":{"name":"alice"})";
  const std::string field = R"("process":{"user":{"name":"bob"}})";
  for (const std::string& line : {"{" + alias + "," + field + "}", "{" + field + "," + alias + "}"}) {
    CAPTURE(line);
    const Event event = decode(line, schema).event;
    CHECK(event.find(process_field(Leaf::kUserName)).text == "bob");
    CHECK(event.find(schema.other_text()).text == "alice");
  }
  const Event list = decode(R"({"process":{"user":{"name":"bob"}},"user":{"name":["x","y"]}})", schema).event;
  CHECK(list.find(schema.other_text(), 1).text == "y");
}

TEST_CASE("TRUST 26: a hundred thousand arguments are cut, and the event says so", "[event_codec]") {
  std::string line = R"({"process":{"pid":1,"args":["a")";
  for (int i = 1; i < 100'000; ++i) line += ",\"a\"";
  line += "]}}";
  const Decoded decoded = decode(line, schema_of_everything());
  REQUIRE_FALSE(decoded.problem);
  CHECK(decoded.event.count(process_field(Leaf::kArgs)) == EventDecoder::kMaxListElements);
  CHECK(decoded.event.find_carried(field::kArgvTruncated).number == 1);
  CHECK(decoded.notes.values_dropped);
}

TEST_CASE("TRUST bad input 39: broken JSON is told with its exact place", "[event_codec]") {
  struct Case {
    const char* line;
    const char* want;
  };
  const Case cases[] = {
      {"", "1 D300: expected '{': a line is one object"},
      {"[1]", "1 D300: expected '{': a line is one object"},
      {"oops", "1 D300: expected '{': a line is one object"},
      {R"({"a":1)", "7 D300: expected ',' or '}'"},
      {R"({"a":1 "b":2})", "8 D300: expected ',' or '}'"},
      {R"({"a":1}})", "8 D300: expected the end of the line after '}'"},
      {R"({"a":1} {"b":2})", "9 D300: expected the end of the line after '}'"},
      {R"({"a":{"b":1})", "13 D300: expected ',' or '}'"},
      {R"({"a":[1,2})", "10 D300: expected ',' or ']'"},
      {R"({"a":[1,]})", "9 D300: expected a value"},
      {R"({"a":1,})", "8 D300: expected a key in double quotes"},
      {R"({a:1})", "2 D300: expected a key in double quotes"},
      {R"({'a':1})", "2 D300: expected a key in double quotes"},
      {R"({"a" 1})", "6 D300: expected ':' after a key"},
      {R"({"a":})", "6 D300: expected a value"},
      {R"({"a":"b":1})", "9 D300: expected ',' or '}'"},
      {R"({"x":{"a":"b":1},"c":2}})", "14 D300: expected ',' or '}'"},
      {R"({"a":tru})", "6 D300: expected a value"},
      {R"({"a":truely})", "6 D300: expected a value"},
      {R"({"a":01})", "6 D300: expected a value"},
      {R"({"a":1.})", "6 D300: expected a value"},
      {R"({"a":+1})", "6 D300: expected a value"},
      {"{\"a\":1\x01}", "6 D300: expected a value"},
      {R"({"a":0x1})", "6 D300: expected a value"},
      {R"({"a":"é\x"})", "8 D300: unknown escape in a string"},
      {R"({"a":"\u12g4"})", "7 D300: unknown escape in a string"},
      {R"({"a\q":1})", "4 D300: unknown escape in a string"},
      {R"({"a":"b)", "6 D300: this string is not closed"},
      {"{\"a\":\"b\x01\"}", "8 D300: a control character in a string must be escaped"},
      {"{\"process\":{\"pid\":true}} x", "26 D300: expected the end of the line after '}'"},
      {"{\"a\":\"\xff\" 1}", "10 D300: expected ',' or '}'"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.line);
    CHECK(problem_of(c.line) == c.want);
  }
}

TEST_CASE("TRUST bad input 43: wrong types and ids are told with the path of the field", "[event_codec]") {
  struct Case {
    const char* line;
    const char* want;
  };
  const Case cases[] = {
      {R"({"process":{"pid":"x"}})",
       R"(19 D304: $.process.pid: expected a process id from 0 to 4194304, found "x")"},
      {R"({"process":{"pid":-5}})",
       "19 D304: $.process.pid: expected a process id from 0 to 4194304, found -5"},
      {R"({"process":{"pid":4194305}})",
       "19 D304: $.process.pid: expected a process id from 0 to 4194304, found 4194305"},
      {R"({"process":{"parent.pid":1.5}})",
       "26 D304: $.process.parent.pid: expected a process id from 0 to 4194304, found 1.5"},
      {R"({"process":{"pid":{}}})",
       "19 D304: $.process.pid: expected a process id from 0 to 4194304, found an object"},
      {R"({"process":{"args":[["a"]]}})", "21 D304: $.process.args: expected a text, found a list"},
      {R"({"process":{"name.x":1}})", "14 D304: $.process.name: expected a text, found an object"},
      {R"({"user":{"id":true}})", "15 D304: $.user.id: expected an id, found true"},
      {R"({"process":{"interactive":1}})", "27 D304: $.process.interactive: expected true or false, found 1"},
      {R"({"@timestamp":"yesterday"})",
       R"(15 D304: $.@timestamp: expected a time such as "2026-11-20T14:03:07.112Z", found "yesterday")"},
      {R"({"@timestamp":1732111111})",
       R"(15 D304: $.@timestamp: expected a time such as "2026-11-20T14:03:07.112Z", found 1732111111)"},
      {R"({"event":{"sequence":-1}})", "22 D304: $.event.sequence: expected an integer from 0, found -1"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.line);
    CHECK(problem_of(c.line) == c.want);
  }
  CHECK(problem_of(R"({"process":{"pid":4194304,"parent":{"pid":0},"group_leader":{"pid":-1}}})") == "none");
  CHECK(problem_of(R"({"process":"x","host":"web1","user":null,"labels":3})") == "none");
}

TEST_CASE("TRUST bad input 47: a name given twice is an error, nested or dotted, known or not",
          "[event_codec]") {
  struct Case {
    const char* line;
    const char* want;
  };
  const Case cases[] = {
      {R"({"a":1,"a":2})", "8 D308: the key 'a' is given twice, first in column 2"},
      {R"({"a":{},"\u0061":{}})", "9 D308: the key 'a' is given twice, first in column 2"},
      {R"({"process":{"pid":1},"process.pid":2})",
       "22 D308: the key 'process.pid' is given twice, first in column 13"},
      {R"({"x.y":1,"x":{"y":2}})", "15 D308: the key 'y' is given twice, first in column 2"},
      {R"({"l":[{"a":1},{"a":1,"a":2}]})", "22 D308: the key 'a' is given twice, first in column 16"},
      {R"({"process":{"pid":1},"process":{"name":"x"}})",
       "22 D308: the key 'process' is given twice, first in column 2"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.line);
    CHECK(problem_of(c.line) == c.want);
  }
  CHECK(problem_of(R"({"process":{"pid":1},"process.name":"x","l":[{"a":1},{"a":1}],"a":{"a":1}})") ==
        "none");
}

TEST_CASE("TRUST bad input 47: NaN and its like are errors", "[event_codec]") {
  CHECK(problem_of(R"({"a":NaN})") == "6 D309: NaN is not a number JSON has");
  CHECK(problem_of(R"({"a":[-Infinity]})") == "7 D309: -Infinity is not a number JSON has");
  CHECK(problem_of(R"({"a":1e999})") == "6 D309: this number is too large");
  CHECK(problem_of(R"({"a":1e-999,"b":0e999,"c":-0,"d":0.1})") == "none");
}

TEST_CASE("TRUST bad input 47: a bad byte or a lone surrogate becomes U+FFFD, and the line is used",
          "[event_codec]") {
  for (const char* const line : {"{\"event.action\":\"exec\",\"process.name\":\"a\xff"
                                 "b\"}",
                                 R"({"event.action":"exec","process.name":"a\ud800b"})",
                                 R"({"event.action":"exec","process.name":"a\udfffb"})"}) {
    CAPTURE(line);
    CHECK(fields_of(line) ==
          "exec\nprocess.name = \"a\xEF\xBF\xBD"
          "b\"\nevent.action = \"exec\"\n");
    CHECK(notes_of(line) == "no_time no_pid replaced");
  }
}

TEST_CASE("nesting is bounded", "[event_codec]") {
  const auto nested = [](size_t levels) {
    std::string line = "{\"a\":";
    for (size_t i = 1; i < levels; ++i) line += '[';
    for (size_t i = 1; i < levels; ++i) line += ']';
    return line + "}";
  };
  CHECK(problem_of(nested(EventDecoder::kMaxDepth)) == "none");
  CHECK(problem_of(nested(EventDecoder::kMaxDepth + 1)) == "69 D300: nested more than 64 levels deep");
  CHECK(problem_of(nested(1'000'000)) == "69 D300: nested more than 64 levels deep");
}

TEST_CASE("TRUST bad input 45: a capture of another version is refused", "[event_codec]") {
  CHECK(problem_of(R"({"detectd":{"capture":7,"version":"9.1"}})") ==
        "23 D306: this capture has version 7; this detectd reads 1; captured by detectd 9.1");
}

TEST_CASE("the head of a capture says where it was taken", "[event_codec]") {
  const Schema schema;
  EventDecoder decoder(schema);
  Event event;
  LineNotes notes;
  CaptureHeader written;
  written.version = "0.1.0";
  written.host.id = "id-1";
  written.host.name = "web01";
  written.host.boot_id = "boot-2";
  written.host.booted_ns = 1'000'000;
  written.part = 3;
  written.started = "2026-11-20T14:00:00Z";
  std::string line;
  encode_header(written, line);
  CHECK(line ==
        R"({"detectd":{"capture":1,"version":"0.1.0","started":"2026-11-20T14:00:00Z","boot_id":"boot-2",)"
        R"("booted":"1970-01-01T00:00:00.001000000Z","part":3,"host":{"name":"web01","id":"id-1"}}})");
  const std::string buffer = padded(line);
  REQUIRE_FALSE(decoder.decode(std::string_view(buffer).substr(0, line.size()), event, notes));
  CHECK(notes.header);
  CHECK(decoder.header().version == "0.1.0");
  CHECK(decoder.header().host.id == "id-1");
  CHECK(decoder.header().host.name == "web01");
  CHECK(decoder.header().host.boot_id == "boot-2");
  CHECK(decoder.header().host.booted_ns == 1'000'000);
  CHECK(decoder.header().part == 3);
  CHECK(decoder.header().started == "2026-11-20T14:00:00Z");

  const std::string plain = padded(R"({"detectd":{"capture":1,"host":"web02"}})");
  REQUIRE_FALSE(decoder.decode(plain.substr(0, plain.find('\n')), event, notes));
  CHECK(decoder.header().host.name == "web02");
  CHECK(decoder.header().host.boot_id.empty());
  CHECK(decoder.header().part == 1);
}

TEST_CASE("an event is written as nested ECS on one line, and reads back as it was", "[event_codec]") {
  const Schema schema = schema_of_everything();
  const char* const line =
      R"({"@timestamp":"2026-11-20T14:03:07.112Z","event":{"action":"exec","sequence":9},)"
      R"("process":{"pid":7,"args":["a\nb","\u001b[2J"],"parent":{"pid":5},"exit_code":"007"},)"
      R"("labels":{"a":1,"a.b":[]},"vendor.score":[1.50],"vendor.count":null})";
  const Event event = decode(line, schema).event;
  std::string written;
  encode(event, schema, written);
  CHECK(written ==
        R"({"@timestamp":"2026-11-20T14:03:07.112Z","event":{"action":"exec","sequence":9},)"
        R"("process":{"pid":7,"args":["a\u000ab","\u001b[2J"],"exit_code":"007","parent":{"pid":5}},)"
        R"("labels":{"a":1,"a.b":[]},"vendor.score":[1.50],"vendor.count":null})");
  CHECK(dump(decode(written, schema).event, schema) == dump(event, schema));
}

TEST_CASE("TRUST 34: a newline and a forged record in an argument stay inside one line", "[event_codec]") {
  Event event;
  event.clear();
  event.set_text(process_field(Leaf::kCommandLine), "x\n{\"event\":{\"action\":\"end\"}}\r\n\xe2\x80\xa8");
  std::string line;
  encode(event, Schema(), line);
  CHECK(line.find_first_of("\r\n") == std::string::npos);
  CHECK(decode(line, schema_of_everything()).event.kind == EventKind::kExec);
}

TEST_CASE("whether a line is good does not depend on what the rules ask for", "[event_codec]") {
  const Schema everything = schema_of_everything();
  for (const char* const line :
       {R"({"x":"\q"})", R"({"x":[1,{"y":01}]})", R"({"process":{"Ext":{"inode":"x"}}})",
        R"({"vendor":{"count":{},"score":"\ud800"}})", R"({"vendor":{"count":1},"vendor.count":2})",
        R"({"vendor":{"count":"many","score":[[{}]]}})", R"({"labels":{"a":{"b":1}}})"}) {
    CAPTURE(line);
    CHECK(decode(line, everything).problem.has_value() == decode(line, Schema()).problem.has_value());
  }
}

TEST_CASE("a line whose next byte could continue it is read as if it ended there", "[event_codec]") {
  const Schema schema;
  EventDecoder decoder(schema);
  Event event;
  LineNotes notes;
  const std::string buffer = R"({"a":{}}},"b":1})" + std::string(EventDecoder::kPadding, '}');
  CHECK_FALSE(decoder.decode(std::string_view(buffer).substr(0, 8), event, notes));
  CHECK(decoder.decode(std::string_view(buffer).substr(0, 7), event, notes)->code == "D300");
}

// Whether lines that are decoded together are told as each is alone.
void check_together(const std::vector<std::string>& texts) {
  const Schema schema = schema_of_everything();
  const auto told = [&](const LineToDecode& line) {
    if (line.problem)
      return line.problem->code + " " + std::to_string(line.problem->offset) + " " + line.problem->message;
    return (line.notes.header ? "header " : "") + std::string(line.notes.replaced_bytes ? "replaced " : "") +
           dump(*line.event, schema) + std::string(line.event->raw());
  };
  std::string buffer;
  std::vector<size_t> places;
  for (const std::string& text : texts) {
    places.push_back(buffer.size());
    buffer += text + "\n";
  }
  buffer.append(EventDecoder::kPadding, '\0');
  std::vector<Event> events(texts.size());
  std::vector<LineToDecode> lines(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    lines[i].text = std::string_view(buffer).substr(places[i], texts[i].size());
    lines[i].event = &events[i];
  }
  EventDecoder decoder(schema);
  decoder.decode(lines);
  for (const LineToDecode& line : lines) {
    CAPTURE(buffer, line.text);
    Event event;
    const std::string alone = padded(line.text);
    LineToDecode only{.text = std::string_view(alone).substr(0, line.text.size()),
                      .event = &event,
                      .notes = {},
                      .problem = {}};
    EventDecoder(schema).decode({&only, 1});
    CHECK(told(line) == told(only));
  }
}

TEST_CASE("lines decoded together are read as if each were alone, whatever its neighbours are",
          "[event_codec]") {
  const std::vector<std::string> kinds = {
      R"({"@timestamp":"2026-11-20T14:03:07Z","event":{"action":"exec"},"process":{"pid":7,"args":["a","b\n"]}})",
      R"({"event":{"action":"end"},"process":{"pid":8},"labels":{"x":"\u0041"}})",
      R"({"process":{"pid":9)",
      R"({"process":{"pid":9}}})",
      R"({"process":{"name":"no end)",
      "{\"process\":{\"name\":\"\xff\"}}",
      "{\"process\":{\"name\":\"a\tb\"}}",
      R"({"a":1,"a":2})",
      R"({"process":{"pid":"x"}})",
      R"(\)",
      R"(")",
      R"([])",
      R"({"detectd":{"capture":1,"host":"web02"}})",
      "{}",
  };
  for (const std::string& first : kinds) {
    for (const std::string& second : kinds) check_together({kinds[0], first, kinds[1], second, kinds[0]});
  }
}

TEST_CASE("what stands behind a line that is cut is not read with it, whatever it is", "[event_codec]") {
  const std::string known =
      R"({"process":{"pid":8,"name":"a","parent":{"pid":7,"args":["b"]},"user":{}},"x":{"y":{"z":{"n":12}}}})";
  const Schema schema = schema_of_everything();
  for (const char behind : std::string_view("}:,{\"7] \0", 9)) {
    EventDecoder decoder(schema);
    Event event;
    LineNotes notes;
    // The whole line first, which is known from then on. A copy that ends with its padding, so that a sanitizer sees who
    // reads on.
    for (size_t size = known.size(); size > 0; --size) {
      std::vector<char> line(known.begin(), known.begin() + static_cast<ptrdiff_t>(size));
      line.insert(line.end(), EventDecoder::kPadding, behind);
      line.shrink_to_fit();
      const bool good = !decoder.decode(std::string_view(line.data(), size), event, notes);
      CAPTURE(behind, size);
      CHECK(good == (size == known.size()));
    }
  }
}

TEST_CASE("a line cut in two is two broken lines, not the known one that they would be together",
          "[event_codec]") {
  const std::string known =
      R"({"event":{"action":"end"},"process":{"pid":8,"name":"a"},"labels":{"x":"b","y":{}}})";
  for (size_t cut = 1; cut < known.size(); ++cut) {
    check_together({known, known.substr(0, cut), known.substr(cut), known});
  }
}

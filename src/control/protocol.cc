#include "src/control/protocol.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "engine/json_writer.h"
#include "src/json_value.h"
#include "src/text.h"

namespace detectd {
namespace {

using Verb = ControlRequest::Verb;

constexpr std::string_view kVerbs[] = {"status", "reload", "mode", "tree",
                                       "follow", "mutes",  "mute", "unmute"};
constexpr std::string_view kCodes[] = {"usage",      "rules",  "input", "not_found",
                                       "permission", "system", "full"};
constexpr size_t kMaxTextBytes = 1024;
constexpr size_t kMaxDiagnostics = 100;

Error mistake(std::string message) { return {Errc::kUsage, std::move(message)}; }

std::string last_line(std::string_view type, const Error* error) {
  JsonWriter json;
  json.begin_object();
  json.member("type", type);
  json.member_number("version", kControlVersion);
  if (error != nullptr) {
    json.member("code", to_string(error->code));
    json.member("message", error->message);
  }
  json.end_object();
  return json.text() + "\n";
}

std::string line(std::string_view type, std::string_view text) {
  JsonWriter json;
  json.begin_object();
  json.member("type", type);
  json.member("text", text);
  json.end_object();
  return json.text() + "\n";
}

// Members of a request, each asked for by the verb that has it; what nobody asked for is a mistake.
class Members {
 public:
  explicit Members(const JsonValue& object) : object_(object) {}

  const JsonValue* take(std::string_view name, JsonValue::Kind kind) {
    const JsonValue* const value = object_.find(name);
    if (value == nullptr) return nullptr;
    ++taken_;
    if (value->kind != kind) wrong_ = name;
    return value;
  }
  std::string text(std::string_view name) {
    const JsonValue* const value = take(name, JsonValue::Kind::kText);
    if (value == nullptr) return {};
    if (value->text.size() > kMaxTextBytes) wrong_ = name;
    return value->text;
  }
  void refuse(std::string_view name) { wrong_ = name; }

  Status check() const {
    if (!wrong_.empty()) return mistake("the member " + quoted(wrong_) + " can not have that value");
    if (taken_ != object_.members.size()) return mistake("the request has a member that is not known");
    return {};
  }

 private:
  const JsonValue& object_;
  size_t taken_ = 0;
  std::string_view wrong_;
};

void read_follow(Members& members, ControlRequest& request) {
  if (const JsonValue* kinds = members.take("kinds", JsonValue::Kind::kArray)) {
    request.kinds = {};
    for (const JsonValue& name : kinds->elements) {
      const auto kind = find_event_kind(name.text);
      if (kind) {
        request.kinds.add(*kind);
      } else {
        members.refuse("kinds");
      }
    }
  }
  request.contains = members.text("contains");
  if (const JsonValue* hits = members.take("hits", JsonValue::Kind::kBoolean)) request.hits = hits->boolean;
}

void read_members(Members& members, ControlRequest& request) {
  switch (request.verb) {
    case Verb::kStatus:
    case Verb::kReload:
    case Verb::kMutes: return;
    case Verb::kMode:
      request.mode = members.text("mode");
      if (request.mode != "dry-run" && request.mode != "enforce") members.refuse("mode");
      return;
    case Verb::kTree:
      if (const JsonValue* pid = members.take("pid", JsonValue::Kind::kNumber)) {
        if (pid->number < 0 || pid->number > std::numeric_limits<int32_t>::max()) members.refuse("pid");
        request.pid = static_cast<uint32_t>(pid->number);
      }
      return;
    case Verb::kFollow: return read_follow(members, request);
    case Verb::kMute:
      request.reason = members.text("reason");
      if (const JsonValue* time = members.take("for_ns", JsonValue::Kind::kNumber)) {
        request.for_ns = time->number;
      }
      if (request.for_ns <= 0) members.refuse("for_ns");
      [[fallthrough]];
    case Verb::kUnmute:
      request.rule = members.text("rule");
      if (request.rule.empty()) members.refuse("rule");
  }
}

}  // namespace

std::string_view to_string(Verb verb) { return kVerbs[static_cast<size_t>(verb)]; }

std::string encode(const ControlRequest& request) {
  JsonWriter json;
  json.begin_object();
  json.member_number("version", kControlVersion);
  json.member("do", to_string(request.verb));
  switch (request.verb) {
    case Verb::kStatus:
    case Verb::kReload:
    case Verb::kMutes: break;
    case Verb::kMode: json.member("mode", request.mode); break;
    case Verb::kTree:
      if (request.pid) json.member_number("pid", *request.pid);
      break;
    case Verb::kFollow:
      json.key("kinds");
      json.begin_array();
      for (size_t i = 0; i < kEventKindCount; ++i) {
        if (request.kinds.has(EventKind(i))) json.string(to_string(EventKind(i)));
      }
      json.end_array();
      if (!request.contains.empty()) json.member("contains", request.contains);
      json.member_boolean("hits", request.hits);
      break;
    case Verb::kMute:
      json.member_number("for_ns", request.for_ns);
      json.member("reason", request.reason);
      [[fallthrough]];
    case Verb::kUnmute: json.member("rule", request.rule); break;
  }
  json.end_object();
  return json.text() + "\n";
}

Result<ControlRequest> parse_request(std::string_view line) {
  const Result<JsonValue> object = parse_json_object(line);
  if (!object) return Error(object.error()).within("the request is not understood");
  const int64_t version = object->number_of("version", -1);
  if (version != kControlVersion) {
    return mistake("this detectd speaks version " + std::to_string(kControlVersion) +
                   " of its control protocol" +
                   (version < 0 ? "; the request has none" : ", not " + std::to_string(version)) +
                   ": use the detectctl that came with it");
  }
  Members members(*object);
  members.take("version", JsonValue::Kind::kNumber);
  const std::string verb = members.text("do");
  const auto found = std::find(std::begin(kVerbs), std::end(kVerbs), verb);
  if (found == std::end(kVerbs)) return mistake("there is no request " + quoted(verb));
  ControlRequest request;
  request.verb = static_cast<Verb>(found - std::begin(kVerbs));
  read_members(members, request);
  if (Status status = members.check(); !status) return std::move(status).error();
  return request;
}

std::string done_line() { return last_line("done", nullptr); }

std::string error_line(const Error& error) { return last_line("error", &error); }

std::string text_line(std::string_view text) { return line("text", text); }

std::string warning_line(std::string_view text) { return line("warning", text); }

std::string diagnostic_lines(const Diagnostics& diagnostics) {
  std::string lines;
  size_t shown = 0;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    if (shown++ == kMaxDiagnostics) break;
    lines += line("diagnostic", render(diagnostic));
  }
  const size_t all = diagnostics.errors() + diagnostics.warnings();
  if (all > kMaxDiagnostics) {
    lines +=
        warning_line(std::to_string(all - kMaxDiagnostics) + " more are not shown: detectctl check has them");
  }
  return lines;
}

std::string_view to_string(Errc code) { return kCodes[static_cast<size_t>(code)]; }

Errc find_errc(std::string_view name) {
  const auto found = std::find(std::begin(kCodes), std::end(kCodes), name);
  return found == std::end(kCodes) ? Errc::kSystem : static_cast<Errc>(found - std::begin(kCodes));
}

}  // namespace detectd

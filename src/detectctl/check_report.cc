#include "src/detectctl/check_report.h"

#include <set>
#include <string_view>

#include "engine/json_writer.h"

namespace detectd {
namespace {

std::string_view name_of(Severity severity) { return severity == Severity::kError ? "error" : "warning"; }

void write_place(const SourcePtr& file, const Span& span, JsonWriter& json) {
  if (!file) return;
  json.member("file", file->path);
  if (span.line == 0) return;
  json.member_number("line", span.line);
  json.member_number("column", span.column);
  json.member_number("length", span.length);
}

// A path as a reference of RFC 3986: what is not plain in one is percent-encoded.
std::string uri_of(std::string_view path) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string uri;
  for (const char c : path) {
    if (kPlain.find(c) != std::string_view::npos) {
      uri += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    uri += '%';
    uri += kDigits[byte >> 4];
    uri += kDigits[byte & 0xf];
  }
  return uri;
}

void write_message(std::string_view text, JsonWriter& json) {
  json.begin_object();
  json.member("text", text);
  json.end_object();
}

void write_location(const SourcePtr& file, const Span& span, std::string_view message, JsonWriter& json) {
  json.begin_object();
  json.key("physicalLocation");
  json.begin_object();
  json.key("artifactLocation");
  json.begin_object();
  json.member("uri", uri_of(file->path));
  json.end_object();
  if (span.line != 0) {
    json.key("region");
    json.begin_object();
    json.member_number("startLine", span.line);
    json.member_number("startColumn", span.column);
    json.member_number("endColumn", int64_t{span.column} + span.length);
    json.end_object();
  }
  json.end_object();
  if (!message.empty()) {
    json.key("message");
    write_message(message, json);
  }
  json.end_object();
}

void write_result(const Diagnostic& diagnostic, JsonWriter& json) {
  json.begin_object();
  json.member("ruleId", diagnostic.code);
  json.member("level", name_of(diagnostic.severity));
  json.key("message");
  const std::string help = diagnostic.help.empty() ? "" : "\nhelp: " + diagnostic.help;
  write_message(diagnostic.message + help, json);
  if (diagnostic.file) {
    json.key("locations");
    json.begin_array();
    write_location(diagnostic.file, diagnostic.span, {}, json);
    json.end_array();
  }
  if (!diagnostic.notes.empty()) {
    json.key("relatedLocations");
    json.begin_array();
    for (const Note& note : diagnostic.notes) {
      if (note.file) write_location(note.file, note.span, note.text, json);
    }
    json.end_array();
  }
  json.end_object();
}

// The codes that occur, with what they mean.
void write_codes(const Diagnostics& diagnostics, JsonWriter& json) {
  std::set<std::string_view> codes;
  for (const Diagnostic& diagnostic : diagnostics.all()) codes.insert(diagnostic.code);
  json.key("rules");
  json.begin_array();
  for (const std::string_view code : codes) {
    json.begin_object();
    json.member("id", code);
    if (const CodeInfo* info = find_diagnostic_code(code)) {
      json.key("shortDescription");
      write_message(info->meaning, json);
    }
    json.end_object();
  }
  json.end_array();
}

}  // namespace

std::string mistake_json(const Diagnostic& diagnostic) {
  JsonWriter json;
  json.begin_object();
  json.member("type", "mistake");
  json.member("severity", name_of(diagnostic.severity));
  json.member("code", diagnostic.code);
  json.member("message", diagnostic.message);
  write_place(diagnostic.file, diagnostic.span, json);
  if (!diagnostic.help.empty()) json.member("help", diagnostic.help);
  if (!diagnostic.notes.empty()) {
    json.key("notes");
    json.begin_array();
    for (const Note& note : diagnostic.notes) {
      json.begin_object();
      json.member("text", note.text);
      write_place(note.file, note.span, json);
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
  return json.text() + '\n';
}

std::string check_json(const Diagnostics& diagnostics, size_t rules, const RuleSet& set) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics.all()) text += mistake_json(diagnostic);
  JsonWriter json;
  json.begin_object();
  json.member("type", "summary");
  json.member_number("rules", static_cast<int64_t>(rules));
  json.member_number("errors", static_cast<int64_t>(diagnostics.errors()));
  json.member_number("warnings", static_cast<int64_t>(diagnostics.warnings()));
  json.member_number("not_shown", static_cast<int64_t>(diagnostics.dropped()));
  json.member_number("inactive", static_cast<int64_t>(set.inactive().size()));
  json.end_object();
  return text + json.text() + '\n';
}

std::string check_sarif(const Diagnostics& diagnostics) {
  JsonWriter json;
  json.begin_object();
  json.member("$schema", "https://json.schemastore.org/sarif-2.1.0.json");
  json.member("version", "2.1.0");
  json.key("runs");
  json.begin_array();
  json.begin_object();
  json.key("tool");
  json.begin_object();
  json.key("driver");
  json.begin_object();
  json.member("name", "detectctl");
  json.member("semanticVersion", DETECTD_VERSION);
  write_codes(diagnostics, json);
  json.end_object();
  json.end_object();
  json.member("columnKind", "unicodeCodePoints");
  json.key("results");
  json.begin_array();
  for (const Diagnostic& diagnostic : diagnostics.all()) write_result(diagnostic, json);
  json.end_array();
  json.end_object();
  json.end_array();
  json.end_object();
  return json.text() + '\n';
}

}  // namespace detectd

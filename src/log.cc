#include "src/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

#include "engine/escape.h"
#include "engine/timestamp.h"
#include "src/clock.h"

namespace detectd::log {
namespace {

Options options;

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = spdlog::stderr_logger_mt("detectd");
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

// The overload for a string view: what it says is written, never parsed.
void write(spdlog::level::level_enum level, std::string_view line) {
  logger().log(level, spdlog::string_view_t(line.data(), line.size()));
}

void append_member(std::string_view name, std::string_view value, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":\"";
  append_json_escaped(value, out);
  out += '"';
}

std::string json_head(std::string_view level) {
  return "{\"@timestamp\":\"" + format_rfc3339(wall_clock_ns()) + "\",\"level\":\"" + std::string(level) +
         '"';
}

void say(spdlog::level::level_enum level, std::string_view name, std::string_view color,
         std::string_view text) {
  std::string line;
  if (options.json) {
    line = json_head(name);
    append_member("message", text, line);
    line += '}';
  } else {
    if (options.color) line += color;
    line += name;
    line += ':';
    if (options.color) line += "\x1b[0m";
    line += ' ';
    append_escaped_text(text, line);
  }
  write(level, line);
}

std::string to_json(const Diagnostic& diagnostic) {
  std::string line = json_head(diagnostic.severity == Severity::kError ? "error" : "warning");
  append_member("code", diagnostic.code, line);
  append_member("message", diagnostic.message, line);
  if (diagnostic.file) {
    append_member("file", diagnostic.file->path, line);
    line += ",\"line\":" + std::to_string(diagnostic.span.line);
    line += ",\"column\":" + std::to_string(diagnostic.span.column);
  }
  if (!diagnostic.help.empty()) append_member("help", diagnostic.help, line);
  return line + '}';
}

}  // namespace

void set_up(const Options& chosen) { options = chosen; }

void error(std::string_view text) { say(spdlog::level::err, "error", "\x1b[1;31m", text); }

void warning(std::string_view text) {
  if (!options.quiet) say(spdlog::level::warn, "warning", "\x1b[1;33m", text);
}

void note(std::string_view text) {
  if (!options.quiet) say(spdlog::level::info, "note", "\x1b[1;36m", text);
}

void info(std::string_view text) {
  if (options.verbose && !options.quiet) say(spdlog::level::info, "info", "\x1b[2m", text);
}

void table(std::string_view text, const std::vector<std::string>& objects) {
  if (options.json) {
    for (const std::string& members : objects) {
      write(spdlog::level::info, json_head("info") + ',' + members + '}');
    }
    return;
  }
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  write(spdlog::level::info, text);
}

void show(Diagnostics& diagnostics) {
  diagnostics.sort();
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    const bool is_error = diagnostic.severity == Severity::kError;
    if (options.quiet && !is_error) continue;
    std::string text = options.json ? to_json(diagnostic) : render(diagnostic, {.color = options.color});
    while (!text.empty() && text.back() == '\n') text.pop_back();
    write(is_error ? spdlog::level::err : spdlog::level::warn, text);
  }
  if (diagnostics.dropped() != 0) {
    note(std::to_string(diagnostics.dropped()) + " more mistakes are not shown");
  }
}

}  // namespace detectd::log

#include "src/probe/probe_report.h"

#include <algorithm>

#include "engine/escape.h"

namespace detectd {
namespace {

constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::string_view kYellow = "\x1b[33m";
constexpr std::string_view kPlain = "\x1b[0m";
constexpr size_t kStateColumns = 9;

std::string quoted_json(std::string_view text) {
  std::string quoted = "\"";
  append_json_escaped(text, quoted);
  return quoted + '"';
}

std::string line(const Finding& finding, size_t name_columns, bool color) {
  const std::string_view state = finding.works ? "ok" : "missing";
  std::string text(finding.name);
  text.resize(std::max(name_columns, text.size()), ' ');
  text += "  ";
  if (color) text += finding.works ? kGreen : kYellow;
  text += state;
  if (color) text += kPlain;
  text.append(kStateColumns - state.size(), ' ');
  text += escape_text(finding.detail);
  if (!finding.works && !finding.remedy.empty()) text += ": " + escape_text(finding.remedy);
  return text + "\n";
}

Finding as_finding(std::string_view name, bool works, const std::string& level) {
  return {.name = name, .works = works, .detail = level, .remedy = {}};
}

}  // namespace

ProbeLevels levels_of(const std::vector<Finding>& findings) {
  const auto works = [&](std::string_view name) {
    return std::any_of(findings.begin(), findings.end(),
                       [&](const Finding& finding) { return finding.name == name && finding.works; });
  };
  ProbeLevels levels;
  const bool sees_host =
      works("pid namespace") && works("user namespace") && works("/proc") && works("executables");
  levels.collects = works("proc connector") && sees_host;
  if (levels.collects && works("BPF")) {
    levels.collection = "connector with eBPF: all processes, all command lines";
  } else if (levels.collects) {
    levels.collection = works("SCHED_FIFO") && works("receive buffer")
                            ? "connector: all processes, command lines of all but the shortest lived"
                            : "connector: all processes, fewer command lines under load";
  } else if (works("/proc")) {
    levels.collection = "none: without events only what /proc shows at the moment can be read";
  } else {
    levels.collection = "none";
  }
  if (works("pidfd")) {
    levels.response = "reactive: a process is killed after its exec, by pidfd";
    if (works("fanotify")) levels.response += "; denied: a rule refuses it before its exec";
    if (!works("fanotify") && works("BPF")) levels.response += "; the kernel could also signal at the exec";
  } else {
    levels.response = "none";
  }
  return levels;
}

std::string probe_table(const std::vector<Finding>& findings, const ProbeLevels& levels, bool color) {
  size_t columns = 0;
  for (const Finding& finding : findings) columns = std::max(columns, finding.name.size());
  std::string text;
  for (const Finding& finding : findings) text += line(finding, columns, color);
  text += "\n";
  text += line(as_finding("collection", levels.collects, levels.collection), columns, color);
  text += line(as_finding("response", levels.response != "none", levels.response), columns, color);
  return text;
}

std::string probe_json(const std::vector<Finding>& findings, const ProbeLevels& levels) {
  std::string text;
  for (const Finding& finding : findings) {
    text += "{\"type\":\"probe\",\"name\":" + quoted_json(finding.name) +
            ",\"ok\":" + (finding.works ? "true" : "false") + ",\"detail\":" + quoted_json(finding.detail);
    if (!finding.works && !finding.remedy.empty()) text += ",\"remedy\":" + quoted_json(finding.remedy);
    text += "}\n";
  }
  return text + "{\"type\":\"levels\",\"live\":" + (levels.collects ? "true" : "false") +
         ",\"collection\":" + quoted_json(levels.collection) +
         ",\"response\":" + quoted_json(levels.response) + "}\n";
}

}  // namespace detectd

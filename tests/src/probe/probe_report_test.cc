#include <catch2/catch.hpp>

#include "src/probe/probe_report.h"

namespace detectd {
namespace {

std::vector<Finding> findings(std::initializer_list<std::string_view> missing) {
  std::vector<Finding> all;
  for (const std::string_view name :
       {"pid namespace", "user namespace", "/proc", "executables", "proc connector", "receive buffer",
        "SCHED_FIFO", "fanotify", "BPF", "pidfd"}) {
    const bool works = std::find(missing.begin(), missing.end(), name) == missing.end();
    all.push_back({.name = name, .works = works, .detail = "seen", .remedy = "run as root"});
  }
  return all;
}

}  // namespace

TEST_CASE("what a probe has found stands in columns, with what to do beside what is missing", "[probe]") {
  const std::vector<Finding> found = {
      {.name = "pidfd", .works = true, .detail = "works", .remedy = "never shown"},
      {.name = "proc connector", .works = false, .detail = "bind says no\x1b", .remedy = "run as root"},
      {.name = "/proc", .works = false, .detail = "unreadable", .remedy = {}}};
  const ProbeLevels levels{.collects = false, .collection = "none", .response = "reactive"};
  CHECK(probe_table(found, levels, false) ==
        "pidfd           ok       works\n"
        "proc connector  missing  bind says no\\x1b: run as root\n"
        "/proc           missing  unreadable\n"
        "\n"
        "collection      missing  none\n"
        "response        ok       reactive\n");
  CHECK(
      probe_json(found, levels) ==
      R"({"type":"probe","name":"pidfd","ok":true,"detail":"works"})"
      "\n"
      R"({"type":"probe","name":"proc connector","ok":false,"detail":"bind says no\u001b","remedy":"run as root"})"
      "\n"
      R"({"type":"probe","name":"/proc","ok":false,"detail":"unreadable"})"
      "\n"
      R"({"type":"levels","live":false,"collection":"none","response":"reactive"})"
      "\n");
  const std::string colored = probe_table(found, levels, true);
  CHECK(colored.find("pidfd           \x1b[32mok\x1b[0m       works\n") == 0);
  CHECK(colored.find("\x1b[33mmissing\x1b[0m  unreadable\n") != std::string::npos);
}

TEST_CASE("which levels of collection and response follow from what works", "[probe]") {
  struct Case {
    std::initializer_list<std::string_view> missing;
    bool collects;
    const char* collection;
    const char* response;
  };
  const Case cases[] = {
      {{},
       true,
       "connector with eBPF: all processes, all command lines",
       "reactive: a process is killed after its exec, by pidfd; denied: a rule refuses it before its exec"},
      {{"BPF"}, true, "connector: all processes, command lines of all but", "reactive"},
      {{"SCHED_FIFO", "BPF"}, true, "connector: all processes, fewer", "reactive"},
      {{"receive buffer", "BPF"}, true, "connector: all processes, fewer", "reactive"},
      {{"receive buffer", "fanotify"},
       true,
       "connector with eBPF",
       "reactive: a process is killed after its exec, by pidfd; the kernel could also signal"},
      {{"proc connector", "fanotify", "BPF"},
       false,
       "none: without events",
       "reactive: a process is killed after its exec, by pidfd"},
      {{"pid namespace"}, false, "none: without events", "reactive"},
      {{"executables", "pidfd"}, false, "none: without events", "none"},
      {{"/proc"}, false, "none", "reactive"},
  };
  for (const Case& c : cases) {
    const ProbeLevels levels = levels_of(findings(c.missing));
    CAPTURE(c.collection, c.response, levels.collection, levels.response);
    CHECK(levels.collects == c.collects);
    CHECK(levels.collection.starts_with(c.collection));
    CHECK(levels.response.starts_with(c.response));
  }
}

}  // namespace detectd

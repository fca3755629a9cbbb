// A responder at its desk: a host in memory, rules, and events as they are told when it is asked.
#pragma once

#include <catch2/catch.hpp>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/attributes.h"
#include "engine/response_outcome.h"
#include "engine/timestamp.h"
#include "src/respond/responder.h"
#include "tests/support/events.h"
#include "tests/support/fake_host.h"
#include "tests/support/stream.h"
#include "tests/support/temp_dir.h"

namespace detectd::test::desk {

inline constexpr int64_t kSecond = 1'000'000'000;
inline constexpr int64_t kBooted = 1'790'000'000 * kSecond;
inline constexpr uint32_t kPid = 9921;
inline constexpr uint64_t kInode = 77;

inline std::string rule(const std::string& response, const std::string& more = "") {
  return "[[rule]]\nid = \"00000000-0000-4000-8000-000000000001\"\nname = \"kills\"\ntitle = \"t\"\nlevel = "
         "\"high\"\n"
         "on = \"exec\"\nresponse = { " +
         response + " }\n[rule.detection]\na.\"process.executable\" = \"/usr/bin/nc\"\n" + more +
         "condition = \"a\"\n"
         "[[rule]]\nid = \"00000000-0000-4000-8000-000000000002\"\nname = \"response_budget\"\ntitle = "
         "\"t\"\n"
         "level = \"high\"\non = \"lost\"\n[rule.detection]\na.\"event.reason|startswith\" = "
         "\"response_budget\"\n"
         "condition = \"a\"\n"
         "[[rule]]\nid = \"00000000-0000-4000-8000-000000000003\"\nname = \"response_pending\"\ntitle = "
         "\"t\"\n"
         "level = \"high\"\non = \"lost\"\n[rule.detection]\na.\"event.reason\" = "
         "\"response_pending\"\ncondition = \"a\"\n";
}

// The others are built in.
inline std::shared_ptr<const RuleSet> compile(const std::string& toml) {
  RuleDocument document = testing::read_document(toml);
  for (Rule& rule : document.rules) {
    if (rule.name != "kills") rule.name.insert(0, "detectd.");
  }
  Diagnostics diagnostics;
  return RuleSet::compile(document, diagnostics);
}

// A host, a responder, and an exec of /usr/bin/nc at the time when it is asked for.
class Desk {
 public:
  explicit Desk(const std::string& toml = rule("action = \"kill\""),
                Responder::Settings settings = {.enforce = true})
      : rules(compile(toml)) {
    std::vector<ResponseLog::Intent> unfinished;
    auto log = ResponseLog::open(directory.path("responses.log"), kBooted, unfinished);
    REQUIRE(log);
    responder.emplace(Responder::Edges{.view = host,
                                       .signals = host,
                                       .log = *std::move(log),
                                       .self = 4242,
                                       .boot_clock_ns = [this] { return now_ns; },
                                       .wall_clock_ns = [this] { return kBooted + now_ns; },
                                       .take_grips =
                                           [this](GripRing& ring) {
                                             for (HeldProcess& held : waiting) ring.add(std::move(held));
                                             waiting.clear();
                                           }},
                      std::move(settings), rules, 16);
    capture_host = std::make_shared<CaptureHost>(CaptureHost{"id", "web01", "boot", kBooted});
  }

  std::shared_ptr<Event> exec_event(uint64_t start_ticks, uint32_t pid = kPid) {
    auto event = std::make_shared<Event>(test::exec(pid, "/usr/bin/nc"));
    event->time_ns = kBooted + now_ns;
    event->host = capture_host;
    event->set_integer(field::kBootNs, now_ns);
    event->set_text(process_field(Leaf::kDevice), "8:1");
    event->set_integer(process_field(Leaf::kInode), kInode);
    event->set_text(process_field(Leaf::kStart),
                    format_rfc3339(kBooted + static_cast<int64_t>(start_ticks) * kTickNs, 2));
    auto process = std::make_shared<Process>();
    process->set_pid(pid);
    process->key = {.pid = pid, .birth_ns = event->time_ns};
    process->attributes = Attributes::Builder().build();
    event->process = process;
    return event;
  }
  Hit hit_of(std::shared_ptr<const Event> event) {
    Hit hit;
    hit.id[15] = ++hits;
    hit.rule = rules->rules()[0].rule;
    hit.event = std::move(event);
    return hit;
  }
  // As the receive thread takes it.
  void hold(size_t instance, uint32_t pid = kPid, bool doubtful = false) {
    const auto& facts = host.at(instance).facts;
    waiting.push_back({.pid = pid,
                       .boot_ns = now_ns,
                       .exec = true,
                       .doubtful = doubtful,
                       .process = host.open_instance(instance),
                       .start_ticks = facts.start_ticks,
                       .start_stack = facts.start_stack,
                       .arg_start = facts.arg_start,
                       .file = facts.file});
  }
  std::string respond(std::shared_ptr<const Event> event) {
    Hit hit = hit_of(std::move(event));
    responder->respond(hit);
    return std::string(parse_response_outcome(hit.response_outcome).what);
  }
  HitResponder::News settle(bool last = false) {
    HitResponder::News news;
    responder->settle(news, last);
    return news;
  }
  std::string log_text() const {
    std::ifstream file(directory.path("responses.log"));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TempDir directory;
  test::FakeHost host;
  std::shared_ptr<const RuleSet> rules;
  std::shared_ptr<const CaptureHost> capture_host;
  std::vector<HeldProcess> waiting;
  std::optional<Responder> responder;
  int64_t now_ns = 100 * kSecond + 3'000'000;
  uint8_t hits = 0;
};

}  // namespace detectd::test::desk

// detectctl selftest: harmless events of our own, followed from the kernel to where they should arrive.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "engine/escape.h"
#include "src/clock.h"
#include "src/control/daemon_status.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/daemon_options.h"
#include "src/detectctl/own_child.h"
#include "src/live/health.h"
#include "src/report/hit_view.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kPatienceNs = 5 * kSecondNs;
constexpr int64_t kAlertPatienceNs = 15 * kSecondNs;
constexpr size_t kNameColumns = 10;
constexpr int kTries = 5;
constexpr int kFlood = 4000;

struct SelftestOptions {
  std::string socket = kControlPath;
  std::string detectd;
};

constexpr OptionRow kTable[] = {
    {.group = "Daemon",
     .name = "socket",
     .value = "PATH",
     .help = "where it answers, instead of /run/detectd/control",
     .manual = "Where the daemon answers, instead of\n.Pa /run/detectd/control .\n",
     .apply = assign<&SelftestOptions::socket>},
    {.group = "Daemon",
     .name = "detectd",
     .value = "FILE",
     .help = "the program that the rehearsal runs",
     .manual = "The program that the rehearsal runs, instead of the\n.Nm detectd\nthat is installed beside "
               "this one.\n",
     .apply = assign<&SelftestOptions::detectd>},
};

// A rule that would kill our child, and a buffer that a short storm fills.
constexpr std::string_view kRehearsalRules = R"toml([[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7bff"
name = "selftest_kill"
title = "The child of a self-test"
level = "informational"
on = "exec"
response = { action = "kill" }
[rule.detection]
marked."process.executable|endswith" = "/sleep"
marked."process.args" = "30.0000000%MARK%"
condition = "marked"
)toml";
constexpr std::string_view kRehearsalConfig =
    "[source]\nreceive_buffer = \"8KiB\"\n[response]\nmode = \"dry-run\"\n";

// Of those that were open, how they are now.
std::vector<SinkStatus> still_open(const std::vector<SinkStatus>& open, const std::vector<SinkStatus>& now) {
  std::vector<SinkStatus> still;
  for (const SinkStatus& sink : now) {
    const auto is_same = [&sink](const SinkStatus& one) { return one.name == sink.name; };
    if (std::any_of(open.begin(), open.end(), is_same)) still.push_back(sink);
  }
  return still;
}

class Selftest {
 public:
  Selftest(const SelftestOptions& options, Call& call) : options_(options), call_(call) {}

  ExitStatus run();

 private:
  std::optional<DaemonStatus> ask_status();
  void follow_mark();
  void look_at_alerts(const DaemonStatus& before);
  void rehearse();
  void rehearse_kill(OwnChild& daemon);
  void rehearse_overrun(OwnChild& daemon);
  std::string find_detectd() const;

  void good(std::string_view step, const std::string& text) { tell(step, "ok", text); }
  void bad(std::string_view step, const std::string& text) {
    failed_ = true;
    tell(step, "FAILED", text);
  }
  void skip(std::string_view step, const std::string& text) { tell(step, "skipped", text); }
  void tell(std::string_view step, std::string_view state, const std::string& text) {
    call_.output.write(fit(step, kNameColumns) + fit(state, 9) + escape_text(text) + "\n");
    call_.output.flush();
  }

  const SelftestOptions& options_;
  Call& call_;
  std::string mark_ = std::to_string(getpid()) + std::to_string(wall_clock_ns() % kSecondNs);
  std::string hit_id_;  // of the daemon's hit of our mark
  bool failed_ = false;
};

std::optional<DaemonStatus> Selftest::ask_status() {
  DaemonOptions options;
  options.socket = options_.socket;
  std::optional<DaemonStatus> told;
  const Status asked =
      ask_daemon(options, ControlRequest(), [&](const JsonValue& line) { told = parse_status(line); });
  if (!asked) bad("daemon", asked.error().message);
  return told;
}

// From the exec of a child of ours to the line that tells of it, and of the hit of the built-in rule.
void Selftest::follow_mark() {
  auto client = ControlClient::connect(options_.socket);
  ControlRequest request;
  request.verb = ControlRequest::Verb::kFollow;
  request.kinds = {EventKind::kExec};
  request.contains = "detectd-selftest-" + mark_;
  if (!client || !client->ask(request)) return bad("event", "the daemon lets nobody follow events");
  bool seen = false, hit = false;
  int64_t begin_ns = 0;
  std::optional<OwnChild> child;
  while (!hit) {
    const auto line = client->next(kPatienceNs);
    if (!line || !*line) break;
    const std::string type = (*line)->text_of("type");
    const auto after = [&] { return "after " + duration_text(steady_clock_ns() - begin_ns); };
    if (type == "text") {
      begin_ns = steady_clock_ns();
      auto started = OwnChild::start({"/bin/true", request.contains});
      if (!started) return bad("event", started.error().message);
      child.emplace(*std::move(started));
    } else if (type == "event" && !seen) {
      seen = true;
      good("event",
           "the exec of pid " + std::to_string((*line)->number_of("pid")) + " came through " + after());
    } else if (type == "hit") {
      hit = true;
      hit_id_ = (*line)->text_of("id");
      good("hit", (*line)->text_of("rule") + " came " + after());
    }
  }
  if (!seen) bad("event", "the exec of a child of ours was not seen: see detectctl status");
  if (!hit && geteuid() == 0) bad("hit", "the rule detectd.selftest did not hit within 5 s");
  if (!hit && geteuid() != 0) skip("hit", "only what root marks is one");
}

// To each receiver's word that it has the hit.
void Selftest::look_at_alerts(const DaemonStatus& before) {
  if (before.sinks.empty()) return skip("alerts", "none are configured");
  if (hit_id_.empty()) return skip("alerts", "there is no hit to follow");
  const int64_t begin_ns = steady_clock_ns();
  std::vector<SinkStatus> open = before.sinks;
  const auto is_told = [&](const SinkStatus& sink) {
    if (sink.selftest != hit_id_) return false;
    good("alerts",
         sink.name + " (" + sink.type + ") has it after " + duration_text(steady_clock_ns() - begin_ns));
    return true;
  };
  for (const SinkStatus& sink : open) {
    if (sink.digests) skip("alerts", sink.name + " (" + sink.type + ") is sent digests, no single hits");
  }
  while (true) {
    std::erase_if(open, [&](const SinkStatus& sink) { return sink.digests || is_told(sink); });
    if (open.empty() || steady_clock_ns() - begin_ns > kAlertPatienceNs) break;
    usleep(100'000);
    const std::optional<DaemonStatus> now = ask_status();
    if (!now) return;
    open = still_open(open, now->sinks);
  }
  for (const SinkStatus& sink : open) {
    bad("alerts", sink.name + " (" + sink.type +
                      "): " + (sink.works ? "did not say within 15 s that it has the hit" : sink.error));
  }
}

std::string Selftest::find_detectd() const {
  if (!options_.detectd.empty()) return options_.detectd;
  std::error_code ignored;
  const auto here = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const auto& path : {here / "detectd", here.parent_path() / "sbin" / "detectd",
                           std::filesystem::path("/usr/sbin/detectd")}) {
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

// With a detectd of our own, which keeps nothing, takes no lock and can not respond.
void Selftest::rehearse() {
  if (geteuid() != 0) return skip("rehearsal", "needs root");
  const std::string program = find_detectd();
  if (program.empty())
    return skip("rehearsal", "there is no detectd beside this program: name it with --detectd");
  std::string directory = (std::filesystem::temp_directory_path() / "detectd-selftest-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) return bad("rehearsal", "cannot make " + directory);
  std::string rules(kRehearsalRules);
  rules.replace(rules.find("%MARK%"), 6, mark_);
  std::ofstream(directory + "/rules.toml") << rules;
  std::ofstream(directory + "/detectd.toml") << kRehearsalConfig;
  {
    const int64_t begin_ns = steady_clock_ns();
    auto daemon = OwnChild::start({program, "--config", directory + "/detectd.toml", "--rules",
                                   directory + "/rules.toml", "--no-db", "--dry-run", "--output", "json",
                                   "--timeout", "60s"});
    std::string last;
    const auto watches = [&last](const std::string& line) {
      last = line;
      return line.find("watching with") != std::string::npos;
    };
    if (!daemon) {
      bad("rehearsal", daemon.error().message);
    } else if (!daemon->read_until(watches, 4 * kPatienceNs)) {
      bad("rehearsal", "a detectd of our own does not watch: " + last);
    } else {
      good("rehearsal", "a detectd of our own watches after " + duration_text(steady_clock_ns() - begin_ns));
      rehearse_kill(*daemon);
      rehearse_overrun(*daemon);
    }
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

// On a busy host its small buffer may lose events already, and then it is right not to be sure whom it would end, unless
// that process had begun well before: so the child is another program for a moment.
void Selftest::rehearse_kill(OwnChild& daemon) {
  const int64_t begin_ns = steady_clock_ns();
  std::string outcome;
  bool told = false;
  for (int i = 0; i < kTries && (outcome.empty() || outcome == "refused: identity"); ++i) {
    auto victim =
        OwnChild::start({"/bin/sh", "-c", "sleep 0.1; exec /bin/sleep \"$0\"", "30.0000000" + mark_});
    if (!victim) return bad("kill", victim.error().message);
    const bool was_told = daemon.read_until(
        [&](const std::string& line) {
          if (line.find("selftest_kill") == std::string::npos) return false;
          const auto hit = parse_json_object(line);
          const JsonValue* const response = hit ? hit->find("response") : nullptr;
          if (response != nullptr) outcome = response->text_of("outcome");
          return true;
        },
        kPatienceNs);
    told = told || was_told;
  }
  if (!told) return bad("kill", "the rule that would kill a child of ours did not hit");
  if (outcome.find("dry-run") == std::string::npos)
    return bad("kill", "should only be rehearsed: " + outcome);
  good("kill", "of a child of ours was rehearsed after " + duration_text(steady_clock_ns() - begin_ns) +
                   ": " + outcome);
}

// Ours stands still while more happens than its buffer holds.
void Selftest::rehearse_overrun(OwnChild& daemon) {
  daemon.pause();
  for (int i = 0; i < kFlood / 100; ++i) {
    std::vector<OwnChild> children;
    for (int j = 0; j < 10; ++j) {
      auto child = OwnChild::start({"/bin/true"});
      if (!child) break;
      children.push_back(*std::move(child));
    }
    for (OwnChild& child : children) child.wait(kPatienceNs);
  }
  const int64_t begin_ns = steady_clock_ns();
  daemon.go_on();
  int64_t lost = 0;
  const bool told = daemon.read_until(
      [&](const std::string& line) {
        if (line.find("\"type\":\"lost\"") == std::string::npos) return false;
        const auto object = parse_json_object(line);
        const JsonValue* const event = object ? object->find("event") : nullptr;
        const JsonValue* const detectd = event != nullptr ? event->find("detectd") : nullptr;
        if (detectd != nullptr) lost = detectd->number_of("lost");
        if (event != nullptr) lost = std::max(lost, event->number_of("detectd.lost"));
        return true;
      },
      2 * kPatienceNs);
  if (!told) return bad("overrun", "a storm that was too large for a small buffer was not told as a loss");
  good("overrun", plural(static_cast<uint64_t>(lost), "event") + " lost on purpose were noticed " +
                      duration_text(steady_clock_ns() - begin_ns) + " after");
}

ExitStatus Selftest::run() {
  const std::optional<DaemonStatus> before = ask_status();
  if (before) {
    good("daemon", "detectd " + before->version + " answers, pid " + std::to_string(before->pid));
    follow_mark();
    look_at_alerts(*before);
  }
  rehearse();
  if (!before) return ExitStatus::kSystem;
  return failed_ ? ExitStatus::kNo : ExitStatus::kDone;
}

ExitStatus selftest(const SelftestOptions& options, Call& call) { return Selftest(options, call).run(); }

}  // namespace

const Command kSelftestCommand = {
    .name = "selftest",
    .arguments = "",
    .summary = "whether an event gets from the kernel to an alert",
    .manual =
        "Run a harmless program with a mark among its arguments, and follow its exec through the running "
        "daemon: to "
        "the event, to the hit of the built-in rule\n"
        ".Li detectd.selftest ,\n"
        "to each receiver of alerts, which is told this hit whatever levels, tags and rules it asks for, and "
        "to "
        "its word that it has it; one that is sent digests is left out.\n"
        "Then, with a\n"
        ".Nm detectd\n"
        "of its own that keeps nothing and responds to nothing, rehearse the kill of a child of its own, and "
        "lose events "
        "on purpose, to see that this is noticed.\n"
        "A step is a line, with the time it took.\n"
        "The exit status is 1 where a step failed, and 5 where no daemon answers.\n",
    .options = kTable,
    .run = run_command<SelftestOptions, selftest>,
};

}  // namespace detectd

// detectctl diff: hits gained and lost between two rule sets.
#include <unistd.h>

#include <algorithm>

#include "engine/escape.h"
#include "engine/json_writer.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/hit_stream.h"
#include "src/detectctl/rule_diff.h"
#include "src/log.h"
#include "src/report/hit_view.h"
#include "src/rule_document.h"
#include "src/stop.h"
#include "src/text.h"

namespace detectd {
namespace {

struct DiffOptions {
  std::vector<std::string> captures;
  uint64_t limit = 5;
  bool skip_bad = false;
  bool json = false;
  bool allow_incomplete = false;
};

Status set_limit(DiffOptions& options, const std::string& value) {
  const auto number = parse_number<uint64_t>(value);
  if (!number) return Error{Errc::kUsage, quoted(value) + " is not a number"};
  options.limit = *number;
  return {};
}

constexpr std::string_view kGroup = "Options";
constexpr size_t kCommandBytes = 120;

constexpr OptionRow kTable[] = {
    {.group = kGroup,
     .name = "on",
     .value = "CAPTURE",
     .repeatable = true,
     .help = "recorded events, as detectd --replay reads them",
     .manual = "Recorded events, plain or compressed, as\n"
               ".Nm detectd Fl Fl replay\n"
               "reads them.\n"
               "Several are merged by time.\n",
     .apply = append<&DiffOptions::captures>},
    {.group = kGroup,
     .name = "limit",
     .value = "N",
     .help = "hits to show of a rule, 5 where not given",
     .manual = "So many gained, and so many lost hits of each rule are shown; the default is 5.\n"
               "All are counted, and all are printed with\n.Fl Fl json .\n",
     .apply = set<set_limit>},
    {.group = kGroup,
     .name = "skip-bad",
     .help = "count lines that can not be read, and go on",
     .manual = "Count lines that can not be read, and go on.\n",
     .apply = enable<&DiffOptions::skip_bad>},
    {.group = kGroup,
     .name = "json",
     .help = "JSON Lines",
     .manual =
         "Print an object a line: each hit that was gained or lost, then each rule that differs, then a "
         "summary.\n",
     .apply = enable<&DiffOptions::json>},
    {.group = kGroup,
     .name = "allow-incomplete",
     .help = "exit 0 also where lines were skipped",
     .manual = "Exit 0 also where lines were skipped.\n",
     .apply = enable<&DiffOptions::allow_incomplete>},
};

Result<std::shared_ptr<const RuleSet>> load(const std::string& path) {
  Diagnostics diagnostics;
  auto document = load_rule_document({path}, diagnostics);
  if (!document) {
    log::error(document.error().message);
    return document.error();
  }
  auto set = RuleSet::compile(*document, diagnostics);
  log::show(diagnostics);
  if (diagnostics.errors() == 0) return set;
  Error error{Errc::kRules, plural(diagnostics.errors(), "mistake") + " in the rules of " + quoted(path)};
  log::error(error.message);
  return error;
}

std::string change_text(const HitChange& change) {
  const std::string user = user_text(*change.hit.event);
  return std::string(change.gained ? "+ " : "- ") + change.place + "  " + lineage_text(*change.hit.event) +
         "  " + (user.empty() ? "" : user + "  ") + hit_text(change.hit, kCommandBytes) + "\n";
}

std::string change_json(const HitChange& change) {
  JsonWriter json;
  json.begin_object();
  json.member("type", change.gained ? "gained" : "lost");
  json.member("rule", change.hit.rule->id);
  json.member("name", change.hit.rule->name);
  json.member("hit", to_string(change.hit.id));
  json.member("event", change.place);
  json.end_object();
  return json.text() + "\n";
}

std::string rule_json(const RuleChange& change) {
  JsonWriter json;
  json.begin_object();
  json.member("type", "rule");
  json.member("rule", change.rule().id);
  json.member("name", change.rule().name);
  json.member_number("gained", static_cast<int64_t>(change.gained));
  json.member_number("lost", static_cast<int64_t>(change.lost));
  json.member_number("both", static_cast<int64_t>(change.both));
  if (const std::string retold = change.retold(); !retold.empty()) json.member("retold", retold);
  json.end_object();
  return json.text() + "\n";
}

struct Totals {
  uint64_t events = 0;
  uint64_t gained = 0, lost = 0, both = 0;
  size_t rules = 0;  // that differ
  uint64_t skipped = 0;
};

std::string totals_json(const Totals& totals) {
  JsonWriter json;
  json.begin_object();
  json.member("type", "summary");
  json.member_number("events", static_cast<int64_t>(totals.events));
  json.member_number("gained", static_cast<int64_t>(totals.gained));
  json.member_number("lost", static_cast<int64_t>(totals.lost));
  json.member_number("both", static_cast<int64_t>(totals.both));
  json.member_number("rules", static_cast<int64_t>(totals.rules));
  json.member_number("skipped", static_cast<int64_t>(totals.skipped));
  json.end_object();
  return json.text() + "\n";
}

// Two streams over the same captures, which judge the same events in the same order.
class Comparison {
 public:
  Comparison(const DiffOptions& options, Output& output) : options_(options), output_(output) {}

  Status run(HitStream& before, HitStream& now) {
    for (;;) {
      const Result<bool> more_before = before.next();
      if (!more_before) return more_before.error();
      const Result<bool> more_now = now.next();
      if (!more_now) return more_now.error();
      if (!*more_before || !*more_now) break;
      ++totals_.events;
      if (before.hits().empty() && now.hits().empty()) continue;
      changes_.clear();
      diff_.compare(before.hits(), now.hits(), now.place(), changes_);
      for (const HitChange& change : changes_) show(change);
    }
    return {};
  }

  Totals finish(uint64_t skipped) {
    totals_.skipped = skipped;
    for (const auto& [id, rule] : diff_.rules()) {
      totals_.gained += rule.gained;
      totals_.lost += rule.lost;
      totals_.both += rule.both;
      if (!rule.differs()) continue;
      ++totals_.rules;
      output_.write(options_.json ? rule_json(rule) : rule_text(rule));
    }
    return totals_;
  }

 private:
  void show(const HitChange& change) {
    if (options_.json) return output_.write(change_json(change));
    Shown& shown = shown_[change.hit.rule->id];
    uint64_t& count = change.gained ? shown.gained : shown.lost;
    if (count++ < options_.limit) shown.text += "    " + change_text(change);
  }

  std::string rule_text(const RuleChange& rule) {
    std::string text = detectd::rule_text(rule.rule()) + ": " + with_separators(rule.gained) + " gained, " +
                       with_separators(rule.lost) + " lost, " + with_separators(rule.both) + " the same";
    if (const std::string retold = rule.retold(); !retold.empty()) text += "; " + retold;
    const Shown& shown = shown_[rule.rule().id];
    text += "\n" + shown.text;
    const uint64_t all = rule.gained + rule.lost;
    const uint64_t told = std::min(shown.gained, options_.limit) + std::min(shown.lost, options_.limit);
    if (told < all) text += "    and " + with_separators(all - told) + " more\n";
    return text;
  }

  struct Shown {
    uint64_t gained = 0, lost = 0;
    std::string text;
  };
  const DiffOptions& options_;
  Output& output_;
  RuleDiff diff_;
  std::vector<HitChange> changes_;
  std::map<std::string, Shown> shown_;
  Totals totals_;
};

ExitStatus diff(const DiffOptions& options, Call& call) {
  if (call.arguments.size() != 2) return fail_usage(call, "two rule sets are to be named: OLD and NEW");
  if (options.captures.empty()) return fail_usage(call, "on which events? give --on CAPTURE");
  if (std::find(options.captures.begin(), options.captures.end(), "-") != options.captures.end()) {
    return fail_usage(call, "both rule sets read the captures, so standard input can not be one");
  }
  const auto before_rules = load(call.arguments[0]);
  if (!before_rules) return exit_status_of(before_rules.error());
  const auto now_rules = load(call.arguments[1]);
  if (!now_rules) return exit_status_of(now_rules.error());
  const ReplayOptions captures{.paths = options.captures, .skip_bad = options.skip_bad};
  auto before = HitStream::open(captures, *before_rules, {});
  if (!before) return fail(before.error());
  auto now = HitStream::open(captures, *now_rules, {});
  if (!now) return fail(now.error());
  Comparison comparison(options, call.output);
  const Status status = comparison.run(**before, **now);
  (*now)->close();
  if (!status) return fail(status.error());
  const Totals totals = comparison.finish((*now)->report().skipped);
  if (options.json) {
    call.output.write(totals_json(totals));
  } else if (!call.common.quiet) {
    call.output.write(with_separators(totals.gained) + " gained, " + with_separators(totals.lost) +
                      " lost, " + with_separators(totals.both) + " the same in " +
                      plural(totals.events, "event") +
                      (totals.skipped == 0 ? "" : "; " + plural(totals.skipped, "line") + " skipped") + "\n");
  }
  if (stop_requested()) return ExitStatus::kInterrupted;
  if (totals.rules > 0) return ExitStatus::kNo;
  return totals.skipped == 0 || options.allow_incomplete ? ExitStatus::kDone : ExitStatus::kIncomplete;
}

}  // namespace

constexpr Command kDiffCommand = {
    .name = "diff",
    .arguments = "OLD NEW",
    .summary = "hits gained and lost between two rule sets",
    .manual =
        "Judge captures by two rule sets, each a file or a directory, and tell which hits the new one gains "
        "and "
        "loses, by rule, and where the level or the response of hits is another.\n"
        "A rule is the same if its id is.\n"
        "Folding by\n"
        ".Sq suppress\n"
        "is at work as it would be in\n"
        ".Xr detectd 8 .\n"
        "The exit status is 1 if anything differs.\n",
    .options = kTable,
    .run = run_command<DiffOptions, diff>,
};

}  // namespace detectd

// detectctl report: what hit, as one file for people who were not there.
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "engine/escape.h"
#include "engine/timestamp.h"
#include "src/clock.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/hit_columns.h"
#include "src/detectctl/hits_options.h"
#include "src/detectctl/process_tree.h"
#include "src/detectctl/report_document.h"
#include "src/json_value.h"
#include "src/log.h"
#include "src/report/hit_view.h"
#include "src/report/time_zone.h"
#include "src/store/runs.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr size_t kMaxListed = 500;
constexpr size_t kMaxTrees = 12;
constexpr size_t kMaxRelatives = 500;
constexpr size_t kMaxTreeLines = 80;
constexpr size_t kMaxGaps = 200;
constexpr int64_t kBars = 30;

// What is kept of all hits that are meant: counts of all, the worst of them by themselves.
struct Findings {
  std::map<Level, uint64_t> levels;
  std::map<std::string, HitCount> rules;                              // by name
  std::map<std::string, std::map<std::string, uint64_t>> techniques;  // by tactic
  std::vector<StoredHit> worst;                                       // of all, at most kMaxListed
  uint64_t hits = 0;
};

// `["attack.execution","attack.t1059.004"]`: each technique below each tactic that stands beside it.
void add_tags(const std::string& tags, Findings& findings) {
  const auto object = parse_json_object("{\"tags\":" + tags + "}");
  if (!object) return;
  std::vector<std::string> tactics, techniques;
  for (const JsonValue& tag : object->elements_of("tags")) {
    if (!tag.text.starts_with("attack.")) continue;
    std::string name = tag.text.substr(7);
    const bool is_technique = name.size() > 1 && name[0] == 't' && name[1] >= '0' && name[1] <= '9';
    if (is_technique)
      std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c == 't' ? 'T' : c; });
    (is_technique ? techniques : tactics).push_back(std::move(name));
  }
  if (tactics.empty() && !techniques.empty()) tactics.emplace_back("(no tactic named)");
  for (const std::string& tactic : tactics) {
    if (techniques.empty()) ++findings.techniques[tactic]["(no technique named)"];
    for (const std::string& technique : techniques) ++findings.techniques[tactic][technique];
  }
}

// The highest level first, then the oldest.
bool comes_first(const StoredHit& a, const StoredHit& b) {
  const Level of_a = a.record.rule->level, of_b = b.record.rule->level;
  return of_a != of_b ? of_a > of_b : std::pair(a.record.time_ns, a.n) < std::pair(b.record.time_ns, b.n);
}

void keep_worst(StoredHit& hit, Findings& findings) {
  findings.worst.push_back(std::move(hit));
  if (findings.worst.size() < 2 * kMaxListed) return;
  std::sort(findings.worst.begin(), findings.worst.end(), comes_first);
  findings.worst.resize(kMaxListed);
}

Result<Findings> read_findings(const HitQuery& query) {
  Findings findings;
  const Status read = query.reader.list(query.filter, {}, [&](StoredHit& hit) {
    const RuleRecord& rule = *hit.record.rule;
    ++findings.hits;
    ++findings.levels[rule.level];
    HitCount& count = findings.rules[rule_text(rule)];
    if (count.hits++ == 0) count.first_ns = hit.record.time_ns;
    count.first_ns = std::min(count.first_ns, hit.record.time_ns);
    count.last_ns = std::max(count.last_ns, hit.record.time_ns);
    count.level = std::max(count.level, rule.level);
    add_tags(rule.tags, findings);
    keep_worst(hit, findings);
    return true;
  });
  if (!read) return read.error();
  std::sort(findings.worst.begin(), findings.worst.end(), comes_first);
  if (findings.worst.size() > kMaxListed) findings.worst.resize(kMaxListed);
  return findings;
}

void add_summary(const Findings& findings, const std::string& completeness, ReportDocument& document) {
  document.heading("Summary");
  std::string levels;
  for (auto level = findings.levels.rbegin(); level != findings.levels.rend(); ++level) {
    levels += (levels.empty() ? ": " : ", ") + with_separators(level->second) + " " +
              std::string(to_string(level->first));
  }
  document.text(plural(findings.hits, "hit") + " of " + plural(findings.rules.size(), "rule") + levels + ".");
  document.text("How complete this is: " + completeness + ".");
  std::vector<std::pair<std::string, HitCount>> rules(findings.rules.begin(), findings.rules.end());
  std::sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second.level, a.second.hits) > std::pair(b.second.level, b.second.hits);
  });
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, count] : rules) {
    rows.push_back({std::string(to_string(count.level)), name, with_separators(count.hits),
                    format_time(count.first_ns, 0), format_time(count.last_ns, 0)});
  }
  if (!rows.empty()) document.table({"level", "rule", "hits", "first", "last"}, std::move(rows));
}

Status add_timeline(const HitQuery& query, ReportDocument& document) {
  const auto range = query.reader.range(query.filter);
  if (!range) return range.error();
  document.heading("Timeline");
  if (!*range) {
    document.text("There are no hits.");
    return {};
  }
  const int64_t span_ns = (*range)->last_ns - (*range)->first_ns;
  const int64_t width_ns = (span_ns / kBars / kNanosPerSecond + 1) * kNanosPerSecond;
  const auto buckets = query.reader.timeline(width_ns, zone_offset_ns((*range)->last_ns), query.filter);
  if (!buckets) return buckets.error();
  std::vector<ReportBlock::Bar> bars;
  for (const HitReader::Bucket& bucket : *buckets) {
    if (bars.size() != 0) {
      // Times without hits, too.
      const int64_t before_ns = (&bucket - 1)->begin_ns;
      for (int64_t at = before_ns + width_ns; at < bucket.begin_ns; at += width_ns)
        bars.push_back({format_time(at, 0), 0});
    }
    uint64_t hits = 0;
    for (const uint64_t of_level : bucket.hits) hits += of_level;
    bars.push_back({format_time(bucket.begin_ns, 0), hits});
  }
  document.bars(std::move(bars));
  return {};
}

void add_matrix(const Findings& findings, ReportDocument& document) {
  if (findings.techniques.empty()) return;
  document.heading("ATT&CK");
  document.text("A technique stands beside each tactic that its rule names.");
  std::vector<std::vector<std::string>> rows;
  for (const auto& [tactic, techniques] : findings.techniques) {
    std::string cell;
    for (const auto& [technique, hits] : techniques) {
      cell += (cell.empty() ? "" : ", ") + technique + " (" + with_separators(hits) + ")";
    }
    rows.push_back({tactic, cell});
  }
  document.table({"tactic", "techniques (hits)"}, std::move(rows));
}

void add_list(const Findings& findings, ReportDocument& document) {
  if (findings.worst.empty()) return;
  document.heading("Hits");
  std::vector<std::vector<std::string>> rows;
  for (const StoredHit& hit : findings.worst) {
    const HitRecord& record = hit.record;
    std::string response = record.response;
    if (!response.empty()) response += ": " + record.response_outcome;
    rows.push_back({std::to_string(hit.n), format_time(record.time_ns),
                    std::string(to_string(record.rule->level)), rule_text(*record.rule), process_text(record),
                    user_text(record), command_text(record), response});
  }
  document.table({"hit", "time", "level", "rule", "process", "user", "command", "response"}, std::move(rows));
  if (findings.hits > findings.worst.size()) {
    document.text(with_separators(findings.hits - findings.worst.size()) +
                  " hits of lower levels are not listed.");
  }
}

// The first of each family, whose tree has the others.
Status add_trees(const HitQuery& query, const Findings& findings, ReportDocument& document) {
  std::set<int64_t> shown;
  size_t trees = 0;
  for (const StoredHit& listed : findings.worst) {
    if (trees == kMaxTrees) break;
    if (!listed.record.family || !shown.insert(*listed.record.family).second) continue;
    const auto hit = query.reader.find(std::to_string(listed.n));
    if (!hit) return hit.error();
    auto relatives = query.reader.relatives(*hit, kMaxRelatives);
    if (!relatives) return relatives.error();
    std::vector<ProcessTree::Member> members;
    for (StoredHit& relative : *relatives) {
      auto ancestors = query.reader.ancestors(relative);
      if (!ancestors) return ancestors.error();
      members.push_back({std::move(relative), *std::move(ancestors)});
    }
    if (trees++ == 0) document.heading("Processes");
    document.lines(ProcessTree(members, hit->n).text({}, kMaxTreeLines));
  }
  return {};
}

Status add_gaps(const HitQuery& query, ReportDocument& document) {
  std::vector<std::vector<std::string>> rows;
  uint64_t more = 0;
  const Status read = query.reader.gaps(query.filter, [&](const StoredGap& gap) {
    if (rows.size() == kMaxGaps) {
      ++more;
      return true;
    }
    const GapRecord& record = gap.record;
    rows.push_back({format_time(record.begin_ns), format_time(record.end_ns), record.reason,
                    record.lost ? with_separators(static_cast<uint64_t>(std::max<int64_t>(0, *record.lost)))
                                : "unknown"});
    return true;
  });
  if (!read) return read;
  document.heading("What was not seen");
  if (rows.empty()) document.text("Nothing: there is no blind or lossy interval in these times.");
  if (!rows.empty()) document.table({"from", "to", "why", "events lost"}, std::move(rows));
  if (more != 0) document.text(plural(more, "gap") + " more.");
  return {};
}

Status add_origin(const HitQuery& query, const HitsOptions& options, ReportDocument& document) {
  const auto digests = rules_digests(query.reader.database());
  if (!digests) return digests.error();
  document.heading("How this was made");
  std::string command = "detectctl report --db " + options.db;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) command += " --" + std::string(name) + " '" + value + "'";
  };
  add("since", options.since.value_or(""));
  add("until", options.until.value_or(""));
  for (const std::string& rule : options.rules) add("rule", rule);
  if (options.level) add("level", std::string(to_string(*options.level)));
  add("user", options.user);
  add("host", options.host);
  add("grep", options.grep);
  if (options.open) command += " --open";
  document.lines(command + "\n");
  document.text("detectctl " DETECTD_VERSION ", " + format_time(wall_clock_ns(), 0) +
                ". The rule sets whose hits are in "
                "this database, newest first:");
  std::string lines;
  for (const std::string& digest : *digests) lines += "sha256:" + digest + "\n";
  document.lines(lines);
  return {};
}

ExitStatus report(const HitsOptions& options, Call& call) {
  const auto query = open_query(options);
  if (!query) return exit_status_of(query.error());
  const auto findings = read_findings(*query);
  if (!findings) return fail_store(findings.error());
  const auto complete = query->reader.completeness(query->filter);
  if (!complete) return fail_store(complete.error());
  ReportDocument document{.title = "detectd: what was found", .blocks = {}};
  add_summary(*findings, completeness_text(*complete), document);
  if (Status added = add_timeline(*query, document); !added) return fail_store(added.error());
  add_matrix(*findings, document);
  add_list(*findings, document);
  if (Status added = add_trees(*query, *findings, document); !added) return fail_store(added.error());
  if (Status added = add_gaps(*query, document); !added) return fail_store(added.error());
  if (Status added = add_origin(*query, options, document); !added) return fail_store(added.error());
  call.output.write(options.markdown ? markdown_of(document) : html_of(document));
  return complete->complete() || options.allow_incomplete ? ExitStatus::kDone : ExitStatus::kIncomplete;
}

}  // namespace

const Command kReportCommand = {
    .name = "report",
    .arguments = "",
    .summary = "one file for people: hits, trees, gaps",
    .manual =
        "Print one HTML file that needs nothing else, or with\n"
        ".Fl Fl markdown\n"
        "the same as Markdown: hits by level and rule, a timeline, tactics and techniques of ATT&CK, the "
        "worst 500 hits, "
        "the processes around them, blind intervals, and how it was made.\n"
        "It runs no script and loads nothing.\n"
        "The exit status is 6 where something is missing, as of\n"
        ".Cm hits list .\n",
    .options = report_options(),
    .run = run_command<HitsOptions, report>,
};

}  // namespace detectd

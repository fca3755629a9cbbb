// detectctl hits top, hits timeline, gaps: hits counted, and what was not seen.
#include <unistd.h>

#include <algorithm>
#include <array>

#include "engine/escape.h"
#include "engine/json_writer.h"
#include "engine/rule_parser.h"
#include "engine/timestamp.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/hit_columns.h"
#include "src/detectctl/hit_table.h"
#include "src/detectctl/hits_options.h"
#include "src/report/hit_view.h"
#include "src/report/time_zone.h"
#include "src/store/stored_hit_json.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr uint64_t kTopRows = 20;
constexpr size_t kMaxNameColumns = 60;
constexpr uint64_t kMaxBars = 10'000;

std::string right(const std::string& text, size_t columns) {
  return std::string(columns - std::min(columns, text.size()), ' ') + text;
}

Terminal terminal_of(const Call& call) { return inspect_terminal(STDOUT_FILENO, call.common.color); }

std::string json_line(const HitReader::Group& group) {
  JsonWriter json;
  json.begin_object();
  json.member("type", "group");
  json.member("name", group.name);
  json.member("level", to_string(group.count.level));
  json.member_number("hits", static_cast<int64_t>(group.count.hits));
  json.member_number("repeats", static_cast<int64_t>(group.count.repeats));
  json.member("first", format_rfc3339(group.count.first_ns));
  json.member("last", format_rfc3339(group.count.last_ns));
  json.end_object();
  return json.text() + "\n";
}

std::string csv_line(const HitReader::Group& group) {
  return csv_field(group.name) + "," + csv_field(to_string(group.count.level)) + "," +
         csv_field(std::to_string(group.count.hits)) + "," + csv_field(std::to_string(group.count.repeats)) +
         "," + csv_field(format_time(group.count.first_ns)) + "," +
         csv_field(format_time(group.count.last_ns)) + "\r\n";
}

std::string table_of(const std::vector<HitReader::Group>& groups, const std::string& what,
                     const Terminal& terminal) {
  size_t name_columns = what.size(), hit_columns = 4, time_columns = 5;
  for (const HitReader::Group& group : groups) {
    name_columns = std::max(name_columns, std::min(display_width(group.name), kMaxNameColumns));
    hit_columns = std::max(hit_columns, with_separators(group.count.hits).size());
    time_columns = std::max(time_columns, format_time(group.count.first_ns, 0).size());
  }
  const size_t rest = hit_columns + 2 + 8 + 2 + 2 * time_columns + 4;
  const size_t columns = terminal.columns;
  // Without room for both times the first goes.
  const bool both = columns == 0 || columns >= rest + std::min<size_t>(name_columns, 24);
  if (columns != 0) {
    name_columns =
        std::min(name_columns, columns - std::min(columns - 8, both ? rest : rest - time_columns - 2));
  }
  std::string text = right("hits", hit_columns) + "  " + fit("level", 8) + "  " + fit(what, name_columns) +
                     "  " + (both ? fit("first", time_columns) + "  " : "") + "last\n";
  for (const HitReader::Group& group : groups) {
    text += right(with_separators(group.count.hits), hit_columns) + "  " +
            paint(terminal, group.count.level, fit(short_name(group.count.level), 8)) + "  " +
            fit(group.name, name_columns) + "  " +
            (both ? fit(format_time(group.count.first_ns, 0), time_columns) + "  " : "") +
            format_time(group.count.last_ns, 0) + "\n";
  }
  return text;
}

ExitStatus top(const HitsOptions& options, Call& call) {
  GroupBy group{};
  Status known = choose(options.group_by,
                        {{"rule", GroupBy::kRule},
                         {"level", GroupBy::kLevel},
                         {"user", GroupBy::kUser},
                         {"host", GroupBy::kHost},
                         {"executable", GroupBy::kExecutable},
                         {"parent", GroupBy::kParent}},
                        group);
  if (!known) return fail(std::move(known.error()).within("--group-by"));
  const auto query = open_query(options);
  if (!query) return exit_status_of(query.error());
  auto groups = query->reader.count_by(group, query->filter);
  if (!groups) return fail_store(groups.error());
  uint64_t hits = 0;
  for (const HitReader::Group& each : *groups) hits += each.count.hits;
  std::sort(groups->begin(), groups->end(), [](const auto& a, const auto& b) {
    return std::tuple(b.count.hits, b.count.level, a.name) < std::tuple(a.count.hits, a.count.level, b.name);
  });
  const size_t all = groups->size();
  const uint64_t limit = options.limit == 0 ? kTopRows : options.limit;
  if (!options.json && !options.csv && all > limit) groups->resize(limit);
  if (options.csv) call.output.write("name,level,hits,repeats,first,last\r\n");
  if (options.json || options.csv) {
    for (const HitReader::Group& each : *groups)
      call.output.write(options.json ? json_line(each) : csv_line(each));
  } else if (!groups->empty()) {
    call.output.write(table_of(*groups, options.group_by, terminal_of(call)));
    if (all > groups->size())
      call.output.write("... " + with_separators(all - groups->size()) + " more; --limit shows them\n");
  }
  return tell_completeness(*query, options, call, hits);
}

// A width that people count in, with some twenty bars.
int64_t width_for(int64_t span_ns) {
  constexpr int64_t kSeconds[] = {1,    5,    10,       30,       60,        300,  600,
                                  1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400};
  for (const int64_t seconds : kSeconds) {
    if (span_ns / (seconds * kNanosPerSecond) < 24) return seconds * kNanosPerSecond;
  }
  int64_t days = 2;
  while (span_ns / (days * 86400 * kNanosPerSecond) >= 48) days *= 2;
  return days * 86400 * kNanosPerSecond;
}

std::optional<int64_t> read_width(const std::string& text) {
  if (text == "minute") return 60 * kNanosPerSecond;
  if (text == "hour") return 3600 * kNanosPerSecond;
  if (text == "day") return 86400 * kNanosPerSecond;
  const std::optional<int64_t> width_ns = parse_duration(text);
  return width_ns && *width_ns >= kNanosPerSecond ? width_ns : std::nullopt;
}

uint64_t total(const HitReader::Bucket& bucket) {
  uint64_t hits = 0;
  for (const uint64_t of_level : bucket.hits) hits += of_level;
  return hits;
}

// A letter a share of hits, the highest level first; whatever hit has at least one.
std::string bar_of(const HitReader::Bucket& bucket, uint64_t most, size_t columns, const Terminal& terminal) {
  constexpr std::string_view kLetters = "ilmHC";
  std::string bar;
  for (size_t i = kLetters.size(); i-- > 0;) {
    if (bucket.hits[i] == 0) continue;
    const double share = static_cast<double>(bucket.hits[i]) / static_cast<double>(most);
    const auto letters = std::max<size_t>(1, static_cast<size_t>(share * static_cast<double>(columns)));
    bar += paint(terminal, static_cast<Level>(i), std::string(letters, kLetters[i]));
  }
  return bar;
}

std::string bars_of(const std::vector<HitReader::Bucket>& buckets, int64_t width_ns,
                    const Terminal& terminal) {
  uint64_t most = 1;
  size_t count_columns = 4;
  for (const HitReader::Bucket& bucket : buckets) {
    most = std::max(most, total(bucket));
    count_columns = std::max(count_columns, with_separators(total(bucket)).size());
  }
  const size_t time_columns = format_time(buckets.front().begin_ns, 0).size();
  const size_t columns =
      (terminal.columns == 0 ? 100 : terminal.columns) - time_columns - count_columns - 4 - 5;
  std::string text;
  uint64_t lines = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    // Times without hits show too, up to a bound.
    for (int64_t empty_ns = i == 0 ? buckets[0].begin_ns : buckets[i - 1].begin_ns + width_ns;
         empty_ns < buckets[i].begin_ns && lines < kMaxBars; empty_ns += width_ns, ++lines) {
      text += format_time(empty_ns, 0) + "  " + right("0", count_columns) + "\n";
    }
    if (++lines > kMaxBars) return text + "... too many to show; choose a larger --by\n";
    text += format_time(buckets[i].begin_ns, 0) + "  " +
            right(with_separators(total(buckets[i])), count_columns) + "  " +
            bar_of(buckets[i], most, columns, terminal) + "\n";
  }
  return text;
}

std::string json_line(const HitReader::Bucket& bucket, int64_t width_ns) {
  JsonWriter json;
  json.begin_object();
  json.member("type", "interval");
  json.member("begin", format_rfc3339(bucket.begin_ns));
  json.member("end", format_rfc3339(bucket.begin_ns + width_ns));
  for (size_t i = 0; i < std::size(bucket.hits); ++i) {
    json.member_number(to_string(static_cast<Level>(i)), static_cast<int64_t>(bucket.hits[i]));
  }
  json.end_object();
  return json.text() + "\n";
}

ExitStatus timeline(const HitsOptions& options, Call& call) {
  const std::optional<int64_t> wanted_ns =
      options.by.empty() ? std::optional<int64_t>(0) : read_width(options.by);
  if (!wanted_ns) {
    return fail(
        {Errc::kUsage, "--by: " + quoted(options.by) + " is not minute, hour, day or a duration from 1s"});
  }
  const auto query = open_query(options);
  if (!query) return exit_status_of(query.error());
  const auto range = query->reader.range(query->filter);
  if (!range) return fail_store(range.error());
  uint64_t hits = 0;
  if (*range) {
    const int64_t width_ns = *wanted_ns != 0 ? *wanted_ns : width_for((*range)->last_ns - (*range)->first_ns);
    const auto buckets = query->reader.timeline(width_ns, zone_offset_ns((*range)->last_ns), query->filter);
    if (!buckets) return fail_store(buckets.error());
    for (const HitReader::Bucket& bucket : *buckets) {
      hits += total(bucket);
      if (options.json) call.output.write(json_line(bucket, width_ns));
    }
    if (!options.json && !buckets->empty()) {
      call.output.write(bars_of(*buckets, width_ns, terminal_of(call)));
      if (!call.common.quiet) call.output.write("C critical, H high, m medium, l low, i informational\n");
    }
  }
  return tell_completeness(*query, options, call, hits);
}

ExitStatus gaps(const HitsOptions& options, Call& call) {
  const auto query = open_query(options);
  if (!query) return exit_status_of(query.error());
  const size_t columns = terminal_of(call).columns;
  uint64_t found = 0;
  Status status = query->reader.gaps(query->filter, [&](const StoredGap& gap) {
    ++found;
    if (options.json) {
      call.output.write(json_line(gap));
      return !call.output.failed();
    }
    const GapRecord& record = gap.record;
    std::string line =
        format_time(record.begin_ns) + "  " + format_time(record.end_ns) + "  " +
        (record.lost ? plural(static_cast<uint64_t>(std::max<int64_t>(*record.lost, 0)), "event")
                     : "an unknown number of events");
    if (!record.host.empty()) line += "  " + escape_text(record.host);
    if (!record.reason.empty()) line += "  " + escape_text(record.reason);
    call.output.write((columns == 0 ? line : cut(line, columns)) + "\n");
    return !call.output.failed();
  });
  if (!status) return fail_store(status.error());
  const Result<Completeness> told = query->reader.completeness(query->filter);
  if (!told) return fail_store(told.error());
  if (!options.json && !call.common.quiet) call.output.write(completeness_text(*told) + "\n");
  return found == 0 || options.allow_incomplete ? ExitStatus::kDone : ExitStatus::kIncomplete;
}

}  // namespace

const Command kHitsTopCommand = {
    .name = "hits top",
    .arguments = "",
    .summary = "what hits most: rules, users, hosts, programs",
    .manual =
        "Count hits by rule, or by what\n.Fl Fl group-by\nsays, most first; without\n.Fl Fl limit\nthe first "
        "20.\n",
    .options = top_options(),
    .run = run_command<HitsOptions, top>,
};

const Command kHitsTimelineCommand = {
    .name = "hits timeline",
    .arguments = "",
    .summary = "when hits were, as bars",
    .manual =
        "Show when hits were: a bar a stretch of time, a letter of it a share of the hits of one level.\n",
    .options = timeline_options(),
    .run = run_command<HitsOptions, timeline>,
};

const Command kGapsCommand = {
    .name = "gaps",
    .arguments = "",
    .summary = "when the sensor was blind or lossy",
    .manual =
        "List the intervals in which the sensor was blind or lost events.\n"
        "The exit status is 6 if there is one.\n",
    .options = gaps_options(),
    .run = run_command<HitsOptions, gaps>,
};

}  // namespace detectd

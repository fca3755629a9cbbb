// detectctl hits, hits list, hits export, hits follow: hits in a line each.
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "src/detectctl/commands.h"
#include "src/detectctl/hit_columns.h"
#include "src/detectctl/hit_table.h"
#include "src/detectctl/hits_options.h"
#include "src/stop.h"
#include "src/store/redaction.h"
#include "src/store/stored_hit_json.h"

namespace detectd {
namespace {

// On a terminal nobody reads more; into a pipe goes everything.
constexpr uint64_t kTerminalLimit = 1000;
// Rows that are laid out together.
constexpr size_t kLayoutRows = 256;
constexpr int64_t kFollowWaitNs = 250'000'000;

// Shows hits in the form that was asked for.
class Printer {
 public:
  Printer(const HitsOptions& options, Call& call, std::vector<const HitColumn*> columns)
      : options_(options),
        output_(call.output),
        columns_(std::move(columns)),
        table_(output_, inspect_terminal(STDOUT_FILENO, call.common.color), columns_) {}

  bool needs_detail() const {
    return options_.json || std::any_of(columns_.begin(), columns_.end(),
                                        [](const HitColumn* column) { return column->detail; });
  }

  void begin() {
    if (!options_.csv) return;
    std::string line;
    for (const HitColumn* column : columns_) line += (line.empty() ? "" : ",") + std::string(column->name);
    output_.write(line + "\r\n");
  }

  // False where nobody reads any more.
  bool show(const StoredHit& hit) {
    ++shown_;
    if (options_.json) {
      output_.write(json_line(hit));
    } else if (options_.csv) {
      std::string line;
      for (const HitColumn* column : columns_)
        line += (line.empty() ? "" : ",") + csv_field(column->text(hit));
      output_.write(line + "\r\n");
    } else {
      waiting_.push_back(hit);
      if (waiting_.size() == kLayoutRows) flush();
    }
    return !output_.failed();
  }

  void flush() {
    table_.show(waiting_);
    waiting_.clear();
  }
  uint64_t shown() const { return shown_; }

 private:
  const HitsOptions& options_;
  Output& output_;
  std::vector<const HitColumn*> columns_;
  HitTable table_;
  std::vector<StoredHit> waiting_;
  uint64_t shown_ = 0;
};

Result<std::vector<const HitColumn*>> columns_of(const HitsOptions& options) {
  if (!options.columns.empty()) return choose_columns(options.columns);
  if (!options.csv) return std::vector<const HitColumn*>();
  std::vector<const HitColumn*> all;
  for (const HitColumn& column : hit_columns()) {
    if (column.name != "event") all.push_back(&column);
  }
  return all;
}

// The newest hits, oldest first; they are few enough to be held.
Status show_newest(const HitQuery& query, uint64_t limit, Printer& printer) {
  std::vector<StoredHit> newest;
  const HitReader::ListOptions backwards{.order = HitReader::Order::kNewestFirst,
                                         .detail = printer.needs_detail()};
  Status status = query.reader.list(query.filter, backwards, [&](StoredHit& hit) {
    newest.push_back(std::move(hit));
    return newest.size() < limit;
  });
  for (auto hit = newest.rbegin(); status && hit != newest.rend() && printer.show(*hit);) ++hit;
  return status;
}

ExitStatus list(const HitsOptions& options, Call& call) {
  const auto columns = columns_of(options);
  if (!columns) return fail(columns.error());
  const auto query = open_query(options);
  if (!query) return exit_status_of(query.error());
  Printer printer(options, call, *columns);
  printer.begin();
  const bool on_terminal = inspect_terminal(STDOUT_FILENO, ColorChoice::kAuto).is_terminal;
  const uint64_t limit = options.limit != 0 ? options.limit : on_terminal ? kTerminalLimit : 0;
  Status status;
  if (limit != 0) {
    status = show_newest(*query, limit, printer);
  } else {
    status = query->reader.list(query->filter, {.detail = printer.needs_detail()},
                                [&](StoredHit& hit) { return printer.show(hit); });
  }
  printer.flush();
  if (!status) return fail_store(status.error());
  return tell_completeness(*query, options, call, printer.shown());
}

ExitStatus export_hits(const HitsOptions& given, Call& call) {
  HitsOptions options = given;
  options.json = !options.csv;
  const auto columns = columns_of(options);
  if (!columns) return fail(columns.error());
  const auto redaction = Redaction::compile(options.redact);
  if (!redaction) return fail({Errc::kUsage, "--redact: " + redaction.error().message});
  const auto query = open_query(options);
  if (!query) return exit_status_of(query.error());
  Printer printer(options, call, *columns);
  printer.begin();
  Status status = query->reader.list(query->filter, {.detail = true}, [&](StoredHit& hit) {
    HitRecord& record = hit.record;
    for (std::string* json : {&record.event, &record.lineage, &record.grouping, &record.parts})
      redaction->redact_json(*json);
    for (std::string* text : {&record.command_line, &record.executable, &record.name, &record.parent_name,
                              &record.target_name, &hit.note}) {
      redaction->redact_text(*text);
    }
    return printer.show(hit) && (options.limit == 0 || printer.shown() < options.limit);
  });
  if (!status) return fail_store(status.error());
  return tell_completeness(*query, options, call, printer.shown());
}

ExitStatus follow(const HitsOptions& options, Call& call) {
  const auto query = open_query(options);
  if (!query) return exit_status_of(query.error());
  Result<int64_t> last = query->reader.last_number();
  if (!last) return fail_store(last.error());
  catch_stop_signals();
  Printer printer(options, call, {});
  while (!stop_requested() && !call.output.failed()) {
    Status status =
        query->reader.list(query->filter, {.detail = options.json, .after_n = *last}, [&](StoredHit& hit) {
          *last = hit.n;
          return printer.show(hit);
        });
    if (!status) return fail_store(status.error());
    printer.flush();
    call.output.flush();
    const timespec wait{.tv_sec = 0, .tv_nsec = kFollowWaitNs};
    nanosleep(&wait, nullptr);
  }
  return ExitStatus::kDone;
}

}  // namespace

constexpr Command kHitsCommand = {
    .name = "hits",
    .arguments = "",
    .summary = "the same as hits list",
    .manual = "The same as\n.Cm hits list .\n",
    .options = {},
    .run = [](const Command&, const std::vector<std::string>& words,
              Output& output) { return kHitsListCommand.run(kHitsListCommand, words, output); },
};

const Command kHitsListCommand = {
    .name = "hits list",
    .arguments = "",
    .summary = "hits in a line each, the oldest first",
    .manual =
        "List hits, the oldest first, and below them how complete the list is.\n"
        "On a terminal these are at most the 1000 newest.\n"
        "The exit status is 6 where something is missing: a gap of the sensor in these times, a run that did "
        "not "
        "reach its end, lines that could not be read, hits that wait in the spill.\n",
    .options = list_options(),
    .run = run_command<HitsOptions, list>,
};

const Command kHitsExportCommand = {
    .name = "hits export",
    .arguments = "",
    .summary = "hits with everything, as JSON Lines or CSV",
    .manual =
        "Print hits with all that is known of them, as JSON Lines or, with\n.Fl Fl csv ,\nas a table for "
        "spreadsheets.\n",
    .options = export_options(),
    .run = run_command<HitsOptions, export_hits>,
};

const Command kHitsFollowCommand = {
    .name = "hits follow",
    .arguments = "",
    .summary = "hits as they are stored",
    .manual = "Show hits as they are stored, until interrupted.\n",
    .options = follow_options(),
    .run = run_command<HitsOptions, follow>,
};

}  // namespace detectd

// detectctl db: is the database sound, what is in it, and making it smaller.
#include "engine/escape.h"
#include "engine/json_writer.h"
#include "engine/rule_parser.h"
#include "engine/timestamp.h"
#include "src/clock.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/hits_options.h"
#include "src/log.h"
#include "src/report/hit_view.h"
#include "src/report/time_zone.h"
#include "src/store/inspection.h"
#include "src/store/retention.h"
#include "src/store/salvage.h"
#include "src/store/schema.h"
#include "src/store/spill_file.h"
#include "src/text.h"

namespace detectd {
namespace {

struct PruneOptions {
  std::string db = kDefaultDatabase;
  std::optional<int64_t> keep_ns;
  std::optional<uint64_t> max_bytes;
};

Status set_keep(PruneOptions& options, const std::string& value) {
  const std::optional<int64_t> keep_ns = parse_duration(value);
  if (!keep_ns) return Error{Errc::kUsage, quoted(value) + " is not a duration such as `90d` or `12h`"};
  options.keep_ns = *keep_ns;
  return {};
}

Status set_max_size(PruneOptions& options, const std::string& value) {
  constexpr std::pair<std::string_view, uint64_t> kUnits[] = {
      {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
  for (const auto& [unit, bytes] : kUnits) {
    if (value.size() <= unit.size() || !value.ends_with(unit)) continue;
    const auto number = parse_number<uint64_t>(std::string_view(value).substr(0, value.size() - unit.size()));
    if (number && *number > 0 && *number < (uint64_t{1} << 20)) {
      options.max_bytes = *number * bytes;
      return {};
    }
  }
  return Error{Errc::kUsage, quoted(value) + " is not a size such as `512MiB` or `1GiB`"};
}

constexpr OptionRow kPruneTable[] = {
    {.group = "Database",
     .name = "db",
     .value = "FILE",
     .help = "instead of /var/lib/detectd/hits.db",
     .manual = "The database; the default is\n.Pa /var/lib/detectd/hits.db .\n",
     .apply = assign<&PruneOptions::db>},
    {.group = "What goes",
     .name = "keep",
     .value = "DURATION",
     .help = "hits that were stored longer ago, as 90d",
     .manual = "Hits that were stored longer ago than this, such as 90d.\n",
     .apply = set<set_keep>},
    {.group = "What goes",
     .name = "max-size",
     .value = "SIZE",
     .help = "the oldest, until it is no larger, as 1GiB",
     .manual = "The oldest hits, until the database is no larger than this, such as 1GiB.\n",
     .apply = set<set_max_size>},
};

Result<Database> open_readable(const std::string& path) {
  Result<Database> database = Database::open(path, Database::Access::kRead);
  if (!database) return database;
  if (Status status = check_readable(*database); !status) return std::move(status).error();
  return database;
}

ExitStatus check(const HitsOptions& options, Call& call) {
  const auto database = open_readable(options.db);
  if (!database) return fail_store(database.error());
  const auto found = check_integrity(*database);
  if (!found) return fail_store(found.error());
  for (const std::string& line : *found) call.output.write(line + "\n");
  const uint64_t waiting = SpillFile::count_hits(spill_path_of(options.db));
  if (waiting != 0) {
    call.output.write(plural(waiting, "hit") + (waiting == 1 ? " waits in " : " wait in ") +
                      escape_text(spill_path_of(options.db)) +
                      ": the next detectd with this database brings them into it\n");
  }
  if (found->empty()) {
    call.output.write(escape_text(options.db) + " is sound\n");
    return waiting == 0 ? ExitStatus::kDone : ExitStatus::kIncomplete;
  }
  log::error(escape_text(options.db) + " is damaged; detectctl db salvage NEW --db " +
             escape_text(options.db) + " copies what can still be read");
  return ExitStatus::kNo;
}

ExitStatus verify(const HitsOptions& options, Call& call) {
  const auto database = open_readable(options.db);
  if (!database) return fail_store(database.error());
  const auto report = verify_chain(*database);
  if (!report) return fail_store(report.error());
  if (report->broken_at) {
    call.output.write("hit " + std::to_string(*report->broken_at) +
                      " is not as it was stored, or one before it is missing; " +
                      plural(report->hits, "hit") + " before it " + (report->hits == 1 ? "is" : "are") +
                      " as stored\n");
    return ExitStatus::kNo;
  }
  call.output.write(plural(report->hits, "hit") + (report->hits == 1 ? " is" : " are") + " as stored\n");
  return ExitStatus::kDone;
}

std::string megabytes(uint64_t bytes) {
  return bytes < (10 << 20) ? with_separators(bytes >> 10) + " KiB" : with_separators(bytes >> 20) + " MiB";
}

ExitStatus stats(const HitsOptions& options, Call& call) {
  const auto database = open_readable(options.db);
  if (!database) return fail_store(database.error());
  const auto told = read_statistics(*database);
  if (!told) return fail_store(told.error());
  if (options.json) {
    JsonWriter json;
    json.begin_object();
    json.member_number("schema", told->schema);
    json.member_number("bytes", static_cast<int64_t>(told->bytes));
    json.member_number("free_bytes", static_cast<int64_t>(told->free_bytes));
    json.member_number("hits", static_cast<int64_t>(told->hits));
    if (told->first_ns) json.member("first", format_rfc3339(*told->first_ns));
    if (told->last_ns) json.member("last", format_rfc3339(*told->last_ns));
    json.member_number("rules", static_cast<int64_t>(told->rules));
    json.member_number("runs", static_cast<int64_t>(told->runs));
    json.member_number("gaps", static_cast<int64_t>(told->gaps));
    json.member_number("pruned", static_cast<int64_t>(told->pruned));
    json.member_number("waiting", static_cast<int64_t>(told->waiting));
    json.end_object();
    call.output.write(json.text() + "\n");
    return ExitStatus::kDone;
  }
  const auto line = [&call](std::string_view name, const std::string& value) {
    call.output.write(fit(name, 10) + value + "\n");
  };
  line("schema", std::to_string(told->schema));
  line("size", megabytes(told->bytes) + ", " + megabytes(told->free_bytes) + " of it free");
  line("hits", with_separators(told->hits));
  if (told->first_ns) line("first", format_time(*told->first_ns));
  if (told->last_ns) line("last", format_time(*told->last_ns));
  line("rules", with_separators(told->rules));
  line("runs", with_separators(told->runs));
  line("gaps", with_separators(told->gaps));
  line("pruned", with_separators(told->pruned));
  line("waiting", with_separators(told->waiting));
  return ExitStatus::kDone;
}

ExitStatus prune(const PruneOptions& options, Call& call) {
  if (!options.keep_ns && !options.max_bytes) return fail_usage(call, "say what goes: --keep or --max-size");
  Result<Database> database = Database::open(options.db, Database::Access::kWrite);
  if (!database) return fail_store(database.error());
  if (Status status = check_readable(*database); !status) return fail_store(status.error());
  RetentionLimits limits{.max_bytes = options.max_bytes, .stored_before_ns = {}};
  if (options.keep_ns) limits.stored_before_ns = wall_clock_ns() - *options.keep_ns;
  Retention retention(*database, limits);
  Result<bool> more = true;
  while (more && *more) more = retention.step();
  call.output.write(plural(retention.pruned(), "hit") + " pruned\n");
  return more ? ExitStatus::kDone : fail_store(more.error());
}

ExitStatus salvage_database(const HitsOptions& options, Call& call) {
  if (call.arguments.size() != 1) return fail_usage(call, "name the new database");
  const auto report = salvage(options.db, call.arguments[0], wall_clock_ns());
  if (!report) return fail_store(report.error());
  call.output.write(plural(report->hits, "hit") + " and " + plural(report->gaps, "gap") + " copied to " +
                    escape_text(call.arguments[0]) + "; " + plural(report->unreadable, "row") +
                    " could not be read\n");
  return report->unreadable == 0 ? ExitStatus::kDone : ExitStatus::kIncomplete;
}

}  // namespace

const Command kDbCheckCommand = {
    .name = "db check",
    .arguments = "",
    .summary = "whether the database is sound",
    .manual =
        "Check the whole file, and tell whether hits wait in the spill.\n"
        "The exit status is 1 if the file is damaged, and 6 if hits wait.\n",
    .options = db_options(),
    .run = run_command<HitsOptions, check>,
};

const Command kDbVerifyCommand = {
    .name = "db verify",
    .arguments = "",
    .summary = "whether hits are as they were stored",
    .manual =
        "Compute the hash chain over all hits anew and name the first that is not as it was stored.\n"
        "The exit status is 1 if there is one.\n"
        "This finds what somebody changed who did not compute the chain anew too; it does not find hits that "
        "were "
        "taken from the end.\n",
    .options = db_options(),
    .run = run_command<HitsOptions, verify>,
};

const Command kDbStatsCommand = {
    .name = "db stats",
    .arguments = "",
    .summary = "what is in the database, and its size",
    .manual = "Tell what is in the database, and how large it is.\n",
    .options = db_options(),
    .run = run_command<HitsOptions, stats>,
};

const Command kDbPruneCommand = {
    .name = "db prune",
    .arguments = "",
    .summary = "remove the oldest hits",
    .manual =
        "Remove the oldest hits, in the order in which they were stored, and give their space back.\n"
        "A daemon may go on writing meanwhile.\n",
    .options = kPruneTable,
    .run = run_command<PruneOptions, prune>,
};

const Command kDbSalvageCommand = {
    .name = "db salvage",
    .arguments = "NEW",
    .summary = "copy what can be read of a damaged database",
    .manual =
        "Copy what can still be read into the new database\n.Ar NEW ,\nand leave the damaged one as it is.\n"
        "The exit status is 6 if something could not be read.\n",
    .options = db_options(),
    .run = run_command<HitsOptions, salvage_database>,
};

}  // namespace detectd

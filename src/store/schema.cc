#include "src/store/schema.h"

#include <string>
#include <vector>

#include "engine/escape.h"
#include "src/store/hit_row.h"
#include "src/store/migration.h"

namespace detectd {
namespace {

constexpr int64_t kApplicationId = 0x44544354;

// Before the first table, or they are without effect.
constexpr const char* kLayout = "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL;";

constexpr const char* kConnection =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "PRAGMA cache_size = -8192;"
    "PRAGMA wal_autocheckpoint = 4096;"
    "PRAGMA journal_size_limit = 67108864;";

constexpr const char* kTables =
    "CREATE TABLE rule ("
    " n INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL, name TEXT NOT NULL, title TEXT NOT NULL, level INTEGER NOT NULL,"
    " tags TEXT NOT NULL, digest TEXT NOT NULL,"
    " UNIQUE (id, digest, level, name, title, tags)"
    ") STRICT;"
    "CREATE TABLE run ("
    " n INTEGER PRIMARY KEY,"
    " command TEXT NOT NULL, version TEXT NOT NULL, rules_digest TEXT NOT NULL,"
    " started_ns INTEGER NOT NULL, ended_ns INTEGER, repeated INTEGER NOT NULL DEFAULT 0,"
    " ending TEXT, complete INTEGER, hits_digest TEXT,"
    " events INTEGER, hits INTEGER, skipped INTEGER, lost INTEGER, gaps INTEGER,"
    " alerts INTEGER NOT NULL DEFAULT 0"
    ") STRICT;"
    "CREATE TABLE hit ("
    " n INTEGER PRIMARY KEY,"
    " id BLOB NOT NULL, time_ns INTEGER NOT NULL, rule INTEGER NOT NULL, run INTEGER NOT NULL,"
    " stored_ns INTEGER NOT NULL, kind TEXT NOT NULL, host TEXT, family INTEGER,"
    " pid INTEGER, name TEXT, parent_pid INTEGER, parent_name TEXT, target_pid INTEGER, target_name TEXT,"
    " entity_id TEXT, executable TEXT, command_line TEXT,"
    " user_id TEXT, user_name TEXT, previous_user_id TEXT,"
    " count INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,"
    " response TEXT, response_target TEXT, response_outcome TEXT,"
    " acknowledged_ns INTEGER, note TEXT, muted INTEGER"
    ") STRICT;"
    "CREATE UNIQUE INDEX hit_by_time ON hit (time_ns, id);"
    "CREATE INDEX hit_by_rule ON hit (rule, time_ns, count);"
    "CREATE TABLE hit_detail ("
    " n INTEGER PRIMARY KEY,"
    " event TEXT NOT NULL, lineage TEXT NOT NULL, grouping TEXT, parts TEXT, parts_left_out INTEGER, "
    "capture_file TEXT, capture_line INTEGER,"
    " chain BLOB NOT NULL"
    ") STRICT;"
    "CREATE TABLE gap ("
    " n INTEGER PRIMARY KEY,"
    " run INTEGER NOT NULL, time_ns INTEGER NOT NULL, begin_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,"
    " lost INTEGER, reason TEXT, host TEXT, event TEXT NOT NULL,"
    " UNIQUE (begin_ns, event)"
    ") STRICT;"
    "CREATE TABLE pruned (hits INTEGER NOT NULL, until_n INTEGER NOT NULL, last_time_ns INTEGER, chain BLOB "
    "NOT NULL) STRICT;"
    "INSERT INTO pruned VALUES (0, 0, NULL, x'');";

// Since schema 3.
constexpr const char* kHistory =
    "CREATE TABLE history ("
    " digest TEXT PRIMARY KEY NOT NULL, start_ns INTEGER NOT NULL, saved_ns INTEGER NOT NULL, terms BLOB NOT "
    "NULL"
    ") STRICT;";

// Since schema 4.
constexpr const char* kLineage = "CREATE TABLE lineage (n INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;";

// Since schema 5.
constexpr const char* kAlerts =
    "CREATE TABLE sink ("
    " name TEXT PRIMARY KEY NOT NULL, since_ns INTEGER NOT NULL, settled_n INTEGER NOT NULL,"
    " delivered INTEGER NOT NULL DEFAULT 0, folded INTEGER NOT NULL DEFAULT 0,"
    " refused INTEGER NOT NULL DEFAULT 0, expired INTEGER NOT NULL DEFAULT 0,"
    " delivered_ns INTEGER, failing_since_ns INTEGER, failure TEXT, digest_ns INTEGER"
    ") STRICT;"
    "CREATE TABLE mute ("
    " n INTEGER PRIMARY KEY, rule TEXT NOT NULL, name TEXT NOT NULL, begin_ns INTEGER NOT NULL,"
    " end_ns INTEGER NOT NULL, reason TEXT NOT NULL, made_by TEXT NOT NULL, lifted_by TEXT"
    ") STRICT;";
constexpr const char* kAlertColumns =
    "ALTER TABLE hit ADD COLUMN muted INTEGER;"
    "ALTER TABLE run ADD COLUMN alerts INTEGER NOT NULL DEFAULT 0;";

// A time as RFC 3339 in UTC with milliseconds.
#define DETECTD_TIME(column)                                                                        \
  "strftime('%Y-%m-%dT%H:%M:%S', " column " / 1000000000, 'unixepoch') || printf('.%03dZ', " column \
  " / 1000000 % 1000)"

#define DETECTD_PROCESS(name, pid) \
  "coalesce(" name ", '?') || CASE WHEN " pid " IS NULL THEN '' ELSE '(' || " pid " || ')' END"

#define DETECTD_LEVEL                                                                                      \
  "CASE rule.level WHEN 0 THEN 'informational' WHEN 1 THEN 'low' WHEN 2 THEN 'medium' WHEN 3 THEN 'high' " \
  "ELSE 'critical' END"

constexpr const char* kHitsView =
    "CREATE VIEW hits AS SELECT hit.n AS n, " DETECTD_TIME("hit.time_ns") " AS time, " DETECTD_LEVEL
    " AS level, CASE rule.name WHEN '' THEN rule.title ELSE rule.name END AS rule,"
    " CASE WHEN hit.parent_pid IS NULL AND hit.parent_name IS NULL THEN ''"
    " ELSE " DETECTD_PROCESS("hit.parent_name", "hit.parent_pid") " || ' > ' END"
    " || " DETECTD_PROCESS("hit.name", "hit.pid") " AS process,"
    " coalesce(hit.user_name, hit.user_id) AS user, hit.command_line AS command_line,"
    " hit.executable AS executable, hit.kind AS kind, hit.host AS host, hit.pid AS pid, hit.entity_id AS entity_id,"
    " hit.count AS count, " DETECTD_TIME("hit.first_ns") " AS first, " DETECTD_TIME("hit.last_ns") " AS last,"
    " hit.response AS response, hit.response_target AS response_target,"
    " hit.response_outcome AS response_outcome,"
    " CASE WHEN hit.acknowledged_ns IS NULL THEN NULL ELSE " DETECTD_TIME("hit.acknowledged_ns") " END AS acknowledged,"
    " hit.note AS note, mute.reason AS muted, lower(hex(hit.id)) AS id, rule.id AS rule_id, rule.title AS rule_title,"
    " rule.tags AS tags, rule.digest AS rule_digest, run.rules_digest AS rules_digest, hit.run AS run,"
    " hit.time_ns AS time_ns, hit.first_ns AS first_ns, hit.last_ns AS last_ns,"
    " hit_detail.event AS event, " DETECTD_LINEAGE " AS lineage, hit_detail.grouping AS grouping, hit_detail.parts AS parts,"
    " hit_detail.parts_left_out AS parts_left_out,"
    " hit_detail.capture_file AS capture_file, hit_detail.capture_line AS capture_line"
    " FROM hit JOIN rule ON rule.n = hit.rule LEFT JOIN run ON run.n = hit.run JOIN hit_detail ON hit_detail.n = hit.n"
    " LEFT JOIN mute ON mute.n = hit.muted" DETECTD_JOIN_LINEAGE ";";

constexpr const char* kViews =
    "CREATE VIEW lost AS SELECT n, " DETECTD_TIME("begin_ns") " AS begin, " DETECTD_TIME("end_ns") " AS end,"
    " lost AS events, reason, host, run, begin_ns, end_ns, event FROM gap;"
    "CREATE VIEW runs AS SELECT n, " DETECTD_TIME("started_ns") " AS started,"
    " CASE WHEN ended_ns IS NULL THEN NULL ELSE " DETECTD_TIME("ended_ns") " END AS ended,"
    " ending, complete, events, hits, skipped, lost, gaps, repeated, version, rules_digest, hits_digest, command"
    " FROM run;"
    "CREATE VIEW rules AS SELECT rule.n AS n, " DETECTD_LEVEL " AS level, rule.name AS name, rule.title AS title,"
    " rule.id AS id, rule.tags AS tags, rule.digest AS digest,"
    " (SELECT count(*) FROM hit WHERE hit.rule = rule.n) AS hits FROM rule;";

#undef DETECTD_TIME
#undef DETECTD_PROCESS
#undef DETECTD_LEVEL

constexpr const char* kStamp = "PRAGMA application_id = 1146372948; PRAGMA user_version = 5;";
static_assert(kApplicationId == 1146372948 && kSchemaVersion == 5, "as in kStamp");

enum class Found : uint8_t {
  kNothing,
  kFirstSchema,
  kSecondSchema,
  kThirdSchema,
  kFourthSchema,
  kThisSchema
};

Error told(const Database& database, const char* code, const std::string& what) {
  return {Errc::kSystem, std::string(code) + ": " + escape_text(database.path()) + " " + what};
}

Result<Found> look(const Database& database) {
  const Result<int64_t> tables = database.query_number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  const Result<int64_t> application = database.query_number("PRAGMA application_id");
  if (!application) return application.error();
  const Result<int64_t> version = database.query_number("PRAGMA user_version");
  if (!version) return version.error();
  if (*tables == 0 && *application == 0) return Found::kNothing;
  if (*application != kApplicationId) {
    return told(database, "D402", "holds no hits; was it created by another program?");
  }
  if (*version > kSchemaVersion) {
    return told(database, "D403",
                "has schema " + std::to_string(*version) + ", this program knows " +
                    std::to_string(kSchemaVersion) + "; use the newer one");
  }
  if (*version == kSchemaVersion) return Found::kThisSchema;
  if (*version == 4) return Found::kFourthSchema;
  if (*version == 3) return Found::kThirdSchema;
  return *version == 2 ? Found::kSecondSchema : Found::kFirstSchema;
}

Status create(Database& database) {
  for (const char* sql : {kTables, kHistory, kLineage, kAlerts, kHitsView, kViews, kStamp}) {
    if (Status status = database.execute(sql); !status) return status;
  }
  return {};
}

// What is stored stays as it is.
Status extend(Database& database, Found found) {
  std::vector<const char*> steps = {kAlerts, kAlertColumns, "DROP VIEW hits", kHitsView, kStamp};
  if (found != Found::kFourthSchema) steps.insert(steps.begin(), kLineage);
  if (found == Found::kSecondSchema) steps.insert(steps.begin(), kHistory);
  for (const char* const sql : steps) {
    if (Status status = database.execute(sql); !status) return status;
  }
  return {};
}

Status bring_up_to_date(Database& database) {
  if (Status status = database.execute("BEGIN IMMEDIATE"); !status) return status;
  // Somebody else may have done it by now.
  const Result<Found> found = look(database);
  Status status = found ? Status() : Status(found.error());
  if (found && *found == Found::kNothing) status = create(database);
  if (found && *found > Found::kFirstSchema && *found < Found::kThisSchema) status = extend(database, *found);
  if (found && *found == Found::kFirstSchema) {
    status = database.execute("DROP INDEX IF EXISTS hits_by_time; ALTER TABLE hits RENAME TO hits_1");
    if (status) status = create(database);
    if (status) status = take_over_first_schema(database);
    if (status) status = database.execute("DROP TABLE hits_1");
  }
  if (status) return database.execute("COMMIT");
  // What a rollback says adds nothing to why it is needed.
  static_cast<void>(database.execute("ROLLBACK"));
  return status;
}

}  // namespace

Status prepare_to_write(Database& database) {
  const Result<Found> found = look(database);
  if (!found) return found.error();
  if (*found == Found::kNothing) {
    if (Status status = database.execute(kLayout); !status) return status;
  }
  if (Status status = database.execute(kConnection); !status) return status;
  if (*found == Found::kThisSchema) return {};
  if (Status status = bring_up_to_date(database); !status) return status;
  // So that a file of the first schema can shrink, too; where there is no room for that it is as good as before.
  if (*found == Found::kFirstSchema) {
    static_cast<void>(database.execute("PRAGMA auto_vacuum = INCREMENTAL; VACUUM"));
  }
  return {};
}

Status check_readable(const Database& database) {
  const Result<Found> found = look(database);
  if (!found) return found.error();
  switch (*found) {
    case Found::kSecondSchema:
    case Found::kThirdSchema:
    case Found::kFourthSchema:
    case Found::kThisSchema: return {};
    case Found::kNothing:
      return told(database, "D402", "is empty: it holds no hits; was it created by another program?");
    case Found::kFirstSchema: break;
  }
  return told(database, "D403",
              "has the schema of an older detectd; `detectd --replay ... --db` brings it up to date");
}

}  // namespace detectd

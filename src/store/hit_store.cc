#include "src/store/hit_store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "engine/escape.h"
#include "engine/hit_json.h"
#include "engine/process.h"

namespace detectd {
namespace {

constexpr int kApplicationId = 0x44544354;
constexpr size_t kBatch = 1000;
constexpr int kBusyTimeoutMs = 2000;

constexpr const char* kSetUp =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;";

constexpr const char* kCreate =
    "CREATE TABLE hits ("
    " id TEXT PRIMARY KEY NOT NULL,"
    " rule_id TEXT NOT NULL,"
    " rule_title TEXT NOT NULL,"
    " level TEXT NOT NULL,"
    " time_ns INTEGER NOT NULL,"
    " host TEXT,"
    " pid INTEGER,"
    " entity_id TEXT,"
    " executable TEXT,"
    " command_line TEXT,"
    " user TEXT,"
    " event TEXT NOT NULL,"
    " lineage TEXT NOT NULL,"
    " count INTEGER NOT NULL,"
    " first_ns INTEGER NOT NULL,"
    " last_ns INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX hits_by_time ON hits (time_ns);"
    "PRAGMA application_id = 1146372948;"
    "PRAGMA user_version = 1;";
static_assert(kApplicationId == 1146372948 && HitStore::kSchema == 1, "as in kCreate");

constexpr const char* kInsert =
    "INSERT INTO hits VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
    " ON CONFLICT (id) DO UPDATE SET count = excluded.count, first_ns = excluded.first_ns,"
    " last_ns = excluded.last_ns";

std::string with_path(std::string_view code, const std::string& path, std::string_view what) {
  return std::string(code) + ": " + escape_text(path) + " " + std::string(what);
}

std::string first_bytes(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return {};
  unsigned char bytes[8];
  const ssize_t size = ::read(descriptor, bytes, sizeof bytes);
  ::close(descriptor);
  std::string text;
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (ssize_t i = 0; i < size; ++i) {
    if (!text.empty()) text += ' ';
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::string free_space(const std::string& path) {
  struct statvfs info {};
  if (statvfs(path.c_str(), &info) != 0) return {};
  return "; " + std::to_string((info.f_bavail * info.f_frsize) >> 20) + " MiB are free";
}

// SQLite would create it with the mode of the umask.
Status create_private(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
  if (descriptor < 0) {
    const int number = errno;
    return Error{Errc::kPermission,
                 with_path("D406", path, "can not be opened for writing: ") + std::strerror(number)};
  }
  struct stat status {};
  const bool regular = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  ::close(descriptor);
  if (regular) return {};
  return Error{Errc::kSystem, with_path("D400", path, "is not a regular file")};
}

void bind_text(sqlite3_stmt* statement, int index, std::string_view text) {
  sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void bind_field(sqlite3_stmt* statement, int index, const FieldView& value) {
  if (value.has_value()) bind_text(statement, index, value.text);
}

}  // namespace

void HitStore::Closer::operator()(sqlite3* database) const { sqlite3_close(database); }
void HitStore::Closer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

HitStore::HitStore(std::string path, std::unique_ptr<sqlite3, Closer> database)
    : path_(std::move(path)), database_(std::move(database)) {}
HitStore::HitStore(HitStore&&) noexcept = default;
HitStore::~HitStore() = default;

Error HitStore::failure(int code) const {
  switch (code & 0xFF) {
    case SQLITE_NOTADB:
      return {Errc::kSystem,
              with_path("D400", path_, "is not a SQLite database (first bytes ") + first_bytes(path_) + ")"};
    case SQLITE_CORRUPT:
      return {Errc::kSystem, with_path("D401", path_, "is damaged: ") + sqlite3_errmsg(database_.get())};
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {Errc::kSystem, with_path("D404", path_, "is locked by another program")};
    case SQLITE_FULL:
      return {Errc::kFull, with_path("D405", path_, "can not grow: the disk is full") + free_space(path_)};
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return {Errc::kPermission,
              with_path("D406", path_, "can not be written: ") + sqlite3_errmsg(database_.get())};
    default:
      return {Errc::kSystem,
              with_path("D406", path_, "can not be written: ") + sqlite3_errmsg(database_.get())};
  }
}

Status HitStore::execute(const char* sql) {
  const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  return failure(sqlite3_extended_errcode(database_.get()));
}

Result<int64_t> HitStore::query_number(const char* sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(database_.get(), sql, -1, &raw, nullptr);
  const std::unique_ptr<sqlite3_stmt, Closer> statement(raw);
  if (code != SQLITE_OK) return failure(code);
  const int step = sqlite3_step(statement.get());
  if (step != SQLITE_ROW) return failure(step);
  return int64_t{sqlite3_column_int64(statement.get(), 0)};
}

Status HitStore::create_or_check_schema() {
  if (Status status = execute("BEGIN IMMEDIATE"); !status) return status;
  const Result<int64_t> tables = query_number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  const Result<int64_t> application = query_number("PRAGMA application_id");
  if (!application) return application.error();
  const Result<int64_t> schema = query_number("PRAGMA user_version");
  if (!schema) return schema.error();
  if (*tables == 0 && *application == 0) {
    if (Status status = execute(kCreate); !status) return status;
  } else if (*application != kApplicationId) {
    return Error{Errc::kSystem,
                 with_path("D402", path_, "holds no hits; was it created by another program?")};
  } else if (*schema != kSchema) {
    return Error{Errc::kSystem, with_path("D403", path_, "has schema ") + std::to_string(*schema) +
                                    ", this detectd knows " + std::to_string(kSchema) +
                                    "; use the newer one"};
  }
  return execute("COMMIT");
}

Status HitStore::prepare() {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(database_.get(), kInsert, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return failure(code);
  insert_.reset(statement);
  return {};
}

Result<HitStore> HitStore::open(const std::string& path) {
  // SQLite gives names such as ":memory:" and "file:x" a meaning of their own.
  const std::string file = path.substr(0, 1) == "/" ? path : "./" + path;
  if (Status status = create_private(path); !status) return std::move(status).error();
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READWRITE, nullptr);
  HitStore store(path, std::unique_ptr<sqlite3, Closer>(raw));
  if (code != SQLITE_OK) return store.failure(code);
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  if (Status status = store.create_or_check_schema(); !status) return std::move(status).error();
  if (Status status = store.execute(kSetUp); !status) return std::move(status).error();
  if (Status status = store.prepare(); !status) return std::move(status).error();
  return store;
}

void HitStore::bind(const Hit& hit) {
  const Event& event = *hit.event;
  sqlite3_stmt* statement = insert_.get();
  bind_text(statement, 1, to_string(hit.id));
  bind_text(statement, 2, hit.rule->id);
  bind_text(statement, 3, hit.rule->title);
  bind_text(statement, 4, to_string(hit.rule->level));
  sqlite3_bind_int64(statement, 5, event.time_ns);
  bind_field(statement, 6, event.find(field::kHostName));
  const FieldView pid = event.find(process_field(Leaf::kPid));
  if (pid.type == Type::kInteger) sqlite3_bind_int64(statement, 7, pid.number);
  bind_field(statement, 8, event.find(process_field(Leaf::kEntityId)));
  bind_field(statement, 9, event.find(process_field(Leaf::kExecutable)));
  bind_field(statement, 10, event.find(process_field(Leaf::kCommandLine)));
  const FieldView name = event.find(process_field(Leaf::kUserName));
  bind_field(statement, 11, name.has_value() ? name : event.find(process_field(Leaf::kUserId)));
  std::string json;
  append_event_json(event, json);
  bind_text(statement, 12, json);
  json.clear();
  append_lineage_json(event, json);
  bind_text(statement, 13, json);
  sqlite3_bind_int64(statement, 14, static_cast<int64_t>(hit.count));
  sqlite3_bind_int64(statement, 15, hit.first_ns);
  sqlite3_bind_int64(statement, 16, hit.last_ns);
}

Status HitStore::record(const Hit& hit) {
  if (pending_ == 0) {
    if (Status status = execute("BEGIN IMMEDIATE"); !status) return status;
  }
  ++pending_;
  bind(hit);
  const int code = sqlite3_step(insert_.get());
  Status status = code == SQLITE_DONE ? Status{} : failure(code);
  sqlite3_reset(insert_.get());
  sqlite3_clear_bindings(insert_.get());
  if (status && pending_ >= kBatch) return flush();
  return status;
}

Status HitStore::flush() {
  if (pending_ == 0) return {};
  pending_ = 0;
  return execute("COMMIT");
}

}  // namespace detectd

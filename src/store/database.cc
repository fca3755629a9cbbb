#include "src/store/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/digest.h"
#include "engine/escape.h"
#include "src/own_file.h"
#include "src/store/lock_holder.h"

namespace detectd {
namespace {

constexpr int kBusyTimeoutMs = 2000;

Error coded(Errc errc, std::string_view code, const std::string& path, const std::string& what) {
  return {errc, std::string(code) + ": " + escape_text(path) + " " + what};
}

std::string first_bytes(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return {};
  char bytes[8];
  const ssize_t size = ::read(descriptor, bytes, sizeof bytes);
  ::close(descriptor);
  std::string text;
  for (ssize_t i = 0; i < size; ++i) text += (i == 0 ? "" : " ") + hex(std::string_view(&bytes[i], 1));
  return text;
}

Error not_a_database(const std::string& path) {
  return coded(Errc::kSystem, "D400", path,
               "is not a SQLite database (first bytes " + first_bytes(path) + ")");
}

std::string free_space(const std::string& path) {
  struct statvfs info {};
  if (statvfs(path.c_str(), &info) != 0) return {};
  const uint64_t kib = (info.f_bavail * info.f_frsize) >> 10;
  return "; " + (kib < 10'240 ? std::to_string(kib) + " KiB" : std::to_string(kib >> 10) + " MiB") +
         " are free";
}

// SQLite would create it with the mode of the umask, and block on a pipe. What is there already is not opened: whoever
// closes any descriptor of a file gives up all locks of POSIX that the process has on it, those of SQLite's other
// connections too, and then the next program that closes the database takes the log away under them.
Status prepare_file(const std::string& path, Database::Access access) {
  if (access == Database::Access::kCreate) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor >= 0) {
      ::close(descriptor);
      return {};
    }
    if (errno != EEXIST) {
      return coded(Errc::kPermission, "D406", path,
                   "can not be opened for writing: " + std::string(std::strerror(errno)));
    }
  }
  struct stat status {};
  const int wanted = access == Database::Access::kRead ? R_OK : R_OK | W_OK;
  int number = 0;
  if (stat(path.c_str(), &status) != 0 || faccessat(AT_FDCWD, path.c_str(), wanted, AT_EACCESS) != 0) {
    number = errno;
  } else if (S_ISDIR(status.st_mode) && access != Database::Access::kRead) {
    number = EISDIR;
  }
  if (number != 0) {
    const char* what =
        access == Database::Access::kRead ? "can not be opened: " : "can not be opened for writing: ";
    return coded(number == ENOENT ? Errc::kNotFound : Errc::kPermission, "D406", path,
                 what + std::string(std::strerror(number)));
  }
  if (!S_ISREG(status.st_mode)) return coded(Errc::kSystem, "D400", path, "is not a regular file");
  // SQLite takes a file of one byte for an empty one, and writes over it.
  if (status.st_size == 1) return not_a_database(path);
  return {};
}

std::string percent_encoded(std::string_view path) {
  std::string text;
  for (const char c : path) {
    if (c == '/' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      text += c;
    } else {
      text += '%' + hex(std::string_view(&c, 1));
    }
  }
  return text;
}

}  // namespace

std::string_view code_of(const Error& error) {
  const std::string_view message = error.message;
  const bool coded = message.starts_with("D4") && message.size() > 6 && message.substr(4, 2) == ": ";
  return coded ? message.substr(0, 4) : std::string_view();
}

Statement::Statement(const Database& database, sqlite3_stmt* statement)
    : database_(&database), statement_(statement) {}
Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}
Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(database_, other.database_);
  std::swap(statement_, other.statement_);
  return *this;
}
Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(int parameter, int64_t number) {
  sqlite3_bind_int64(statement_, parameter, number);
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
  sqlite3_bind_text64(statement_, parameter, text.data() == nullptr ? "" : text.data(), text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
  sqlite3_bind_blob64(statement_, parameter, bytes.data() == nullptr ? "" : bytes.data(), bytes.size(),
                      SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind(int parameter, std::optional<int64_t> number) {
  if (number) return bind(parameter, *number);
  sqlite3_bind_null(statement_, parameter);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->failure();
}

Status Statement::run() {
  const Result<bool> row = step();
  reset();
  if (row) return {};
  return row.error();
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_, column); }
bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (text == nullptr) return {};
  return {text, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

void Database::Closer::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Database::Database(std::string path, sqlite3* database) : path_(std::move(path)), database_(database) {}
Database::Database(Database&&) noexcept = default;
Database::~Database() = default;

Error Database::failure() const {
  const int code = sqlite3_extended_errcode(database_.get());
  return failure_of(code);
}

Error Database::failure_of(int code) const {
  const std::string said = sqlite3_errmsg(database_.get());
  switch (code & 0xFF) {
    case SQLITE_NOTADB: return not_a_database(path_);
    case SQLITE_CORRUPT: return coded(Errc::kSystem, "D401", path_, "is damaged: " + said);
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return coded(Errc::kSystem, "D404", path_, "is locked by " + lock_holder(path_));
    case SQLITE_FULL:
      return coded(Errc::kFull, "D405", path_, "can not grow: the disk is full" + free_space(path_));
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM: return coded(Errc::kPermission, "D406", path_, "can not be written: " + said);
    case SQLITE_IOERR: return coded(Errc::kSystem, "D406", path_, "can not be read or written: " + said);
    case SQLITE_NOMEM: return coded(Errc::kSystem, "D406", path_, "can not be used: out of memory");
    default: return coded(Errc::kSystem, "D406", path_, "can not be used: " + said);
  }
}

Status Database::connect(int flags, bool immutable) {
  // SQLite gives names such as ":memory:" and "file:x" a meaning of their own.
  std::string file = path_.starts_with('/') ? path_ : "./" + path_;
  if (immutable) file = "file:" + percent_encoded(file) + "?immutable=1";
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &raw,
                                   flags | SQLITE_OPEN_NOMUTEX | (immutable ? SQLITE_OPEN_URI : 0), nullptr);
  database_.reset(raw);
  if (code != SQLITE_OK) return failure_of(code);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  set_busy_timeout_ms(kBusyTimeoutMs);
  return {};
}

Status Database::connect_to_read() {
  // A connection that may not write can neither finish what a killed writer left undone nor take its own files away.
  if (access(path_.c_str(), W_OK) == 0) {
    if (Status status = connect(SQLITE_OPEN_READWRITE, false); !status) return status;
    return execute("PRAGMA query_only = 1");
  }
  if (Status status = connect(SQLITE_OPEN_READONLY, false); !status) return status;
  if (query_number("SELECT count(*) FROM sqlite_schema")) return {};
  const bool has_log = access((path_ + "-wal").c_str(), F_OK) == 0;
  // Who may not create the index of a log can still read a file that has no log.
  if ((sqlite3_errcode(database_.get()) & 0xFF) != SQLITE_CANTOPEN || has_log) return {};
  return connect(SQLITE_OPEN_READONLY, true);
}

Result<Database> Database::open(const std::string& path, Access access) {
  // Its statistics of memory, which nobody asks for, take a lock at every allocation.
  static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(configured);
  if (const auto link = access == Access::kRead ? std::nullopt : foreign_link(path)) {
    return coded(Errc::kPermission, "D406", path,
                 "is behind a link that others can set, " + escape_text(*link) + "; name the file itself");
  }
  if (Status status = prepare_file(path, access); !status) return std::move(status).error();
  Database database(path, nullptr);
  Status status =
      access == Access::kRead ? database.connect_to_read() : database.connect(SQLITE_OPEN_READWRITE, false);
  if (!status) return std::move(status).error();
  database.file_ = identify(path);
  return database;
}

void Database::set_busy_timeout_ms(int timeout_ms) { sqlite3_busy_timeout(database_.get(), timeout_ms); }

Status Database::execute(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return failure();
}

Result<Statement> Database::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return failure();
  return Statement(*this, statement);
}

Result<int64_t> Database::query_number(const char* sql) const {
  Result<Statement> statement = prepare(sql);
  if (!statement) return std::move(statement).error();
  const Result<bool> row = statement->step();
  if (!row) return row.error();
  return *row ? statement->number(0) : int64_t{0};
}

int64_t Database::changes() const { return sqlite3_changes64(database_.get()); }

Database::FileId Database::identify(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  return {.device = status.st_dev, .inode = status.st_ino};
}

bool Database::is_gone() {
  const FileId now = identify(path_);
  // A directory that can not be looked into says nothing.
  if (now == FileId() && errno != ENOENT && errno != ENOTDIR) return false;
  if (now != file_) return true;
  log_ = identify(path_ + "-wal");
  return false;
}

void Database::abandon() {
  database_.reset();
  if (log_ == FileId() || identify(path_ + "-wal") != log_) return;
  unlink((path_ + "-wal").c_str());
  unlink((path_ + "-shm").c_str());
}

}  // namespace detectd

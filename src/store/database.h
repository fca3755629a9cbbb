// SQLite, wrapped: the only file of the program that sees it. One connection belongs to one thread.
//
// A message that concerns the file begins with its code: D400 not a database, D401 damaged, D402 another
// program's, D403 a newer schema, D404 locked, D405 full, D406 not accessible.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace detectd {

class Database;

// A prepared statement. Parameters count from 1, columns from 0. Views of columns are valid until the next
// step, reset or bind; it must not outlive its Database.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  // `text` and `blob` are not copied: they must stay until reset().
  Statement& bind(int parameter, int64_t number);
  Statement& bind(int parameter, std::string_view text);
  Statement& bind_blob(int parameter, std::string_view bytes);
  Statement& bind(int parameter, std::optional<int64_t> number);

  // Whether there is a row.
  Result<bool> step();
  // For a statement without rows: steps once and resets.
  Status run();
  // Ready to be bound anew; parameters are NULL.
  void reset();

  int64_t number(int column) const;
  bool is_null(int column) const;
  std::string_view text(int column) const;
  std::string_view blob(int column) const;

 private:
  friend class Database;
  Statement(const Database& database, sqlite3_stmt* statement);

  const Database* database_;
  sqlite3_stmt* statement_;
};

class Database {
 public:
  enum class Access : uint8_t {
    kRead,    // changes nothing; who may write takes a log away that a killed writer left
    kWrite,   // the file must be there
    kCreate,  // mode 0600 if it is new
  };

  static Result<Database> open(const std::string& path, Access access);
  ~Database();
  // Statements know their database by its address: move it before there are any.
  Database(Database&&) noexcept;
  Database& operator=(Database&&) = delete;

  void set_busy_timeout_ms(int timeout_ms);
  Status execute(const char* sql);
  Result<Statement> prepare(std::string_view sql) const;
  // The first column of the first row; 0 if there is none.
  Result<int64_t> query_number(const char* sql) const;
  // Rows that the last statement changed.
  int64_t changes() const;

  const std::string& path() const { return path_; }
  // Whether `path` is no longer the file that was opened.
  bool is_gone();
  // For one that is gone: closes it, and takes its log away, which SQLite would apply to the file that has the name now.
  void abandon();
  // What the last failure of this connection means.
  Error failure() const;

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
  };

  Database(std::string path, sqlite3* database);
  Status connect(int flags, bool immutable);
  Status connect_to_read();
  Error failure_of(int code) const;

  // What a path names: 0, 0 for nothing.
  struct FileId {
    uint64_t device = 0;
    uint64_t inode = 0;
    bool operator==(const FileId&) const = default;
  };
  static FileId identify(const std::string& path);

  std::string path_;
  std::unique_ptr<sqlite3, Closer> database_;
  FileId file_;
  FileId log_;  // the last that was seen while the file was there
};

// `D404` of a message that begins so; empty for others.
std::string_view code_of(const Error& error);

}  // namespace detectd

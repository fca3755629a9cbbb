// Hits in a SQLite database: one row a hit, by its id, so that storing the same hit twice adds nothing.
//
//   CREATE TABLE hits (
//     id TEXT PRIMARY KEY,          -- 32 hexadecimal digits
//     rule_id, rule_title, level TEXT,
//     time_ns INTEGER,              -- since 1970-01-01T00:00:00Z
//     host TEXT, pid INTEGER, entity_id, executable, command_line, user TEXT,  -- NULL where unknown
//     event TEXT, lineage TEXT,     -- JSON, as in the output
//     count, first_ns, last_ns INTEGER
//   ) STRICT, WITHOUT ROWID;
//
// application_id 0x44544354 ("DTCT") and user_version say that it is ours, and which schema.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/hit.h"
#include "engine/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace detectd {

class HitStore {
 public:
  static constexpr int kSchema = 1;

  // Creates the file (mode 0600) and the schema where they are missing. A file that is something else is
  // left as it is: its message begins with its code (D400 not a database, D401 damaged, D402 another
  // program's, D403 a newer schema, D404 locked, D405 full, D406 not accessible).
  static Result<HitStore> open(const std::string& path);

  ~HitStore();
  HitStore(HitStore&&) noexcept;
  HitStore& operator=(HitStore&&) = delete;

  // Rows are committed by flush(), and after each thousand.
  Status record(const Hit& hit);
  Status flush();

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
    void operator()(sqlite3_stmt* statement) const;
  };

  HitStore(std::string path, std::unique_ptr<sqlite3, Closer> database);
  Status execute(const char* sql);
  Status prepare();
  Status create_or_check_schema();
  Result<int64_t> query_number(const char* sql);
  void bind(const Hit& hit);
  Error failure(int code) const;

  std::string path_;
  std::unique_ptr<sqlite3, Closer> database_;
  std::unique_ptr<sqlite3_stmt, Closer> insert_;
  size_t pending_ = 0;
};

}  // namespace detectd

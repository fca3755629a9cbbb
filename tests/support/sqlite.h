// A database as another program sees it.
#pragma once

#include <sqlite3.h>

#include <stdexcept>
#include <string>

namespace detectd {

class Sqlite {
 public:
  explicit Sqlite(const std::string& path) {
    if (sqlite3_open(path.c_str(), &database_) != SQLITE_OK) throw std::runtime_error("open " + path);
  }
  ~Sqlite() { sqlite3_close(database_); }
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  void run(const std::string& sql) const { rows(sql); }

  // Columns joined by `|`, each row ends with a newline.
  std::string rows(const std::string& sql) const {
    std::string text;
    const auto add = [](void* out, int count, char** values, char**) {
      auto& rows = *static_cast<std::string*>(out);
      for (int i = 0; i < count; ++i) {
        if (i > 0) rows += '|';
        rows += values[i] == nullptr ? "NULL" : values[i];
      }
      rows += '\n';
      return 0;
    };
    if (sqlite3_exec(database_, sql.c_str(), add, &text, nullptr) != SQLITE_OK) {
      throw std::runtime_error(sql + ": " + sqlite3_errmsg(database_));
    }
    return text;
  }

 private:
  sqlite3* database_ = nullptr;
};

}  // namespace detectd

#include "src/store/history.h"

#include <algorithm>

#include "src/store/hit_row.h"

namespace detectd {
namespace {

// In a transaction.
Status write(Database& database, std::span<const TermHistory> histories, int64_t now_ns) {
  auto insert = database.prepare(
      "INSERT INTO history VALUES (?1, ?2, ?3, ?4) ON CONFLICT (digest) DO UPDATE SET"
      " start_ns = excluded.start_ns, saved_ns = excluded.saved_ns, terms = excluded.terms");
  if (!insert) return insert.error();
  for (const TermHistory& history : histories) {
    const std::string digest = hex(history.digest);
    const std::string_view terms(reinterpret_cast<const char*>(history.terms.data()),
                                 history.terms.size() * sizeof(SeenTerm));
    insert->bind(1, std::string_view(digest)).bind(2, history.start_ns).bind(3, now_ns).bind_blob(4, terms);
    if (Status status = insert->run(); !status) return status;
  }
  auto remove = database.prepare("DELETE FROM history WHERE saved_ns < ?1");
  if (!remove) return remove.error();
  return remove->bind(1, now_ns - kKeepHistoryNs).run();
}

}  // namespace

Result<std::vector<TermHistory>> read_history(const Database& database) {
  auto rows = database.prepare("SELECT digest, start_ns, terms FROM history ORDER BY digest");
  if (!rows) return rows.error();
  std::vector<TermHistory> histories;
  while (true) {
    const Result<bool> row = rows->step();
    if (!row) return row.error();
    if (!*row) return histories;
    const std::string_view terms = rows->blob(2);
    TermHistory history;
    const auto digest = bytes_of_hex(rows->text(0), history.digest.size());
    if (!digest || terms.size() % sizeof(SeenTerm) != 0) continue;
    std::copy(digest->begin(), digest->end(), history.digest.begin());
    history.start_ns = rows->number(1);
    history.terms.resize(terms.size() / sizeof(SeenTerm));
    for (size_t i = 0; i < history.terms.size(); ++i)
      std::copy_n(terms.begin() + static_cast<std::ptrdiff_t>(i * sizeof(SeenTerm)), sizeof(SeenTerm),
                  history.terms[i].begin());
    histories.push_back(std::move(history));
  }
}

Status save_history(Database& database, std::span<const TermHistory> histories, int64_t now_ns) {
  if (Status status = database.execute("BEGIN IMMEDIATE"); !status) return status;
  Status status = write(database, histories, now_ns);
  if (status) status = database.execute("COMMIT");
  // What a rollback says adds nothing to why it is needed.
  if (!status) static_cast<void>(database.execute("ROLLBACK"));
  return status;
}

}  // namespace detectd

#include "src/store/runs.h"

namespace detectd {

Result<std::vector<std::string>> rules_digests(const Database& database) {
  auto rows =
      database.prepare("SELECT rules_digest FROM run GROUP BY rules_digest ORDER BY max(n) DESC LIMIT 100");
  if (!rows) return rows.error();
  std::vector<std::string> digests;
  while (true) {
    const Result<bool> row = rows->step();
    if (!row) return row.error();
    if (!*row) return digests;
    digests.emplace_back(rows->text(0));
  }
}

}  // namespace detectd

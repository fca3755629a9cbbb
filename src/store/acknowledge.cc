#include "src/store/acknowledge.h"

#include "engine/escape.h"
#include "src/store/database.h"
#include "src/store/hit_reader.h"
#include "src/store/schema.h"

namespace detectd {

Result<uint64_t> acknowledge(const std::string& path, const std::vector<std::string>& hits,
                             const std::string& note, int64_t now_ns) {
  std::vector<int64_t> numbers;
  {
    const Result<HitReader> reader = HitReader::open(path);
    if (!reader) return reader.error();
    for (const std::string& hit : hits) {
      const Result<StoredHit> found = reader->find(hit);
      if (!found) return found.error();
      numbers.push_back(found->n);
    }
  }
  Result<Database> database = Database::open(path, Database::Access::kWrite);
  if (!database) return std::move(database).error();
  if (Status status = check_readable(*database); !status) return std::move(status).error();
  if (Status status = database->execute("BEGIN IMMEDIATE"); !status) return std::move(status).error();
  auto update = database->prepare(
      "UPDATE hit SET acknowledged_ns = ?2, note = coalesce(nullif(?3, ''), note) WHERE n = ?1");
  if (!update) return update.error();
  const std::string shown = escape_text(note);
  uint64_t changed = 0;
  for (const int64_t n : numbers) {
    if (Status status = update->bind(1, n).bind(2, now_ns).bind(3, std::string_view(shown)).run(); !status) {
      return std::move(status).error();
    }
    changed += static_cast<uint64_t>(database->changes());
  }
  if (Status status = database->execute("COMMIT"); !status) return std::move(status).error();
  return changed;
}

}  // namespace detectd

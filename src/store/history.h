// What correlations of the type new_terms have seen, kept in the database from one run to the next.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/result.h"
#include "engine/term_history.h"
#include "src/store/database.h"

namespace detectd {

// What is kept of a correlation that no run has had any more, since it was saved last.
inline constexpr int64_t kKeepHistoryNs = int64_t{90} * 24 * 3600 * 1'000'000'000;

// Rows that are no history are passed over.
Result<std::vector<TermHistory>> read_history(const Database& database);

// In place of what was saved of the same correlations, all or nothing; what is older than kKeepHistoryNs goes.
// Not inside a transaction.
Status save_history(Database& database, std::span<const TermHistory> histories, int64_t now_ns);

}  // namespace detectd

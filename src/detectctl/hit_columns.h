// What can be shown of a stored hit in a column, once: for tables and CSV.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/result.h"
#include "src/store/hit_reader.h"

namespace detectd {

struct HitColumn {
  std::string_view name;
  bool detail = false;                              // needs StoredHit's detail
  std::string (*text)(const StoredHit&) = nullptr;  // escaped; empty where there is nothing
};

std::span<const HitColumn> hit_columns();
// Errc::kUsage, with all names, for one that does not exist.
Result<std::vector<const HitColumn*>> choose_columns(const std::vector<std::string>& wanted);

// `nginx(812) > sh(9921) -> sshd(77)`
std::string process_text(const HitRecord& record);
// `www-data`, `33 > root`
std::string user_text(const HitRecord& record);
// The command line, else the executable; of other events than an exec after their kind.
std::string command_text(const HitRecord& record);
// The rule's name, else its title.
std::string rule_text(const RuleRecord& rule);
// `informational` as `info`.
std::string_view short_name(Level level);

// A field of CSV (RFC 4180), in quotes; one that a spreadsheet would take for a formula begins with `'`.
std::string csv_field(std::string_view text);

}  // namespace detectd

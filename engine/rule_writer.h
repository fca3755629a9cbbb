// Rules as TOML text, laid out one way only: parsing what is written gives the same rules again.
#pragma once

#include <map>
#include <string>

#include "engine/rule.h"

namespace detectd {

// A `[[rule]]` or `[[correlation]]` with all that belongs to it: its keys in the order of detectd-rules(5),
// then [rule.detection], [rule.custom], and the tests. Comments are not kept, and what a site adds (filters,
// overrides) is not written. Ends with a newline.
std::string write_rule(const Rule& rule);
std::string write_filter(const Filter& filter);

// A `[lists]` and a `[fields]` table; empty text for none.
std::string write_lists(const std::map<std::string, ListDefinition>& lists);
std::string write_fields(const std::map<std::string, FieldDefinition>& fields);

// `[rule.detection]`, or another table's.
std::string write_detection(const Detection& detection, std::string_view table);

// A value of an item: `"/sh"`, `5`.
std::string write_value(const Scalar& value);

// `10m`: the largest unit that divides it.
std::string write_duration(int64_t ns);

}  // namespace detectd

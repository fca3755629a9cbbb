// The language of rules as a JSON Schema (draft 07), for editors. Its keys, words, modifiers and fields are those of the
// parser's own tables.
#pragma once

#include <string>

namespace detectd {

// One JSON document on one line.
std::string rule_schema();

// A key of a table that the schema has no more to say of than that it is there; empty: none. For tests.
std::string undescribed_key();

}  // namespace detectd

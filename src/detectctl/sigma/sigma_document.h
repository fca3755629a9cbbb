// One document of a Sigma file as the table of detectd's language that says the same: what the parser of
// rules would read had it been written in TOML, with the places of the YAML text.
//
// Where they go: what detectd's language has a key for, there; all else, [rule.custom]. A null becomes the
// modifier `null`, a list with a null among its values two alternatives.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "engine/table_reader.h"
#include "src/detectctl/sigma/yaml_tree.h"

namespace detectd {

enum class SigmaKind : uint8_t { kRule, kCorrelation, kFilter };

struct SigmaTable {
  SigmaKind kind = SigmaKind::kRule;
  TomlValue table;
};

// Nothing after a mistake, which is reported (D604, D605). `ids_by_name` has the ids of those rules whose
// names can not be names here: correlations and filters then name the ids.
std::optional<SigmaTable> convert_sigma_document(Reporter& reporter, const YamlValue& document,
                                                 const std::map<std::string, std::string>& ids_by_name);

// The id of a document, or one made of its name or title where it has none. Empty if it has neither.
std::string sigma_id(const YamlValue& document);
// a-z, 0-9, `_` and `-`, as names of rules are.
bool is_rule_name(std::string_view text);
// An id made of a text: always the same.
std::string derived_id(std::string_view text);

}  // namespace detectd

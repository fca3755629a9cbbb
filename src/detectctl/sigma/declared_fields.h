// The fields that rules name beyond those of detectd: what Windows's logs and the audit log have.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/rule.h"

namespace detectd {

struct NamedFields {
  std::set<std::string> names;
  std::set<std::string> compared;  // of these, those that are compared as numbers
};
void collect_unknown_fields(const Rule& rule, NamedFields& fields);
void collect_unknown_fields(const Filter& filter, NamedFields& fields);

}  // namespace detectd

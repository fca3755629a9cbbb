// What [[rule]], [[correlation]], [[filter]] and [[override]] have in common.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rule.h"
#include "engine/table_reader.h"

namespace detectd {

// D028: "[[rule]] has no `id`".
void report_missing(Reporter& reporter, Span table, std::string_view header, std::string_view key,
                    std::string help);

// id, name, title, level, status, tags, description and what else is for people; id, title and level are
// required.
void parse_heading(Reporter& reporter, const TomlValue& table, std::string_view header, Rule& rule);

// A UUID in lower case, a name of [a-z0-9_-]; D021 for others.
std::string parse_id(Reporter& reporter, const TomlMember& member);
std::string parse_name(Reporter& reporter, const TomlMember& member);

// `kind` is rule, correlation or override: where keys that stand too low belong. A rule's target is the
// process or its parent; a correlation's may be one of its rules.
std::optional<Response> parse_response(Reporter& reporter, const TomlMember& member, std::string_view kind);
std::optional<Suppress> parse_suppress(Reporter& reporter, const TomlMember& member, std::string_view kind);
std::optional<Logsource> parse_logsource(Reporter& reporter, const TomlMember& member, std::string_view kind);
bool parse_taxonomy(Reporter& reporter, const TomlMember& member);

// A rule's id or name; ids are compared in lower case.
RuleReference make_reference(std::string text, Span span);
// One rule or a list of rules; none is an error.
std::vector<RuleReference> parse_references(Reporter& reporter, const TomlMember& member);

// Whether `member` is a list of tables.
bool is_table_list(const TomlMember& member);

}  // namespace detectd

// The keys of each table of a rule file, and the words that some of them take: what the parsers demand, and what the
// schema for editors (detectctl rules export --schema) is made of.
#pragma once

#include <array>
#include <string_view>

namespace detectd::key_tables {

inline constexpr std::array<std::string_view, 27> kCorrelationKeys = {
    "id",        "name",     "title",      "level",          "status",   "description", "author",
    "date",      "modified", "references", "falsepositives", "license",  "related",     "tags",
    "taxonomy",  "type",     "rules",      "group-by",       "timespan", "aliases",     "generate",
    "condition", "learn",    "suppress",   "response",       "test",     "custom"};
inline constexpr std::array<std::string_view, 8> kCorrelationTypes = {
    "event_count", "value_count", "temporal",         "temporal_ordered",
    "value_sum",   "value_avg",   "value_percentile", "new_terms"};
inline constexpr std::array<std::string_view, 8> kConditionKeys = {"lt", "lte", "gt",    "gte",
                                                                   "eq", "neq", "field", "percentile"};
inline constexpr std::array<std::string_view, 2> kRelatedKeys = {"id", "type"};
inline constexpr std::array<std::string_view, 6> kFileKeys = {"rule",     "correlation", "filter",
                                                              "override", "lists",       "fields"};
inline constexpr std::array<std::string_view, 3> kRuleTestKeys = {"name", "match", "event"};
inline constexpr std::array<std::string_view, 3> kCorrelationTestKeys = {"name", "match", "events"};
inline constexpr std::array<std::string_view, 14> kFilterKeys = {
    "id",       "name",       "title", "status",    "description", "author",   "date",
    "modified", "references", "rules", "detection", "logsource",   "taxonomy", "custom"};
inline constexpr std::array<std::string_view, 7> kOverrideKeys = {"rule",  "list",     "add",     "enabled",
                                                                  "level", "response", "suppress"};
inline constexpr std::array<std::string_view, 4> kLogsourceKeys = {"category", "product", "service",
                                                                   "definition"};
inline constexpr std::array<std::string_view, 3> kResponseKeys = {"action", "target", "fallback"};
inline constexpr std::array<std::string_view, 2> kSuppressKeys = {"by", "for"};
inline constexpr std::array<std::string_view, 5> kLevels = {"informational", "low", "medium", "high",
                                                            "critical"};
inline constexpr std::array<std::string_view, 5> kStatuses = {"stable", "test", "experimental", "deprecated",
                                                              "unsupported"};
inline constexpr std::array<std::string_view, 5> kActions = {"alert", "kill", "kill_tree", "stop", "deny"};
inline constexpr std::array<std::string_view, 2> kFallbacks = {"alert", "kill"};
inline constexpr std::array<std::string_view, 2> kTargets = {"process", "parent"};
inline constexpr std::array<std::string_view, 1> kTaxonomies = {"sigma"};
inline constexpr std::array<std::string_view, 22> kRuleKeys = {
    "id",       "name",       "title",          "level",     "status",  "description", "author", "date",
    "modified", "references", "falsepositives", "license",   "related", "tags",        "on",     "logsource",
    "taxonomy", "response",   "suppress",       "detection", "test",    "custom"};

}  // namespace detectd::key_tables

#include "engine/prose_parser.h"

#include <algorithm>
#include <utility>

#include "engine/key_tables.h"
#include "engine/timestamp.h"

namespace detectd {
namespace {

using Kind = TomlValue::Kind;

std::string read_date(Reporter& reporter, const TomlMember& member) {
  const bool written_as_date = member.value.is(Kind::kDate);
  const auto text = written_as_date ? member.value.text : read_text(reporter, member);
  if (text && !is_date(*text)) {
    reporter.error("D021", member.value.span, "`" + member.key + "` is not a date",
                   "dates are written 2026-11-20");
  }
  return text.value_or("");
}

std::vector<Related> read_related(Reporter& reporter, const TomlMember& member) {
  std::vector<Related> related;
  const bool tables =
      member.value.is(Kind::kArray) && std::all_of(member.value.elements.begin(), member.value.elements.end(),
                                                   [](const TomlValue& v) { return v.is(Kind::kTable); });
  if (!tables) {
    reporter.error(
        "D027", member.value.span,
        "`related` must be a list of tables" +
            (member.value.is(Kind::kArray) ? "" : ", not " + std::string(kind_name(member.value.kind))),
        "related = [{ id = \"...\", type = \"similar\" }]");
    return related;
  }
  for (const TomlValue& table : member.value.elements) {
    check_keys(reporter, table, {.where = "`related`", .known = key_tables::kRelatedKeys});
    Related other;
    if (const auto* id = table.find("id")) other.id = read_text(reporter, *id).value_or("");
    if (const auto* type = table.find("type")) other.type = read_text(reporter, *type).value_or("");
    related.push_back(std::move(other));
  }
  return related;
}

}  // namespace

bool is_date(std::string_view text) {
  if (text.size() != 10 || (text[4] != '-' && text[4] != '/') || text[7] != text[4]) return false;
  std::string day(text);
  day[4] = day[7] = '-';
  return parse_rfc3339(day + "T00:00:00Z").has_value();
}

Prose parse_prose(Reporter& reporter, const TomlValue& table) {
  Prose prose;
  for (const auto& [key, text] : {std::pair{"author", &prose.author}, {"license", &prose.license}}) {
    if (const auto* member = table.find(key)) *text = read_text(reporter, *member).value_or("");
  }
  for (const auto& [key, texts] :
       {std::pair{"references", &prose.references}, {"falsepositives", &prose.falsepositives}}) {
    if (const auto* member = table.find(key))
      *texts = read_texts(reporter, *member).value_or(std::vector<std::string>());
  }
  for (const auto& [key, date] : {std::pair{"date", &prose.date}, {"modified", &prose.modified}}) {
    if (const auto* member = table.find(key)) *date = read_date(reporter, *member);
  }
  if (const auto* member = table.find("related")) prose.related = read_related(reporter, *member);
  if (const auto* member = table.find("custom")) {
    if (const TomlValue* custom = read_table(reporter, *member)) prose.custom = custom->members;
  }
  return prose;
}

}  // namespace detectd

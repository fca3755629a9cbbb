#include "engine/toml_tree.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <tuple>

namespace detectd {
namespace {

using Kind = TomlValue::Kind;

class Converter {
 public:
  Converter(const TextMap& map, uint32_t lines_before) : map_(map), lines_before_(lines_before) {}

  // Recursion is bounded by the limits of split_blocks().
  TomlValue convert(const toml::node& node) const {
    TomlValue value;
    value.span = span_of(node.source());
    if (const toml::table* table = node.as_table()) {
      convert_table(*table, value);
    } else if (const toml::array* array = node.as_array()) {
      value.kind = Kind::kArray;
      for (const toml::node& element : *array) value.elements.push_back(convert(element));
    } else {
      convert_scalar(node, value);
    }
    return value;
  }

 private:
  Span span_of(const toml::source_region& region) const {
    return map_.span(region.begin.line + lines_before_, region.begin.column, region.end.line + lines_before_,
                     region.end.column);
  }

  void convert_table(const toml::table& table, TomlValue& value) const {
    value.kind = Kind::kTable;
    for (const auto& [key, child] : table) {
      TomlMember member;
      member.key = std::string(key.str());
      member.span = span_of(key.source());
      member.value = convert(child);
      value.members.push_back(std::move(member));
    }
    std::sort(value.members.begin(), value.members.end(), [](const TomlMember& a, const TomlMember& b) {
      return std::tie(a.span.line, a.span.column) < std::tie(b.span.line, b.span.column);
    });
  }

  static void convert_scalar(const toml::node& node, TomlValue& value) {
    if (const auto* text = node.as_string()) {
      value.kind = Kind::kString;
      value.text = text->get();
    } else if (const auto* integer = node.as_integer()) {
      value.kind = Kind::kInteger;
      value.integer = integer->get();
    } else if (const auto* real = node.as_floating_point()) {
      value.kind = Kind::kReal;
      value.real = real->get();
    } else if (const auto* boolean = node.as_boolean()) {
      value.kind = Kind::kBoolean;
      value.boolean = boolean->get();
    } else {
      value.kind = Kind::kDate;
      std::ostringstream out;
      if (const auto* date = node.as_date()) out << date->get();
      if (const auto* time = node.as_time()) out << time->get();
      if (const auto* both = node.as_date_time()) out << both->get();
      value.text = out.str();
    }
  }

  const TextMap& map_;
  uint32_t lines_before_;
};

}  // namespace

const TomlMember* TomlValue::find(std::string_view key) const {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const TomlMember& member) { return member.key == key; });
  return found == members.end() ? nullptr : &*found;
}

std::string_view kind_name(Kind kind) {
  constexpr std::array<std::string_view, 7> kNames = {"a string", "a number", "a number", "a boolean",
                                                      "a date",   "an array", "a table"};
  return kNames[static_cast<size_t>(kind)];
}

std::variant<TomlValue, TomlError> parse_toml(const SourceFile& file, const TextMap& map,
                                              const TomlBlock& block) {
  const uint32_t lines_before = map.line_of(block.begin) - 1;
  // A header may be indented; toml++ is to count the same columns as we do.
  const size_t begin = map.offset(lines_before + 1, 1);
  if (block.stray) return TomlError{*block.stray, "stray character"};
  try {
    const toml::table table = toml::parse(std::string_view(file.text).substr(begin, block.end - begin));
    return Converter(map, lines_before).convert(table);
  } catch (const toml::parse_error& error) {
    const toml::source_position place = error.source().begin;
    return TomlError{map.offset(place.line + lines_before, place.column), std::string(error.description())};
  }
}

}  // namespace detectd

// A TOML document as values with places; the only part of the engine that sees toml++.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/diagnostic.h"
#include "engine/toml_text.h"

namespace detectd {

struct TomlMember;

struct TomlValue {
  enum class Kind : uint8_t { kString, kInteger, kReal, kBoolean, kDate, kArray, kTable };
  Kind kind = Kind::kTable;
  std::string text;  // kString; kDate as RFC 3339
  int64_t integer = 0;
  double real = 0;
  bool boolean = false;
  std::vector<TomlValue> elements;  // kArray
  std::vector<TomlMember> members;  // kTable, in order of places
  // The whole token; of a table with a header, the header; of one made by a dotted key, that key's part.
  Span span;

  bool is(Kind other) const { return kind == other; }
  const TomlMember* find(std::string_view key) const;
};

struct TomlMember {
  std::string key;
  Span span;
  TomlValue value;
};

// "a string", "an array", ... for messages.
std::string_view kind_name(TomlValue::Kind kind);

// What toml++ said and where (bytes of the file); explain_toml_error() makes it understandable.
struct TomlError {
  size_t offset = 0;
  std::string text;
};

// Parses one block of a file.
std::variant<TomlValue, TomlError> parse_toml(const SourceFile& file, const TextMap& map,
                                              const TomlBlock& block);

}  // namespace detectd

// YAML documents as values with places; the only part that sees yaml-cpp.
//
// Plain scalars have the types of YAML's core schema, as far as YAML 1.1 agrees with it: null, true and
// false, decimal and hexadecimal integers, reals with a point. All others are texts: yes and no, 0042, dates,
// 1e3. Every scalar keeps its text as well.
//
// Hostile files cost little: they may have 1 MiB and 32 levels, and with all aliases followed 100,000 values
// and 8 MiB of text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/diagnostic.h"

namespace detectd {

inline constexpr size_t kMaxYamlFileBytes = 1 << 20;
inline constexpr size_t kMaxYamlDepth = 32;
inline constexpr size_t kMaxYamlValues = 100'000;
inline constexpr size_t kMaxYamlTextBytes = 8 << 20;

struct YamlMember;

struct YamlValue {
  enum class Kind : uint8_t { kNull, kBoolean, kInteger, kReal, kText, kList, kMap };
  Kind kind = Kind::kNull;
  std::string text;  // of a scalar, as written
  int64_t integer = 0;
  double real = 0;
  bool boolean = false;
  std::vector<YamlValue> elements;
  std::vector<YamlMember> members;  // in the file's order, keys unique
  Span span;

  bool is(Kind other) const { return kind == other; }
  bool is_scalar() const { return kind != Kind::kNull && kind != Kind::kList && kind != Kind::kMap; }
  const YamlMember* find(std::string_view key) const;
};

struct YamlMember {
  std::string key;
  Span span;  // of the key
  YamlValue value;
};

// "a text", "a number", "a list" ...
std::string_view kind_name(YamlValue::Kind kind);

struct YamlFile {
  std::vector<YamlValue> documents;   // those before the mistake; empty ones are left out
  std::optional<Diagnostic> mistake;  // D008, D009, D600 to D603: the rest of the file was not read
};
YamlFile parse_yaml(const SourcePtr& file);

}  // namespace detectd

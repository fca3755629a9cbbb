#include "engine/value_strings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

#include "engine/digest.h"
#include "engine/utf8.h"

namespace detectd {
namespace {

using Strings = std::vector<SigmaString>;
using Kind = SigmaString::Kind;

constexpr std::string_view kListNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

ValueMistake too_many() {
  return {"D043", "the value stands for more than " + std::to_string(kMaxStringsOfValue) + " strings",
          "use fewer placeholders or dashes in one value", 0, 0};
}

ValueMistake unknown_list(const std::string& name, const std::map<std::string, ListDefinition>& lists) {
  std::vector<std::string_view> names;
  for (const auto& [known, definition] : lists) names.push_back(known);
  std::string help = did_you_mean(name, names);
  if (help.empty()) help = "define it under [lists]: `" + name + " = [\"...\"]`";
  return {"D038", "no list `" + name + "`", std::move(help), 0, 0};
}

// Appends to each of `strings` each of `endings`.
bool multiply(Strings& strings, const Strings& endings) {
  if (strings.size() * endings.size() > kMaxStringsOfValue) return false;
  Strings longer;
  for (const SigmaString& string : strings) {
    for (const SigmaString& ending : endings) {
      longer.push_back(string);
      longer.back().append(ending);
    }
  }
  strings = std::move(longer);
  return true;
}

Strings strings_of_list(const ListDefinition& list) {
  Strings strings;
  for (const Scalar& scalar : list.values) {
    if (const std::string* text = scalar.text()) {
      strings.push_back(SigmaString::parse(*text));
    } else if (const auto plain = plain_text(scalar)) {
      strings.push_back(SigmaString::literal(*plain));
    }
  }
  return strings;
}

std::optional<Strings> expand(std::string_view text, const std::map<std::string, ListDefinition>& lists,
                              ValueMistake& mistake) {
  Strings strings(1);
  for (size_t i = 0; i < text.size();) {
    const size_t begin = std::min(text.find('%', i), text.size());
    for (SigmaString& string : strings) string.append(SigmaString::parse(text.substr(i, begin - i)));
    if (begin == text.size()) break;
    const size_t end = text.find_first_not_of(kListNameCharacters, begin + 1);
    if (end == std::string_view::npos || text[end] != '%' || end == begin + 1) {
      mistake = {"D038", "a `%` without a placeholder", "with `expand`, write `%list%`", begin, 1};
      return std::nullopt;
    }
    const std::string name(text.substr(begin + 1, end - begin - 1));
    const auto list = lists.find(name);
    if (list == lists.end()) {
      mistake = unknown_list(name, lists);
      mistake.offset = begin;
      mistake.length = end + 1 - begin;
      return std::nullopt;
    }
    if (!multiply(strings, strings_of_list(list->second))) {
      mistake = too_many();
      return std::nullopt;
    }
    i = end + 1;
  }
  return strings;
}

std::string utf16(std::string_view text, Transform transform) {
  std::string out;
  const auto unit = [&](char32_t value) {
    const char low = static_cast<char>(value & 0xFF);
    const char high = static_cast<char>(value >> 8 & 0xFF);
    out += transform == Transform::kUtf16Be ? high : low;
    out += transform == Transform::kUtf16Be ? low : high;
  };
  while (!text.empty()) {
    const CodePoint point = decode_utf8(text);
    if (point.value < 0x10000) {
      unit(point.size == 0 ? 0xFFFD : point.value);
    } else {
      unit(0xD800 + ((point.value - 0x10000) >> 10));
      unit(0xDC00 + ((point.value - 0x10000) & 0x3FF));
    }
    text.remove_prefix(point.size == 0 ? 1 : point.size);
  }
  return out;
}

SigmaString with_utf16(const SigmaString& string, Transform transform) {
  SigmaString encoded;
  if (transform == Transform::kUtf16) encoded.append({Kind::kLiteral, "\xFF\xFE"});
  for (SigmaString::Part part : string.parts()) {
    if (part.kind == Kind::kLiteral) part.text = utf16(part.text, transform);
    encoded.append(std::move(part));
  }
  return encoded;
}

// What of the text's base64 does not depend on its neighbours, when it stands `offset` bytes behind the
// begin of a group of three.
std::string base64_at(std::string_view text, size_t offset) {
  constexpr std::array<size_t, 3> kFront = {0, 2, 3};
  constexpr std::array<size_t, 3> kBack = {0, 3, 2};
  const std::string encoded = base64(std::string(offset, ' ').append(text));
  const size_t front = kFront[offset];
  const size_t back = kBack[(text.size() + offset) % 3];
  return encoded.size() > front + back ? encoded.substr(front, encoded.size() - front - back) : std::string();
}

bool encode(Strings& strings, bool at_any_offset, ValueMistake& mistake) {
  Strings encoded;
  for (const SigmaString& string : strings) {
    if (string.has_wildcards()) {
      mistake = {"D041", "a wildcard can not be encoded in base64", "write `\\*` or `\\?` for the character",
                 0, 0};
      return false;
    }
    const std::string text = string.text();
    for (size_t offset = 0; offset < (at_any_offset ? 3u : 1u); ++offset) {
      std::string piece = at_any_offset ? base64_at(text, offset) : base64(text);
      if (piece.empty()) {
        mistake = {"D041", "the value is too short for base64", "two bytes or more", 0, 0};
        return false;
      }
      encoded.push_back(SigmaString::literal(piece));
    }
  }
  strings = std::move(encoded);
  return true;
}

bool apply(Transform transform, Strings& strings, ValueMistake& mistake) {
  if (transform == Transform::kWindash) {
    for (SigmaString& string : strings) string = string.with_dashes();
    return true;
  }
  // Encodings need every dash spelt out.
  Strings spelt;
  for (const SigmaString& string : strings) {
    Strings each = string.without_dashes(kMaxStringsOfValue);
    if (each.empty() || spelt.size() + each.size() > kMaxStringsOfValue) {
      mistake = too_many();
      return false;
    }
    std::move(each.begin(), each.end(), std::back_inserter(spelt));
  }
  strings = std::move(spelt);
  switch (transform) {
    case Transform::kBase64: return encode(strings, false, mistake);
    case Transform::kBase64Offset: return encode(strings, true, mistake);
    default: break;
  }
  for (SigmaString& string : strings) string = with_utf16(string, transform);
  return true;
}

}  // namespace

std::optional<std::string> plain_text(const Scalar& scalar) {
  if (const bool* truth = std::get_if<bool>(&scalar.value)) return *truth ? "true" : "false";
  char buffer[64];
  if (const int64_t* number = std::get_if<int64_t>(&scalar.value)) {
    return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, *number).ptr);
  }
  if (const double* number = std::get_if<double>(&scalar.value)) {
    return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, *number).ptr);
  }
  return std::nullopt;
}

std::optional<Strings> strings_of_value(std::string_view text, bool escaped, const Modifiers& modifiers,
                                        const std::map<std::string, ListDefinition>& lists,
                                        ValueMistake& mistake) {
  Strings strings;
  if (modifiers.expand) {
    auto expanded = expand(text, lists, mistake);
    if (!expanded) return std::nullopt;
    strings = std::move(*expanded);
  } else {
    strings.push_back(escaped ? SigmaString::parse(text) : SigmaString::literal(text));
  }
  for (const Transform transform : modifiers.transforms) {
    if (!apply(transform, strings, mistake)) return std::nullopt;
  }
  for (SigmaString& string : strings) {
    if (modifiers.position == Position::kAnywhere || modifiers.position == Position::kEnd)
      string.begin_with_any();
    if (modifiers.position == Position::kAnywhere || modifiers.position == Position::kStart)
      string.end_with_any();
  }
  return strings;
}

}  // namespace detectd

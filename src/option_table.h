// Each option of a program once, as a row of a table: how it is written, what --help and the manual say, and
// what it sets. A program, or a sub-command of one, has a struct of options and a table whose rows set its
// members; src/command_line.h reads and shows both.
#pragma once

#include <charconv>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/result.h"
#include "src/report/terminal.h"

namespace detectd {

struct OptionRow {
  // Takes the value ("" for a flag) into the struct of options that the table is for. The error's message
  // follows "--name: ". Made by enable, assign, append and set.
  using Apply = Status (*)(void* options, const std::string& value);

  std::string_view group{};  // the heading in --help that it stands under
  char letter = 0;           // 0: no short form
  std::string_view name{};
  std::string_view value{};   // the placeholder; empty for a flag
  bool repeatable = false;    // otherwise the last one counts
  std::string_view help{};    // lines of at most 54 columns
  std::string_view manual{};  // mdoc, one sentence a line
  Apply apply = nullptr;
};

template <class>
struct MemberTraits;
template <class Struct, class Member>
struct MemberTraits<Member Struct::*> {
  using Owner = Struct;
};
template <auto Member>
using OwnerOf = typename MemberTraits<decltype(Member)>::Owner;

// What every program says of --color, whose value choose_color() reads.
inline constexpr std::string_view kColorHelp = "auto (default), always or never";
inline constexpr std::string_view kColorManual =
    "Colour:\n"
    ".Cm auto\n"
    "(the default: on a terminal, unless\n"
    ".Ev NO_COLOR\n"
    "is set),\n"
    ".Cm always\n"
    "or\n"
    ".Cm never .\n";

// The member becomes true.
template <auto Member>
Status enable(void* options, const std::string&) {
  static_cast<OwnerOf<Member>*>(options)->*Member = true;
  return {};
}

// The member becomes the text.
template <auto Member>
Status assign(void* options, const std::string& value) {
  if (value.empty()) return Error{Errc::kUsage, "is empty"};
  static_cast<OwnerOf<Member>*>(options)->*Member = value;
  return {};
}

// The text is added to the member.
template <auto Member>
Status append(void* options, const std::string& value) {
  if (value.empty()) return Error{Errc::kUsage, "is empty"};
  (static_cast<OwnerOf<Member>*>(options)->*Member).push_back(value);
  return {};
}

template <class Owner>
Owner& owner_of(Status (*)(Owner&, const std::string&));

// `Function` is a `Status (Options&, const std::string& value)`.
template <auto Function>
Status set(void* options, const std::string& value) {
  using Owner = std::remove_reference_t<decltype(owner_of(Function))>;
  return Function(*static_cast<Owner*>(options), value);
}

// The error that says that `text` is not one of `names`, with a spelling hint.
Error not_one_of(std::string_view text, const std::vector<std::string_view>& names);

// Sets `chosen` to the choice of that name.
template <class Value>
Status choose(const std::string& text, std::initializer_list<std::pair<std::string_view, Value>> choices,
              Value& chosen) {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : choices) {
    if (name == text) {
      chosen = value;
      return {};
    }
    names.push_back(name);
  }
  return not_one_of(text, names);
}

// auto, always or never.
Status choose_color(const std::string& text, ColorChoice& color);

// The whole text as a number; nothing if it is none.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace detectd

// What the parsers of rules share: complaints with a place, and reading keys of the types they must have.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/diagnostic.h"
#include "engine/rule.h"
#include "engine/toml_tree.h"

namespace detectd {

class Reporter {
 public:
  Reporter(SourcePtr file, Diagnostics& diagnostics) : file_(std::move(file)), diagnostics_(diagnostics) {}

  void add(Diagnostic diagnostic);
  void error(std::string code, Span span, std::string message, std::string help = {},
             std::vector<Note> notes = {});
  void warning(std::string code, Span span, std::string message, std::string help = {});

  const SourcePtr& file() const { return file_; }
  size_t errors() const { return errors_; }

 private:
  SourcePtr file_;
  Diagnostics& diagnostics_;
  size_t errors_ = 0;
};

using Names = std::span<const std::string_view>;

// The keys of [[rule]]; also named in hints about keys that stand in the wrong table.
Names rule_keys();

struct KeyCheck {
  std::string_view where;  // "[[rule]]"
  Names known;
  std::string_view after = {};  // a sub-table's header: a key of the rule here stands too low
};
// D020 for each key that is not known, with the nearest one as a hint.
void check_keys(Reporter& reporter, const TomlValue& table, const KeyCheck& check);

// D027 and nothing where the value is of another type.
std::optional<std::string> read_text(Reporter& reporter, const TomlMember& member);
std::optional<bool> read_boolean(Reporter& reporter, const TomlMember& member);
// One text, or a list of texts.
std::optional<std::vector<std::string>> read_texts(Reporter& reporter, const TomlMember& member);
// A table, written with a header or inline.
const TomlValue* read_table(Reporter& reporter, const TomlMember& member);

// One text of `names`, else D021 with a hint.
std::optional<std::string> read_choice(Reporter& reporter, const TomlMember& member, Names names);
void report_choice(Reporter& reporter, std::string_view what, const std::string& value, Span span,
                   Names names);

// D040 where it is none.
std::optional<int64_t> read_duration(Reporter& reporter, const TomlMember& member);

// A string, number or boolean; D027 for anything else.
std::optional<Scalar> read_scalar(Reporter& reporter, const TomlValue& value, std::string_view what);

}  // namespace detectd

// The condition language of a rule: `selection and not 1 of filter_*`. Parsed to a tree, printed
// back in one canonical form, evaluated over the truth of the selections.
//
//   or    = and *( "or" and )         and   = unary *( "and" unary )
//   unary = "not" unary | primary     primary = "(" or ")" | quantifier "of" target | identifier
//   quantifier = "1" | "any" | "all"  target = "them" | identifier with "*" anywhere
//
// Identifiers are made of letters, digits, `_`, `.` and `-`. The words are written in lower case;
// all upper case is accepted, as old Sigma rules have it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace detectd {

struct ConditionError {
  size_t offset = 0;  // bytes into the condition
  size_t length = 1;
  std::string code;  // D024: the text can not be understood; D025: it names what does not exist
  std::string message;
  std::string help;
};

class Condition {
 public:
  enum class Op : uint8_t { kSelection, kNot, kAnd, kOr, kConstant };
  // Children of a node stand before it; the last node is the root.
  struct Node {
    Op op{};
    bool constant = false;           // kConstant only
    uint32_t selection = 0;          // kSelection: index into the names given to parse()
    std::vector<uint32_t> children;  // kNot: one; kAnd, kOr: two or more, none of the same op

    bool operator==(const Node&) const = default;
  };

  // `names` are the rule's selections. Quantifiers are expanded: `1 of x*` is the OR of the names
  // that match; names that begin with `_` are left out of patterns and of `them`. Nesting is
  // bounded (64), and so is the number of mentions after expansion (65,536).
  static std::variant<Condition, ConditionError> parse(std::string_view text,
                                                       const std::vector<std::string>& names);
  // The OR of several conditions; of none: the constant false, which has no text that parses.
  static Condition any_of(const std::vector<Condition>& conditions);
  // The AND of several conditions; of none: the constant true.
  static Condition all_of(const std::vector<Condition>& conditions);
  // The same of the selections that begin `by` further on.
  Condition shifted(uint32_t by) const;

  const std::vector<Node>& nodes() const { return nodes_; }
  // Canonical text with as few parentheses as precedence allows; parses back to an equal tree.
  std::string print(const std::vector<std::string>& names) const;
  // `holds(i)`: whether selection i does. Short-circuits; a selection is asked at most once per
  // mention.
  bool evaluate(const std::function<bool(uint32_t)>& holds) const;

  bool operator==(const Condition&) const = default;

  // Whether a selection can be called so: the alphabet of identifiers, and none of `and`, `or`,
  // `not`, `of`.
  static bool is_identifier(std::string_view name);

 private:
  explicit Condition(std::vector<Node> nodes) : nodes_(std::move(nodes)) {}
  static Condition join(Op op, const std::vector<Condition>& conditions);

  std::vector<Node> nodes_;
};

}  // namespace detectd

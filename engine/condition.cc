#include "engine/condition.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "engine/diagnostic.h"

namespace detectd {
namespace {

using Op = Condition::Op;
using Node = Condition::Node;

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxMentions = 65'536;
constexpr size_t kMaxText = 65'536;
constexpr ptrdiff_t kMaxCandidates = 256;

struct Token {
  size_t offset = 0;
  std::string_view text;  // empty: the end

  bool is(std::string_view word) const { return text == word; }
  // A keyword in lower case, or all of it in upper case.
  bool is_word(std::string_view word) const {
    if (text == word) return true;
    return std::equal(text.begin(), text.end(), word.begin(), word.end(),
                      [](char a, char b) { return a == (b >= 'a' ? static_cast<char>(b - 'a' + 'A') : b); });
  }
};

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.';
}

bool is_reserved(const Token& token) {
  return token.is_word("and") || token.is_word("or") || token.is_word("not") || token.is_word("of");
}

size_t sequence_end(std::string_view text, size_t at) {
  ++at;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) ++at;
  return at;
}

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  size_t at = 0;
  while (true) {
    while (at < text.size() && std::string_view(" \t\r\n").find(text[at]) != std::string_view::npos) ++at;
    if (at == text.size()) break;
    size_t end = at;
    while (end < text.size() && (is_name_char(text[end]) || text[end] == '*')) ++end;
    if (end == at) end = sequence_end(text, at);
    tokens.push_back({at, text.substr(at, end - at)});
    at = end;
  }
  tokens.push_back({text.size(), {}});
  return tokens;
}

// `*` is any run of characters. Greedy with one way back, so linear times the number of stars at
// worst.
bool matches(std::string_view pattern, std::string_view name) {
  size_t p = 0;
  size_t n = 0;
  size_t star = std::string_view::npos;
  size_t resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

struct Tree {
  Op op = Op::kSelection;
  uint32_t selection = 0;
  std::vector<Tree> children;
};

// One operand stays itself; operands of the same kind are taken in, so that equal meanings written
// with other parentheses are equal trees.
Tree join(Op op, std::vector<Tree> operands) {
  if (operands.size() == 1) return std::move(operands.front());
  Tree tree{op, 0, {}};
  for (Tree& operand : operands) {
    if (operand.op == op) {
      std::move(operand.children.begin(), operand.children.end(), std::back_inserter(tree.children));
    } else {
      tree.children.push_back(std::move(operand));
    }
  }
  return tree;
}

uint32_t flatten(const Tree& tree, std::vector<Node>& nodes) {
  Node node{.op = tree.op, .constant = false, .selection = tree.selection, .children = {}};
  for (const Tree& child : tree.children) node.children.push_back(flatten(child, nodes));
  nodes.push_back(std::move(node));
  return static_cast<uint32_t>(nodes.size() - 1);
}

// Recursive descent. The first mistake is kept in `error_`, after which every step returns at once.
class Parser {
 public:
  Parser(std::string_view text, const std::vector<std::string>& names)
      : names_(names), tokens_(tokens_of(text)) {
    for (size_t i = 0; i < names.size(); ++i) by_name_.emplace(names[i], static_cast<uint32_t>(i));
  }

  std::variant<Tree, ConditionError> parse() {
    if (tokens_.size() == 1)
      fail(peek(), "the condition is empty", "name a selection: condition = \"selection\"");
    Tree tree = parse_or();
    if (!error_ && !peek().text.empty()) fail_at_operator();
    if (error_) return *std::move(error_);
    return tree;
  }

 private:
  const Token& peek() const { return tokens_[at_]; }
  const Token& take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }

  void fail(const Token& token, std::string message, std::string help = {}, std::string code = "D024") {
    if (error_) return;
    error_ = ConditionError{token.offset, std::max<size_t>(token.text.size(), 1), std::move(code),
                            std::move(message), std::move(help)};
  }

  Tree parse_or() {
    std::vector<Tree> operands;
    operands.push_back(parse_and());
    while (!error_ && peek().is_word("or")) {
      take();
      operands.push_back(parse_and());
    }
    return join(Op::kOr, std::move(operands));
  }

  Tree parse_and() {
    std::vector<Tree> operands;
    operands.push_back(parse_unary());
    while (!error_ && peek().is_word("and")) {
      take();
      operands.push_back(parse_unary());
    }
    return join(Op::kAnd, std::move(operands));
  }

  Tree parse_unary() {
    if (error_) return {};
    if (depth_ == kMaxDepth) {
      fail(peek(), "the condition is nested too deep", "64 levels are the limit");
      return {};
    }
    ++depth_;
    Tree tree = parse_operand();
    --depth_;
    return tree;
  }

  Tree parse_operand() {
    const Token& token = peek();
    if (token.is_word("not")) {
      take();
      Tree tree{Op::kNot, 0, {}};
      tree.children.push_back(parse_unary());
      return tree;
    }
    if (token.is("(")) return parse_group();
    const bool before_of = at_ + 1 < tokens_.size() && tokens_[at_ + 1].is_word("of");
    if (before_of && !is_reserved(token) && !token.is(")")) return parse_quantified();
    return parse_identifier();
  }

  Tree parse_group() {
    const Token open = take();
    Tree tree = parse_or();
    if (error_) return {};
    if (peek().is(")")) {
      take();
    } else if (peek().text.empty()) {
      fail(open, "this parenthesis is not closed");
    } else {
      fail_at_operator();
    }
    return tree;
  }

  Tree parse_quantified() {
    const Token quantifier = take();
    const Token of = take();
    const Token target = peek();
    const bool all = quantifier.is_word("all");
    if (!all && !quantifier.is("1") && !quantifier.is_word("any")) {
      fail(quantifier, "`" + std::string(quantifier.text) + " of` is not a quantifier",
           "there are `1 of`, `any of` and `all of`; to count events use a [[correlation]]");
      return {};
    }
    if (target.text.empty() || !(is_name_char(target.text[0]) || target.text[0] == '*')) {
      fail(target.text.empty() ? of : target, "`of` needs `them` or a pattern such as `filter_*`");
      return {};
    }
    take();
    std::vector<Tree> operands = expand(target);
    if (operands.empty()) return {};
    return join(all ? Op::kAnd : Op::kOr, std::move(operands));
  }

  std::vector<Tree> expand(const Token& target) {
    const bool them = target.is_word("them");
    std::vector<Tree> operands;
    for (size_t i = 0; i < names_.size() && mentions_ < kMaxMentions; ++i) {
      if (names_[i].starts_with('_') || !(them || matches(target.text, names_[i]))) continue;
      operands.push_back({Op::kSelection, static_cast<uint32_t>(i), {}});
      ++mentions_;
    }
    if (mentions_ == kMaxMentions) {
      fail(target, "the condition is too large", "65,536 mentions of selections are the limit");
    } else if (operands.empty()) {
      fail(target, "no selection matches `" + std::string(target.text) + "`", list_of_names(), "D025");
    }
    return operands;
  }

  Tree parse_identifier() {
    const Token token = peek();
    if (token.text.empty() || token.is(")") || is_reserved(token)) {
      fail_at_operand();
      return {};
    }
    if (!is_name_char(token.text[0]) && token.text[0] != '*') {
      fail_at_operator();
      return {};
    }
    take();
    const auto found = by_name_.find(token.text);
    if (found != by_name_.end()) {
      if (++mentions_ >= kMaxMentions)
        fail(token, "the condition is too large", "65,536 mentions of selections are the limit");
      return {Op::kSelection, found->second, {}};
    }
    fail_unknown(token);
    return {};
  }

  std::string list_of_names() const {
    constexpr size_t kShown = 8;
    std::string list;
    bool hidden = false;
    for (size_t i = 0; i < names_.size() && i < kShown; ++i) {
      list += (i == 0 ? "there are: " : ", ") + names_[i];
      hidden = hidden || names_[i].starts_with('_');
    }
    if (names_.size() > kShown) list += ", ...";
    return list + (hidden ? "; those with `_` in front are left out of patterns and of `them`" : "");
  }

  void fail_unknown(const Token& token) {
    const std::string name(token.text);
    if (token.text.find('*') != std::string_view::npos) {
      fail(token, "a pattern needs a quantifier", "write `1 of " + name + "` or `all of " + name + "`");
    } else if (token.is_word("them")) {
      fail(token, "`them` needs a quantifier", "write `1 of them` or `all of them`");
    } else {
      const auto end = names_.begin() + std::min<ptrdiff_t>(std::ssize(names_), kMaxCandidates);
      std::string help = did_you_mean(token.text, {names_.begin(), end});
      if (help.empty()) help = list_of_names();
      fail(token, "there is no selection `" + name + "`", std::move(help), "D025");
    }
  }

  // An operand was expected.
  void fail_at_operand() {
    const Token& token = peek();
    if (token.text.empty()) {
      const Token last = at_ > 0 ? tokens_[at_ - 1] : token;
      fail(last, "a selection is missing after `" + std::string(last.text) + "`");
    } else if (token.is(")") && at_ > 0 && tokens_[at_ - 1].is("(")) {
      fail(token, "there is nothing between these parentheses");
    } else {
      fail(token, "a selection is missing before `" + std::string(token.text) + "`");
    }
  }

  // `and`, `or` or the end was expected.
  void fail_at_operator() {
    const Token& token = peek();
    const std::string text(token.text);
    if (token.is("|")) {
      fail(token, "a condition has no aggregations (`|`)", "to count or order events use a [[correlation]]");
    } else if (token.is_word("near")) {
      fail(token, "a condition has no `near`", "use a [[correlation]] with type = \"temporal\"");
    } else if (token.is(")")) {
      fail(token, "this parenthesis was never opened");
    } else if (token.is("&") || token.is("|") || token.is("!")) {
      fail(token, "`" + text + "` is not part of a condition", "write `and`, `or`, `not`");
    } else if (is_name_char(token.text[0]) || token.is("(") || token.is_word("not")) {
      fail(token, "`and` or `or` is missing before `" + text + "`", did_you_mean(token.text, {"and", "or"}));
    } else {
      fail(token, "`" + text + "` can not stand in a condition",
           "a selection's name is made of letters, digits, `_`, `.` and `-`");
    }
  }

  const std::vector<std::string>& names_;
  std::unordered_map<std::string_view, uint32_t> by_name_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  size_t depth_ = 0;
  size_t mentions_ = 0;
  std::optional<ConditionError> error_;
};

void print_node(const std::vector<Node>& nodes, uint32_t at, const std::vector<std::string>& names,
                std::string& out) {
  const Node& node = nodes[at];
  const auto print_child = [&](uint32_t child) {
    const Op op = nodes[child].op;
    const bool group = op == Op::kOr || (op == Op::kAnd && node.op == Op::kNot);
    if (group) out += '(';
    print_node(nodes, child, names, out);
    if (group) out += ')';
  };
  switch (node.op) {
    case Op::kConstant: out += node.constant ? "true" : "false"; return;
    case Op::kSelection: out += names[node.selection]; return;
    case Op::kNot:
      out += "not ";
      print_child(node.children.front());
      return;
    case Op::kAnd:
    case Op::kOr:
      for (size_t i = 0; i < node.children.size(); ++i) {
        if (i > 0) out += node.op == Op::kAnd ? " and " : " or ";
        print_child(node.children[i]);
      }
  }
}

bool evaluate_node(const std::vector<Node>& nodes, uint32_t at, const std::function<bool(uint32_t)>& holds) {
  const Node& node = nodes[at];
  const auto child_holds = [&](uint32_t child) { return evaluate_node(nodes, child, holds); };
  switch (node.op) {
    case Op::kConstant: return node.constant;
    case Op::kSelection: return holds(node.selection);
    case Op::kNot: return !child_holds(node.children.front());
    case Op::kAnd: return std::all_of(node.children.begin(), node.children.end(), child_holds);
    case Op::kOr: return std::any_of(node.children.begin(), node.children.end(), child_holds);
  }
  return false;
}

}  // namespace

std::variant<Condition, ConditionError> Condition::parse(std::string_view text,
                                                         const std::vector<std::string>& names) {
  if (text.size() > kMaxText) {
    return ConditionError{0, 1, "D024", "the condition is too large", "65,536 bytes are the limit"};
  }
  auto parsed = Parser(text, names).parse();
  if (auto* error = std::get_if<ConditionError>(&parsed)) return std::move(*error);
  std::vector<Node> nodes;
  flatten(std::get<Tree>(parsed), nodes);
  return Condition(std::move(nodes));
}

Condition Condition::any_of(const std::vector<Condition>& conditions) { return join(Op::kOr, conditions); }

Condition Condition::all_of(const std::vector<Condition>& conditions) { return join(Op::kAnd, conditions); }

Condition Condition::shifted(uint32_t by) const {
  std::vector<Node> nodes = nodes_;
  for (Node& node : nodes) {
    if (node.op == Op::kSelection) node.selection += by;
  }
  return Condition(std::move(nodes));
}

Condition Condition::join(Op op, const std::vector<Condition>& conditions) {
  if (conditions.size() == 1) return conditions.front();
  if (conditions.empty())
    return Condition({Node{.op = Op::kConstant, .constant = op == Op::kAnd, .selection = 0, .children = {}}});
  std::vector<Node> nodes;
  Node root{.op = op, .constant = false, .selection = 0, .children = {}};
  for (const Condition& condition : conditions) {
    const auto base = static_cast<uint32_t>(nodes.size());
    nodes.insert(nodes.end(), condition.nodes_.begin(), condition.nodes_.end());
    for (size_t i = base; i < nodes.size(); ++i) {
      for (uint32_t& child : nodes[i].children) child += base;
    }
    if (nodes.back().op == op) {
      root.children.insert(root.children.end(), nodes.back().children.begin(), nodes.back().children.end());
      nodes.pop_back();
    } else {
      root.children.push_back(static_cast<uint32_t>(nodes.size() - 1));
    }
  }
  nodes.push_back(std::move(root));
  return Condition(std::move(nodes));
}

std::string Condition::print(const std::vector<std::string>& names) const {
  std::string out;
  if (!nodes_.empty()) print_node(nodes_, static_cast<uint32_t>(nodes_.size() - 1), names, out);
  return out;
}

bool Condition::evaluate(const std::function<bool(uint32_t)>& holds) const {
  return !nodes_.empty() && evaluate_node(nodes_, static_cast<uint32_t>(nodes_.size() - 1), holds);
}

bool Condition::is_identifier(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), is_name_char) && !is_reserved({0, name});
}

}  // namespace detectd

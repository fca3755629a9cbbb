#include "engine/rule.h"

#include <algorithm>
#include <array>

namespace detectd {
namespace {

constexpr std::array<std::string_view, 5> kLevels = {"informational", "low", "medium", "high", "critical"};
constexpr std::array<std::string_view, 5> kStatuses = {"stable", "test", "experimental", "deprecated",
                                                       "unsupported"};
constexpr std::array<std::string_view, 8> kCorrelationTypes = {"event_count",      "value_count", "temporal",
                                                               "temporal_ordered", "value_sum",   "value_avg",
                                                               "value_percentile", "new_terms"};
constexpr std::array<std::string_view, 6> kBoundOps = {"lt", "lte", "gt", "gte", "eq", "neq"};
constexpr std::array<std::string_view, 5> kActions = {"alert", "kill", "kill_tree", "stop", "deny"};

template <class Enum, size_t kCount>
std::optional<Enum> find_in(const std::array<std::string_view, kCount>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

// Walks over a string token of TOML and says which place of the file each byte of the decoded
// string has.
class TokenWalk {
 public:
  TokenWalk(const SourceFile& file, const Span& token)
      : text_(file.text), line_(token.line), column_(token.column) {
    const std::string_view first = source_line(file, token.line);
    at_ = first.data() == nullptr ? text_.size() : static_cast<size_t>(first.data() - text_.data());
    for (uint32_t i = 1; i < token.column && at_ < text_.size(); ++i) at_ = next(at_);
    open();
  }

  bool quoted() const { return quote_ != 0; }
  uint32_t line() const { return line_; }
  uint32_t column() const { return column_; }
  size_t decoded() const { return decoded_; }
  bool at_end() const {
    return at_ >= text_.size() || (quoted() && starts_with(std::string(multi_line_ ? 3 : 1, quote_)));
  }

  // Over one unit: a code point, an escape, a line break, a folded line end.
  void step() {
    if (quote_ == '"' && text_[at_] == '\\') {
      escape();
    } else {
      const size_t bytes = starts_with("\r\n") ? 1 : next(at_) - at_;
      advance();
      decoded_ += bytes;
    }
  }

 private:
  bool starts_with(std::string_view prefix) const { return text_.substr(at_, prefix.size()) == prefix; }

  size_t next(size_t at) const {
    ++at;
    while (at < text_.size() && (static_cast<unsigned char>(text_[at]) & 0xc0) == 0x80) ++at;
    return at;
  }

  void advance() {
    if (starts_with("\r\n")) ++at_;
    const bool line_end = at_ < text_.size() && text_[at_] == '\n';
    at_ = next(at_);
    line_ += line_end ? 1 : 0;
    column_ = line_end ? 1 : column_ + 1;
  }

  void advance(size_t count) {
    for (size_t i = 0; i < count && at_ < text_.size(); ++i) advance();
  }

  void open() {
    if (at_ >= text_.size() || (text_[at_] != '"' && text_[at_] != '\'')) return;
    quote_ = text_[at_];
    multi_line_ = starts_with(std::string(3, quote_));
    advance(multi_line_ ? 3 : 1);
    if (multi_line_ && (starts_with("\n") || starts_with("\r\n"))) advance();
  }

  void escape() {
    const char kind = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (kind == 'u' || kind == 'U') {
      const size_t digits = kind == 'u' ? 4 : 8;
      unsigned long value = 0;
      for (const char c : text_.substr(at_ + 2, digits)) {
        const size_t digit = std::string_view("0123456789abcdefABCDEF").find(c);
        if (digit == std::string_view::npos) break;
        value = value * 16 + (digit < 16 ? digit : digit - 6);
      }
      advance(2 + digits);
      decoded_ += value < 0x80 ? 1 : value < 0x800 ? 2 : value < 0x10000 ? 3 : 4;
    } else if (kind == ' ' || kind == '\t' || kind == '\r' || kind == '\n') {
      advance();
      while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
        advance();
    } else {
      advance(2);
      ++decoded_;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  uint32_t line_;
  uint32_t column_;
  size_t decoded_ = 0;
  char quote_ = 0;
  bool multi_line_ = false;
};

}  // namespace

std::string_view to_string(Level level) { return kLevels[static_cast<size_t>(level)]; }

std::optional<Level> find_level(std::string_view name) { return find_in<Level>(kLevels, name); }

std::string_view to_string(RuleStatus status) { return kStatuses[static_cast<size_t>(status)]; }

std::optional<RuleStatus> find_rule_status(std::string_view name) {
  return find_in<RuleStatus>(kStatuses, name);
}

std::string_view to_string(ResponseAction action) { return kActions[static_cast<size_t>(action)]; }

std::optional<ResponseAction> find_response_action(std::string_view name) {
  return find_in<ResponseAction>(kActions, name);
}

std::string_view to_string(CorrelationType type) { return kCorrelationTypes[static_cast<size_t>(type)]; }

std::optional<CorrelationType> find_correlation_type(std::string_view name) {
  return find_in<CorrelationType>(kCorrelationTypes, name);
}

std::string_view to_string(BoundOp op) { return kBoundOps[static_cast<size_t>(op)]; }

std::optional<BoundOp> find_bound_op(std::string_view name) { return find_in<BoundOp>(kBoundOps, name); }

Place Rule::origin(const std::string& key) const {
  const auto by_site = overridden.find(key);
  if (by_site != overridden.end()) return by_site->second;
  const auto own = keys.find(key);
  return {file, own == keys.end() ? span : own->second};
}

Span span_inside(const SourceFile& file, const Span& token, size_t offset, size_t length) {
  if (token.line == 0) return token;
  TokenWalk walk(file, token);
  while (!walk.at_end()) {
    TokenWalk further = walk;
    further.step();
    if (further.decoded() > offset) break;
    walk = further;
  }
  if (walk.decoded() < offset) return token;
  if (!walk.quoted() && walk.column() >= token.column + token.length) return token;

  Span span{.line = walk.line(), .column = walk.column(), .length = 1};
  while (!walk.at_end() && walk.decoded() < offset + length && walk.line() == span.line) {
    if (walk.column() > span.column) span.length = walk.column() - span.column;
    walk.step();
  }
  if (walk.line() == span.line && walk.column() > span.column) span.length = walk.column() - span.column;
  return span;
}

}  // namespace detectd

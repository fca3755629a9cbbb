// What sites change in rules that somebody else wrote: filters and overrides, applied to the rules.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "engine/diagnostic.h"
#include "engine/rule.h"

namespace detectd {

// Rules of a document by id and name. Keeps pointers into the document.
class RuleNames {
 public:
  explicit RuleNames(const RuleDocument& document);

  // An index into document.rules. Nothing if there is none: D080 with a hint, unless the rule is there and
  // was left out for a mistake of its own.
  std::optional<size_t> find(const RuleReference& reference, const SourcePtr& file,
                             Diagnostics& diagnostics) const;

 private:
  const RuleDocument& document_;
  std::unordered_map<std::string_view, size_t> rules_;
};

// Gives each rule its filters, and sets what overrides say of rules and lists. Reports what they name and
// nobody has (D080), and what two of them set (D022). To be done once.
void apply_site_changes(RuleDocument& document, Diagnostics& diagnostics);

}  // namespace detectd

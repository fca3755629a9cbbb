// From an item as written to an item that can be asked; the work behind CompiledItem::compile.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/item.h"
#include "engine/item_modifiers.h"
#include "engine/value_strings.h"
#include "engine/value_test.h"

namespace detectd {

class ItemCompiler {
 public:
  ItemCompiler(const Item& item, std::optional<FieldId> field, ItemContext& context)
      : item_(item), field_(field), context_(context) {}

  // Null after a mistake.
  std::shared_ptr<const CompiledItem> compile();

 private:
  // What the values of one test are, gathered by kind: each kind becomes one test.
  struct Gathered {
    std::vector<SigmaString> strings;
    std::vector<int64_t> integers;
    std::vector<Cidr> networks;
    std::vector<ValueTestPtr> tests;
  };

  void compile_question(CompiledItem& compiled);
  void compile_values(CompiledItem& compiled);
  bool is_null(const Scalar& value) const { return value.value.index() == 0; }
  void gather(const Scalar& value, Gathered& gathered);
  void gather_text(const Scalar& value, Gathered& gathered);
  void gather_regex(const Scalar& value, Gathered& gathered);
  void gather_network(const Scalar& value, Gathered& gathered);
  void gather_comparison(const Scalar& value, Gathered& gathered);
  void gather_time(const Scalar& value, Gathered& gathered);
  void gather_reference(const Scalar& value, Gathered& gathered);
  ValueTestPtr make_test(Gathered gathered) const;
  void finish(CompiledItem& compiled) const;

  void report(const Span& span, std::string code, std::string message, std::string help);
  void report_modifier(const ModifierMistake& mistake);
  void report_value(const Scalar& value, ValueMistake mistake);

  const Item& item_;
  std::optional<FieldId> field_;
  ItemContext& context_;
  Modifiers modifiers_;
  bool failed_ = false;
};

}  // namespace detectd

#include "engine/explanation.h"

#include <algorithm>

namespace detectd {
namespace {

using Form = Explanation::Form;

// The raw strings of the table begin with a newline, so that their lines stand at the margin.
#define EXPLAIN(code, form, text, bad, good)                                                        \
  Explanation{#code, Form::form, std::string_view(text).substr(1), std::string_view(bad).substr(1), \
              std::string_view(good).substr(1)},
constexpr Explanation kExplanations[] = {
#include "engine/explanations/d00_grammar.def"
#include "engine/explanations/d02_keys.def"
#include "engine/explanations/d03_items.def"
#include "engine/explanations/d06_lints.def"
#include "engine/explanations/d20_world.def"
};

}  // namespace

std::span<const Explanation> explanations() { return kExplanations; }

const Explanation* find_explanation(std::string_view code) {
  const auto found = std::find_if(std::begin(kExplanations), std::end(kExplanations),
                                  [code](const Explanation& each) { return each.code == code; });
  return found == std::end(kExplanations) ? nullptr : &*found;
}

}  // namespace detectd

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/item.h"

namespace detectd {

// What a rule's program asks at each step: one item, shared by all rules that say the same, so that it is evaluated
// at most once per event; or the items on `process.ancestors.*` of one selection, for they concern one ancestor.
struct Term {
  std::vector<std::shared_ptr<const CompiledItem>> items;  // more than one only for ancestors
  bool one_ancestor = false;
  int cost = 0;
};

// A selection: OR of ANDs of terms, by index.
using Alternatives = std::vector<std::vector<uint32_t>>;

}  // namespace detectd

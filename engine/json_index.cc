#include "engine/json_index.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <new>

namespace detectd {

static_assert(JsonIndex::kPadding >= simdjson::SIMDJSON_PADDING);

namespace {

constexpr size_t kFirstCapacity = size_t{64} << 10;
// simdjson keeps four bytes for each byte of text; those of a giant line are given back.
constexpr size_t kKeptCapacity = size_t{1} << 20;

}  // namespace

struct JsonIndex::Parser {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stages;

  void make(size_t capacity) {
    stages.reset();
    constexpr size_t kDepth = 1;  // of its second stage, which is not used
    const auto error =
        simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, kDepth, stages);
    if (error) throw std::bad_alloc();
  }
};

JsonIndex::JsonIndex() : parser_(std::make_unique<Parser>()) {}
JsonIndex::~JsonIndex() = default;
JsonIndex::JsonIndex(JsonIndex&&) noexcept = default;
JsonIndex& JsonIndex::operator=(JsonIndex&&) noexcept = default;

bool JsonIndex::build(std::string_view text) {
  auto& stages = parser_->stages;
  const size_t capacity = std::max(kFirstCapacity, std::bit_ceil(text.size() + 1));
  const bool too_large = stages != nullptr && stages->capacity() > kKeptCapacity;
  if (stages == nullptr || stages->capacity() < capacity || (too_large && capacity <= kKeptCapacity)) {
    parser_->make(capacity);
  }
  const auto* const bytes = reinterpret_cast<const uint8_t*>(text.data());
  if (stages->stage1(bytes, text.size(), simdjson::stage1_mode::regular)) return false;
  places_ = stages->structural_indexes.get();
  return true;
}

}  // namespace detectd

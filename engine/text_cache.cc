#include "engine/text_cache.h"

#include <algorithm>
#include <utility>

#include "engine/text_fold.h"

namespace detectd {
namespace {

constexpr size_t kBlockBytes = 64 << 10;
constexpr size_t kKeptBlocks = 16;  // over events; what a giant event needed more is given back
constexpr size_t kFirstElements = 1 << 8;
constexpr size_t kKeptElements = 1 << 14;

}  // namespace

TextCache::TextCache(const Schema& schema)
    : keyword_fields_(schema.keyword_fields()),
      values_(schema.size()),
      first_(schema.size()),
      elements_(kFirstElements) {}

void TextCache::begin(const Event& event) {
  event_ = &event;
  ++epoch_;
  // A block of more than the usual size was made for one giant value.
  std::erase_if(blocks_, [](const Block& block) { return block.size > kBlockBytes; });
  if (blocks_.size() > kKeptBlocks) blocks_.resize(kKeptBlocks);
  block_ = 0;
  used_ = 0;
  elements_used_ = 0;
  if (elements_.size() > kKeptElements) {
    elements_ = std::vector<Entry>(kFirstElements);
  }
}

void TextCache::look_up(FieldId field, Looked& looked) {
  looked.epoch = epoch_;
  looked.value.count = event_->count(field);
  looked.value.first = event_->find(field);
}

std::string_view TextCache::folded(FieldId field, size_t index, std::string_view text) {
  Entry& entry = index == 0 ? first_[index_of(field)] : find_element(field, index);
  if (entry.epoch != epoch_) {
    entry.epoch = epoch_;
    entry.text = fold(text);
  }
  return entry.text;
}

std::string_view TextCache::fold(std::string_view text) {
  if (is_folded_ascii(text)) return text;
  char* const out = reserve(max_folded_size(text.size()));
  const size_t size = fold_into(text, out);
  used_ += size;
  return {out, size};
}

// The entry of an element, or the free one where it belongs. Entries of earlier events count as free.
TextCache::Entry& TextCache::find_element(FieldId field, size_t index) {
  if ((elements_used_ + 1) * 2 > elements_.size()) grow();
  const uint64_t key = static_cast<uint64_t>(index_of(field)) << 32 | index;
  const size_t mask = elements_.size() - 1;
  size_t at = (key * 0x9E3779B97F4A7C15u >> 32) & mask;
  while (elements_[at].epoch == epoch_ && elements_[at].key != key) at = (at + 1) & mask;
  if (elements_[at].epoch != epoch_) {
    elements_[at].key = key;
    ++elements_used_;
  }
  return elements_[at];
}

void TextCache::grow() {
  std::vector<Entry> old(elements_.size() * 2);
  old.swap(elements_);
  elements_used_ = 0;
  for (const Entry& entry : old) {
    if (entry.epoch != epoch_) continue;
    find_element(FieldId(static_cast<uint16_t>(entry.key >> 32)), entry.key & 0xFFFF'FFFF) = entry;
  }
}

// Room for `bytes` behind what is used; taken by adding to `used_`.
char* TextCache::reserve(size_t bytes) {
  while (block_ < blocks_.size() && used_ + bytes > blocks_[block_].size) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const size_t size = std::max(bytes, kBlockBytes);
    blocks_.push_back({std::make_unique<char[]>(size), size});
  }
  return blocks_[block_].bytes.get() + used_;
}

}  // namespace detectd

#include "engine/group_key.h"

namespace detectd {
namespace {

constexpr size_t kMaxGroupText = 4096;

void append_number(size_t number, std::string& key) {
  for (int shift = 0; shift < 32; shift += 8) key += static_cast<char>(number >> shift & 0xff);
}

}  // namespace

void append_key(std::string_view text, Sha256Hasher& hasher, std::string& key) {
  if (text.size() <= kMaxKeyText) {
    append_number(text.size(), key);
    key += text;
    return;
  }
  // No text has this length.
  append_number(0xffff'ffff, key);
  hasher.add(text);
  const Sha256 digest = hasher.finish();
  key.append(digest.begin(), digest.end());
}

bool append_key(const Event& event, FieldId field, Sha256Hasher& hasher, std::string& key) {
  const size_t count = event.count(field);
  if (count == 0) return false;
  append_number(count, key);
  for (size_t i = 0; i < count; ++i) append_key(event.find(field, i).text, hasher, key);
  return true;
}

std::string group_text(const Event& event, FieldId field) {
  std::string text;
  const size_t count = event.count(field);
  for (size_t i = 0; i < count && text.size() <= kMaxGroupText; ++i) {
    if (i != 0) text += ' ';
    text += event.find(field, i).text;
  }
  if (text.size() <= kMaxGroupText) return text;
  size_t end = kMaxGroupText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

}  // namespace detectd

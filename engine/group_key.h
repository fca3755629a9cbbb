// The values that hits are grouped by, as bytes to compare: fields with their elements told apart, long
// texts as their digest, so that a key is short whatever an event says.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/digest.h"
#include "engine/event.h"

namespace detectd {

// Texts of more bytes than this stand in a key as their SHA-256.
inline constexpr size_t kMaxKeyText = 64;

// Appends one field's values. False, and nothing appended, where the field has none.
bool append_key(const Event& event, FieldId field, Sha256Hasher& hasher, std::string& key);
// Appends one text.
void append_key(std::string_view text, Sha256Hasher& hasher, std::string& key);

// As people read it: elements of a list separated by blanks; at most 4 KiB.
std::string group_text(const Event& event, FieldId field);

}  // namespace detectd

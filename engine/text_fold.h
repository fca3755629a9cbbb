// Case folding: the one function by which literals, wildcards and plain comparisons ignore case.
// Unicode's simple folding (code point by code point, CaseFolding.txt C + S), so it agrees with
// RE2's (?i): U+017F folds to s and U+212A to k, Turkish dotted and dotless i to nothing but
// themselves.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace detectd {

// Folding never changes the number of code points, but it may change the number of bytes: by at
// most half.
constexpr size_t max_folded_size(size_t bytes) { return bytes + bytes / 2; }

// Writes the folded text to `out`, which has room for max_folded_size(text.size()); returns its
// size. Invalid UTF-8 bytes stay as they are.
size_t fold_into(std::string_view text, char* out);

// Replaces `out`, whose capacity is reused. `text` must not be a view of `out`.
void fold(std::string_view text, std::string& out);
std::string folded(std::string_view text);

// True for text without capital ASCII letters and without non-ASCII: folding would not change it.
bool is_folded_ascii(std::string_view text);

char32_t fold_code_point(char32_t code_point);

}  // namespace detectd

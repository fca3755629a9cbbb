// Text that somebody else wrote, made safe to show.
#pragma once

#include <string>
#include <string_view>

namespace detectd {

// Whether a code point is one that is never shown as it is: those that escape_text() tells.
bool is_hidden(char32_t point);

// For people: control characters (C0, DEL, C1), bidirectional controls, zero-width and other invisible
// characters (U+200B..U+200F, U+2028..U+202E, U+2060..U+206F, U+FEFF, U+061C, U+180E, U+00AD, tags
// U+E0000..U+E007F, variation selectors are left), and invalid UTF-8 bytes become \x1b or \u{202e}; a
// backslash stays as it is. One line in, one line out.
std::string escape_text(std::string_view text);
void append_escaped_text(std::string_view text, std::string& out);

// For JSON: the inside of a string literal, quotes not included. The same characters become \u001b,
// \u202e (pairs above U+FFFF); an invalid byte becomes U+FFFD.
void append_json_escaped(std::string_view text, std::string& out);

// A JSON document that is valid already, on one line: what append_json_escaped would have escaped inside
// its strings is escaped, nothing else changes.
void append_json_sanitized(std::string_view json, std::string& out);

// Columns a terminal needs: escapes counted as written, wide characters (East Asian, emoji) as 2.
size_t display_width(std::string_view escaped);

// Replaces `out` by the text with U+FFFD for every byte that is not part of valid UTF-8. Returns how many were.
size_t replace_invalid_utf8(std::string_view text, std::string& out);

}  // namespace detectd

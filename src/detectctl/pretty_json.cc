#include "src/detectctl/pretty_json.h"

#include <algorithm>

#include "engine/escape.h"

namespace detectd {
namespace {

constexpr size_t kMaxIndent = 64;

void new_line(std::string_view indent, size_t depth, std::string& text) {
  text += '\n';
  text += indent;
  text.append(2 * std::min(depth, kMaxIndent), ' ');
}

}  // namespace

std::string pretty_json(std::string_view document, std::string_view indent) {
  std::string safe;
  append_json_sanitized(document, safe);
  std::string text(indent);
  size_t depth = 0;
  bool in_string = false, escaped = false, in_list = false;
  for (size_t i = 0; i < safe.size(); ++i) {
    const char c = safe[i];
    if (in_string) {
      text += c;
      in_string = escaped || c != '"';
      escaped = !escaped && c == '\\';
      continue;
    }
    const bool empty =
        i + 1 < safe.size() && ((c == '{' && safe[i + 1] == '}') || (c == '[' && safe[i + 1] == ']'));
    if (empty) {
      text += safe.substr(i, 2);
      ++i;
    } else if (c == '{') {
      text += c;
      in_list = false;
      new_line(indent, ++depth, text);
    } else if (c == '}') {
      new_line(indent, depth == 0 ? 0 : --depth, text);
      text += c;
    } else if (c == '[' || c == ']') {
      // Lists of values stay on a line.
      in_list = c == '[';
      text += c;
    } else if (c == ',') {
      text += c;
      if (in_list) {
        text += ' ';
      } else {
        new_line(indent, depth, text);
      }
    } else if (c == ':') {
      text += ": ";
    } else if (c != ' ') {
      in_string = c == '"';
      text += c;
    }
  }
  return text + "\n";
}

}  // namespace detectd

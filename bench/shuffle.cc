#include "bench/shuffle.h"

#include <utility>
#include <vector>

namespace detectd::bench {
namespace {

// Where the string that begins at `place` ends: behind its quote.
size_t end_of_string(std::string_view json, size_t place) {
  for (++place; place < json.size() && json[place] != '"'; ++place) {
    if (json[place] == '\\') ++place;
  }
  return place + 1;
}

// The members of an object, each with its key.
std::vector<std::string_view> members_of(std::string_view object) {
  std::vector<std::string_view> members;
  size_t depth = 0, begin = 1;
  for (size_t i = 0; i < object.size();) {
    const char c = object[i];
    if (c == '"') {
      i = end_of_string(object, i);
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    const bool ends = (c == ',' && depth == 1) || depth == 0;
    if (ends && i > begin) members.push_back(object.substr(begin, i - begin));
    if (ends) begin = i + 1;
    ++i;
  }
  return members;
}

}  // namespace

void append_shuffled(std::string_view json, Random& random, std::string& out) {
  if (json.empty() || json[0] != '{') {
    out += json;
    return;
  }
  std::vector<std::string_view> members = members_of(json);
  for (size_t i = members.size(); i > 1; --i) std::swap(members[i - 1], members[random.below(i)]);
  out += '{';
  for (size_t i = 0; i < members.size(); ++i) {
    if (i > 0) out += ',';
    const size_t colon = end_of_string(members[i], 0);
    out += members[i].substr(0, colon + 1);
    append_shuffled(members[i].substr(colon + 1), random, out);
  }
  out += '}';
}

std::string shuffle_lines(std::string_view lines, uint64_t seed) {
  Random random(seed);
  std::string out;
  out.reserve(lines.size());
  size_t begin = lines.find('\n') + 1;
  out += lines.substr(0, begin);
  while (begin < lines.size()) {
    const size_t end = std::min(lines.find('\n', begin), lines.size());
    append_shuffled(lines.substr(begin, end - begin), random, out);
    out += '\n';
    begin = end + 1;
  }
  return out;
}

}  // namespace detectd::bench

// Hits made by hand, for what shows and stores them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/hit.h"

namespace detectd {

struct HitSpec {
  std::string rule_id = "11111111-1111-4111-8111-111111111111";
  std::string rule_name = "web-shell";
  std::string title = "Web server starts a shell";
  Level level = Level::kHigh;
  std::string time = "2026-11-20T14:03:07.112Z";
  std::string name = "sh";
  std::string executable = "/bin/sh";
  std::string command_line = "sh -c 'id; uname -a'";
  std::string user = "www-data";
  std::string parent_name = "nginx";
  std::string host = "web01";
  std::string raw = R"({"process":{"pid":9921}})";
  uint8_t id = 1;  // the last byte of the hit's id
};
Hit make_hit(const HitSpec& spec);

// Texts that attack whoever shows them: escape sequences, C1, bidi, zero width, newlines, formats, SQL.
// None holds a byte that is not UTF-8.
const std::vector<std::string>& hostile_texts();

}  // namespace detectd

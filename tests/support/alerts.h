// Alerts by hand.
#pragma once

#include <string>

#include "src/alerts/alert.h"

namespace detectd::test {

inline Alert make_alert(int64_t n, std::string command_line = "sh -c 'id; uname -a'") {
  Alert alert;
  alert.n = n;
  alert.id = "0000000000000000000000000000" + std::to_string(1000 + n);
  alert.time_ns = alert.stored_ns = 1'795'000'000'000'000'000 + n;
  alert.level = Level::kHigh;
  alert.text = "high web-shell: nginx(812) > sh(9921) www-data: sh";
  alert.json = R"({"type":"hit","n":)" + std::to_string(n) + "}";
  alert.rule_id = "11111111-1111-4111-8111-111111111111";
  alert.rule_name = "web-shell";
  alert.rule_title = "Web server starts a shell";
  alert.tags = {"attack.t1505.003"};
  alert.host = "web01";
  alert.pid = 9921;
  alert.parent_pid = 812;
  alert.name = "sh";
  alert.parent_name = "nginx";
  alert.executable = "/bin/sh";
  alert.command_line = std::move(command_line);
  alert.user_id = "33";
  alert.user_name = "www-data";
  alert.event = R"({"process":{"pid":9921}})";
  return alert;
}

}  // namespace detectd::test

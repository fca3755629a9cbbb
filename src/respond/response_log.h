// What is about to be done to a process, written down before it is done: an append-only file, a line of JSON each.
//
//   {"type":"intent","time":"2026-11-20T14:03:07.112000000Z","hit":"8d..","hit_time_ns":1795000000000000000,
//    "mode":"enforce","action":"kill","pid":9921,"start_ticks":81233,"rule":"3f1e..","executable":"/usr/bin/nc"}
//   {"type":"member","time":...,"hit":"8d..","pid":9922,"start_ticks":81240}      of a tree, each
//   {"type":"outcome","time":...,"hit":"8d..","outcome":"killed","level":"reactive","after_us":3124}
//
// Not synchronised with the disk: it is there to survive the end of this program, and when the machine loses power the
// process has ended too. What a run left without an outcome is `unknown` to the next one, which does nothing about it.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/hit.h"
#include "engine/result.h"
#include "src/fd.h"

namespace detectd {

class ResponseLog {
 public:
  // Larger than that it is set aside, as PATH.1, once nothing is open in it.
  static constexpr uint64_t kMaxBytes = uint64_t{8} << 20;
  // It takes no intent beyond.
  static constexpr uint64_t kFullBytes = 4 * kMaxBytes;

  struct Intent {
    std::string hit = {};  // its id
    int64_t hit_time_ns = 0;
    bool enforced = false;
    std::string action = {}, rule_id = {};
    uint32_t pid = 0;
    uint64_t start_ticks = 0;
    std::string executable = {};
  };

  // Made, with mode 0600, where it is missing. `unfinished` gets the intents of earlier runs that were to be carried out
  // and have no outcome; they are given one (`unknown`) in the file at once.
  static Result<ResponseLog> open(const std::string& path, int64_t now_ns, std::vector<Intent>& unfinished);

  // Only when it says so may a signal be sent.
  Status intend(const Intent& intent, int64_t now_ns);
  Status add_member(std::string_view hit, uint32_t pid, uint64_t start_ticks, int64_t now_ns);
  // A failure is that of a disk: the response has been.
  Status conclude(std::string_view hit, std::string_view outcome, int64_t now_ns);

 private:
  ResponseLog(std::string path, Fd file) : path_(std::move(path)), file_(std::move(file)) {}
  Status append(const std::string& line);
  Status set_aside_if_large();

  std::string path_;
  Fd file_;
  std::set<std::string, std::less<>> open_;  // intents without an outcome
};

// Beside the database.
std::string response_log_path(const std::string& database);

}  // namespace detectd

#include "src/detectd/conditions.h"

#include <utility>

namespace detectd {

std::vector<HealthReport> Conditions::look(const ConditionSigns& signs, int64_t now_ns) {
  std::vector<HealthReport> reports;
  if (signs.disk_low && !std::exchange(low_, signs.disk_low) && options_.tell_disk_low) {
    reports.push_back(
        {.reason = "disk_low",
         .message = "the disk of the database is nearly full; its oldest hits make room for new ones"});
  }
  if (signs.disk_full && !std::exchange(full_, signs.disk_full) && options_.tell_disk_full) {
    reports.push_back(
        {.reason = "disk_full",
         .message = "the disk of the database is full; hits wait in the spill, and are told when they are "
                    "in the database"});
  }
  low_ = signs.disk_low;
  full_ = signs.disk_full;
  if (heard_ != signs.heard) {
    heard_ = signs.heard;
    heard_ns_ = now_ns;
  } else if (options_.tell_silence && now_ns - heard_ns_ >= options_.silent_after_ns) {
    reports.push_back(
        {.reason = "silent", .message = "no process began for " + duration_text(now_ns - heard_ns_)});
    heard_ns_ = now_ns;
  }
  return reports;
}

}  // namespace detectd

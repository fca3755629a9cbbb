// Alerts in the words of the system's logs. No text of an event can begin a new record, field or element.
#pragma once

#include <string>
#include <string_view>

#include "src/alerts/alert.h"

namespace detectd {

// As syslog(3) numbers it: 2 critical, 3 high, 4 medium, 5 low, 6 informational.
int syslog_severity(Level level);

// The datagram of the journal's native protocol: fields with their length, so that any byte may stand in a value.
std::string journal_entry(const Alert& alert);

struct SyslogOrigin {
  int facility = 4;  // auth
  std::string host;  // of who tells; an alert of another host keeps its own
  int64_t pid = 0;
};
// RFC 5424, without a frame: structured data, and as the message the JSON object.
std::string syslog_message(const Alert& alert, const SyslogOrigin& origin);

}  // namespace detectd

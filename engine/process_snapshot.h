// Running processes as events: with `already_running` ones a capture can begin in the middle.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/event.h"
#include "engine/process.h"

namespace detectd {

// Shows each process as an `already_running` event with `event.reason` capture_start and all that is known of it,
// parents before their children, otherwise by birth; so the order depends on the processes alone. Of a parent
// that ended, what is known stands beside its child. The host is the event's `host`; the time is the caller's.
// The event is valid until `visit` returns.
void visit_as_running(const std::vector<std::shared_ptr<const Process>>& processes,
                      const std::function<void(Event&)>& visit);

}  // namespace detectd

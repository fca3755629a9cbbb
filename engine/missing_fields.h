// `detectd.missing` of an event that is made, not read from a capture.
#pragma once

namespace detectd {

class Event;

// After lineage: a field that is named there, is not carried and not withheld, is asked of the lineage. Where that
// knows it, it is not missing; else it is withheld, as it will be when the event is read from a capture.
void settle_missing(Event& event);

}  // namespace detectd

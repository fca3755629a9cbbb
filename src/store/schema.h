// What the database looks like. People read the views `hits`, `lost`, `runs` and `rules`, described in
// detectd-hits(5), which stay when the tables below them change:
//
//   hit          one row a hit, numbered without gaps: what is asked for and shown
//   hit_detail   beside it: the event and its lineage as JSON, and the hash chain over all that never changes
//   lineage      one that several hits share, under the number of the first; their `hit_detail.lineage` is that
//                number. Hits share within a stretch of numbers (LineageCache::kStretch)
//   rule         a rule as it was when it hit; another definition is another row
//   run          a replay or a stretch of live watching, with how complete it was
//   gap          an interval in which the sensor was blind or lossy
//   pruned       one row: how far retention has come
//   sink         a receiver of alerts: the hit up to which it has everything (outbox.h), and how it fares
//   mute         a rule whose hits are kept and not told, from when to when, who said so and why (mutes.h);
//                `hit.muted` is its number
//   history      what a correlation of the type new_terms has seen, for the runs to come
//
// A hit is unique by (time_ns, id); an id belongs to one time, and neighbours in time are neighbours in the
// index, which random ids would not be. application_id 0x44544354 ("DTCT") says that the file is ours,
// user_version which schema.
#pragma once

#include "engine/result.h"
#include "src/store/database.h"

namespace detectd {

inline constexpr int64_t kSchemaVersion = 5;

// Creates the schema in a file that holds nothing yet, brings an older one up to date, and sets the connection
// up for writing. D402, D403 and the file left as it is for what is neither.
Status prepare_to_write(Database& database);

// D402 or D403 unless the file is ours and of this schema or an older one that can be read as it is.
Status check_readable(const Database& database);

}  // namespace detectd

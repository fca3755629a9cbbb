// What is known of a process after an event: what the line says, joined with what was known before. The
// rules of field_table.def's lifetimes, and which facts a change of another one makes doubtful.
#pragma once

#include <memory>
#include <string_view>

#include "engine/carried.h"
#include "engine/event.h"
#include "engine/process.h"

namespace detectd {

// Identities of the process group's and the session's leader, where the line names only their pids.
struct LeaderIds {
  std::string_view group;
  std::string_view session;
};

class AttributeMerge {
 public:
  // Of the image only what the line carries; `Kept` leaves from the line, else from before.
  std::shared_ptr<const Attributes> after_exec(const Event& event, const Attributes& before,
                                               LeaderIds leaders);
  // Null where nothing changed.
  std::shared_ptr<const Attributes> after_change(const Event& event, const Attributes& before,
                                                 LeaderIds leaders);
  // What a line says of another process (`field` = parent_field or target_field), where `before` knows
  // nothing. Null where there is nothing to add, or where the line speaks of another image.
  std::shared_ptr<const Attributes> completed(const Event& event, FieldOf field, const Attributes& before);
  // `first`, and the leaves of `second` that it lacks; of an image that is `first`'s own only `Kept` ones.
  std::shared_ptr<const Attributes> joined(const Attributes& first, const Attributes& second, bool own_image);
  std::shared_ptr<const Attributes> nothing() { return builder_.build(); }

 private:
  struct Merge {
    const Event& event;
    const Attributes& before;
    LeafMask told = 0;  // taken from the line
    LeafMask kept = 0;  // taken from before
    bool exec = false;
  };
  std::shared_ptr<const Attributes> merged(const Merge& merge, LeaderIds leaders);

  Attributes::Builder builder_;
};

// Whether a line with the leaves `carried` can tell of a process what `known` does not know: else `completed`
// has nothing to add.
bool tells_more(LeafMask carried, const Attributes& known);
// Whether the line's executable is another one than the known.
bool other_image(const Event& event, FieldOf field, const Attributes& known);
bool same_value(const FieldView& a, const FieldView& b);

}  // namespace detectd

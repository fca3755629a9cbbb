#include "engine/event_codec.h"

namespace detectd {

void want_always(Schema& schema) {
  using enum Leaf;
  for (const Leaf leaf : {kPid, kStart, kName, kExecutable, kArgs, kCommandLine, kThreadId, kThreadName,
                          kEntityId, kUserId, kUserName, kRealUserId, kSavedUserId, kGroupId, kRealGroupId,
                          kSavedGroupId, kCapabilities, kExitCode}) {
    schema.want(process_field(leaf));
  }
  for (const Leaf leaf : {kPid, kEntityId, kExecutable, kName, kCommandLine, kStart, kUserName}) {
    schema.want(parent_field(leaf));
  }
  for (const Leaf leaf : {kPid, kEntityId, kStart}) schema.want(target_field(leaf));
  for (const FieldId id : {field::kHostName, field::kHostId, field::kSequence, field::kReason,
                           field::kEventStart, field::kEventEnd, field::kLost, field::kEscalated,
                           field::kMissing, field::kBootNs, field::kArgvTruncated}) {
    schema.want(id);
  }
}

}  // namespace detectd

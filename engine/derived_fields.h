// Fields that follow from others: a command line from its arguments, a privilege from ids and
// capabilities. What a line carries, or says is missing, is never touched; where sources do not suffice the
// field stays absent.
#pragma once

#include <string>

#include "engine/carried.h"
#include "engine/event.h"
#include "engine/fields.h"

namespace detectd {

// Whether these ids and capabilities are root's power: true for effective uid 0, and for a capability with
// which a process can become root or act as the kernel (CAP_SYS_ADMIN, CAP_SETUID, ...). Without known
// capabilities another uid says nothing. `Source` has find(Leaf, index) and count(Leaf).
enum class Privilege : uint8_t { kUnknown, kNone, kRoot };
bool amounts_to_root(std::string_view capability);

template <class Source>
Privilege privilege_of(const Source& source) {
  const FieldView uid = source.find(Leaf::kUserId, 0);
  if (uid.type == Type::kInteger && uid.number == 0) return Privilege::kRoot;
  const FieldView first = source.find(Leaf::kCapabilities, 0);
  const size_t count = source.count(Leaf::kCapabilities);
  for (size_t i = 0; i < count; ++i) {
    if (amounts_to_root(source.find(Leaf::kCapabilities, i).text)) return Privilege::kRoot;
  }
  return uid.type == Type::kInteger && !first.absent() ? Privilege::kNone : Privilege::kUnknown;
}

class DerivedFields {
 public:
  // From what the line carries of process, parent and target: `name` (from the executable),
  // `command_line`, `args_count`, `Ext.argv0`, `Ext.effective_executable`, `Ext.privileged`.
  void add_from_line(Event& event);
  // What only lineage could have told better: the name of an unknown executable is the thread's.
  static void add_from_lineage(Event& event);

 private:
  void add_from_args(Event& event, FieldOf field);

  std::string joined_;
};

}  // namespace detectd

// Events without JSON: `exec(7, "/usr/sbin/sshd")`, `fork(7, 8)`, `end(8)`, at time 0 where none is given:
// `fork(7, 8).at(5)` is at 5 ms.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "engine/event.h"
#include "engine/fields.h"

namespace detectd::test {

inline constexpr int64_t kMs = 1'000'000;

// A chainable event. Its fields are set by name, so that a test reads as a rule does.
class Make {
 public:
  Make(EventKind kind, int64_t pid) {
    event_.clear();
    event_.kind = kind;
    event_.has_time = true;
    if (pid != 0) event_.set_integer(process_field(Leaf::kPid), pid);
  }

  Make&& at(int64_t time_ms) && {
    event_.time_ns = time_ms * kMs;
    return std::move(*this);
  }
  Make&& with(std::string_view field, std::string_view text) && {
    event_.set_text(id(field), text);
    return std::move(*this);
  }
  Make&& with(std::string_view field, const char* text) && {
    return std::move(*this).with(field, std::string_view(text));
  }
  Make&& with(std::string_view field, int number) && {
    event_.set_integer(id(field), number);
    return std::move(*this);
  }
  Make&& with(std::string_view field, std::initializer_list<const char*> texts) && {
    event_.begin_list(id(field));
    for (const char* const text : texts) event_.append_text(id(field), text);
    return std::move(*this);
  }
  Make&& without(std::string_view field) && {
    event_.withhold(id(field));
    return std::move(*this);
  }
  // Effective, real and saved uid.
  Make&& uids(int effective, int real, int saved) && {
    return std::move(*this)
        .with("process.user.id", effective)
        .with("process.real_user.id", real)
        .with("process.saved_user.id", saved);
  }
  operator Event() && { return std::move(event_); }

  static FieldId id(std::string_view field) { return find_table_field(field).value(); }

 private:
  Event event_;
};

inline Make event(EventKind kind, int64_t pid) { return Make(kind, pid); }
inline Make fork(int64_t parent, int64_t child) {
  return Make(EventKind::kFork, child).with("process.parent.pid", static_cast<int>(parent));
}
inline Make exec(int64_t pid, std::string_view executable) {
  return Make(EventKind::kExec, pid).with("process.executable", executable);
}
inline Make end(int64_t pid) { return Make(EventKind::kEnd, pid); }
// As the proc connector tells it: real and effective id.
inline Make uid_change(int64_t pid, int effective, int real) {
  return Make(EventKind::kUidChange, pid)
      .with("process.user.id", effective)
      .with("process.real_user.id", real);
}

// All values of a field, as a test wants to compare them: `sh|sshd`; `-` if absent, `[]` for an empty list.
inline std::string show(const Event& event, std::string_view field) {
  const FieldId id = Make::id(field);
  if (event.find(id).absent()) return "-";
  std::string text;
  const size_t count = event.count(id);
  if (count == 0) return "[]";
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) text += '|';
    const FieldView view = event.find(id, i);
    text += view.type == Type::kNull ? "null" : std::string(view.text);
  }
  return text;
}

}  // namespace detectd::test

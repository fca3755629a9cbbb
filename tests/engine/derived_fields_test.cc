#include "engine/derived_fields.h"

#include <catch2/catch.hpp>

#include "tests/support/events.h"

using namespace detectd;
using namespace detectd::test;

namespace {

Event derived(Event event) {
  DerivedFields fields;
  fields.add_from_line(event);
  return event;
}

}  // namespace

TEST_CASE("what follows from the arguments is filled in for process, parent and target", "[derived_fields]") {
  const std::string subject = GENERATE("process.", "process.parent.", "Target.process.");
  const Event event = derived(test::event(EventKind::kExec, 8)
                                  .with(subject + "executable", "/usr/bin/perl")
                                  .with(subject + "args", {"perl", "", "a b", "x.pl"}));
  CHECK(show(event, subject + "name") == "perl");
  CHECK(show(event, subject + "command_line") == "perl  a b x.pl");
  CHECK(show(event, subject + "args_count") == "4");
  CHECK(show(event, subject + "Ext.argv0") == "perl");
  CHECK(show(event, subject + "Ext.effective_executable") == "-");  // no file is named ""
}

TEST_CASE("a value that the line carries is not derived again", "[derived_fields]") {
  const Event event = derived(exec(8, "/bin/dash")
                                  .with("process.name", "told")
                                  .with("process.args", {"sh", "x"})
                                  .with("process.command_line", "told too"));
  CHECK(show(event, "process.name") == "told");
  CHECK(show(event, "process.command_line") == "told too");
  CHECK(show(event, "process.Ext.effective_executable") == "x");
}

TEST_CASE("no arguments are not one empty argument", "[derived_fields]") {
  const Event event = derived(exec(8, "/bin/sh").with("process.args", std::initializer_list<const char*>{}));
  CHECK(show(event, "process.command_line") == "-");
  CHECK(show(event, "process.Ext.argv0") == "-");
}

TEST_CASE("privilege is effective uid 0 or a capability that amounts to it", "[derived_fields]") {
  struct Case {
    int uid;
    const char* capability;
    const char* want;
  };
  constexpr Case kCases[] = {
      {0, nullptr, "true"},           {0, "CAP_KILL", "true"}, {1000, "CAP_SYS_ADMIN", "true"},
      {1000, "CAP_NET_RAW", "false"}, {1000, "", "false"},  // known to have none
      {1000, nullptr, "-"},                                 // capabilities not known
  };
  for (const Case& c : kCases) {
    CAPTURE(c.uid, c.capability);
    Event event = exec(8, "/bin/x").with("process.user.id", c.uid);
    const FieldId capabilities = process_field(Leaf::kCapabilities);
    if (c.capability != nullptr) {
      event.begin_list(capabilities);
      if (*c.capability != '\0') event.append_text(capabilities, c.capability);
    }
    CHECK(show(derived(std::move(event)), "process.Ext.privileged") == c.want);
  }
}

TEST_CASE("a name falls back to the thread's only where nothing else is known", "[derived_fields]") {
  Event event = test::event(EventKind::kExec, 0).with("process.thread.name", "kworker");
  DerivedFields::add_from_lineage(event);
  CHECK(show(event, "process.name") == "kworker");
}

#include "engine/missing_fields.h"

#include <catch2/catch.hpp>

#include "engine/event_codec.h"
#include "engine/process_table.h"
#include "tests/support/events.h"

namespace detectd {
namespace {

using test::show;

Event exec_without(std::initializer_list<const char*> names) {
  return test::exec(8, "/bin/cat").at(1).with("detectd.missing", names);
}

TEST_CASE("What lineage knows is not missing") {
  ProcessTable table({});
  Event parent = test::exec(7, "/bin/sh").uids(1000, 1000, 1000);
  table.apply(parent);
  Event child = test::fork(7, 8);
  table.apply(child);
  Event event = exec_without({"process.user.id", "process.working_directory", "container.id"});
  table.apply(event);
  settle_missing(event);
  CHECK(show(event, "process.user.id") == "1000");
  CHECK(show(event, "detectd.missing") == "process.working_directory|container.id");
  CHECK(event.withheld(process_field(Leaf::kWorkingDirectory)));
}

TEST_CASE("Where lineage knows it all, nothing is missing") {
  ProcessTable table({});
  Event before = test::exec(8, "/bin/sh").uids(0, 0, 0);
  table.apply(before);
  Event event = exec_without({"process.user.id"});
  table.apply(event);
  settle_missing(event);
  CHECK(show(event, "detectd.missing") == "-");
}

TEST_CASE("A field that is carried and named stays named: it is not trusted") {
  ProcessTable table({});
  Event event = exec_without({"process.executable"});
  table.apply(event);
  settle_missing(event);
  CHECK(show(event, "process.executable") == "/bin/cat");
  CHECK(show(event, "detectd.missing") == "process.executable");
}

TEST_CASE("A field that is withheld is not asked of lineage") {
  ProcessTable table({});
  Event before = test::exec(8, "/bin/sh").with("process.thread.name", "sh");
  table.apply(before);
  Event event = std::move(test::event(EventKind::kAlreadyRunning, 8).without("process.thread.name"))
                    .with("detectd.missing", {"process.thread.name"});
  table.apply(event);
  settle_missing(event);
  CHECK(show(event, "process.thread.name") == "-");
  CHECK(show(event, "detectd.missing") == "process.thread.name");
}

}  // namespace
}  // namespace detectd

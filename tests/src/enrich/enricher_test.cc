#include "src/enrich/enricher.h"

#include <catch2/catch.hpp>

#include "engine/missing_fields.h"
#include "src/enrich/exec_reader.h"
#include "tests/support/events.h"
#include "tests/support/held_process.h"

namespace detectd {
namespace {

using test::HeldProcess;
using test::show;

// The host's procfs, read as the daemon reads it.
class Host {
 public:
  explicit Host(Enricher::Options options = {})
      : root_(open_own_procfs()),
        procfs_((*root_).root.number()),
        reader_((*root_).root.number()),
        enricher_(procfs_, std::move(options)) {}

  Event look_at(uint32_t pid) {
    ExecImage image;
    reader_.read(pid, image);
    Event event = test::event(EventKind::kExec, pid);
    enricher_.fill(pid, image, false, event);
    return event;
  }
  Enricher& enricher() { return enricher_; }
  ExecReader& reader() { return reader_; }
  RealProcfs& procfs() { return procfs_; }

 private:
  Result<OwnProcfs> root_;
  RealProcfs procfs_;
  ExecReader reader_;
  Enricher enricher_;
};

TEST_CASE("A running program is told with arguments, directory, ids and streams") {
  Host host({.boot_time_ns = 0});
  HeldProcess cat({"cat", "-", "a b"});
  REQUIRE(cat.runs());
  const Event event = host.look_at(cat.pid());
  CHECK(show(event, "process.args") == "cat|-|a b");
  CHECK(show(event, "process.thread.name") == "cat");
  CHECK(show(event, "process.user.id") == std::to_string(geteuid()));
  CHECK(show(event, "process.Ext.stdin.type") == "pipe");
  CHECK(show(event, "detectd.missing") == "-");
}

}  // namespace
}  // namespace detectd

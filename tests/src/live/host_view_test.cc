#include "src/live/host_view.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "tests/support/fake_procfs.h"

namespace detectd {
namespace {

using test::FakeProcess;
using test::FakeProcfs;

const std::string kStat = "1 (init) S 0 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 7 0 0\n";
const std::string kStatus = "Name:\tinit\nUid:\t0\t0\t0\t0\n";

TEST_CASE("TRUST 87: where process 1 is hidden, nothing is watched") {
  struct Case {
    const char* what;
    std::shared_ptr<FakeProcess> init;
    bool visible;
  };
  const auto init = [](const std::string& stat, const std::string& status) {
    return std::make_shared<FakeProcess>(FakeProcess{.stat = stat, .status = status});
  };
  for (const Case& one :
       {Case{"whole", init(kStat, kStatus), true}, Case{"no stat", init("", kStatus), false},
        Case{"no status", init(kStat, ""), false}, Case{"none", nullptr, false}}) {
    INFO(one.what);
    FakeProcfs procfs;
    if (one.init) procfs.processes[1] = one.init;
    const Status status = check_visibility(procfs);
    CHECK(status.ok() == one.visible);
    if (!one.visible) CHECK(status.error().code == Errc::kPermission);
  }
}

}  // namespace
}  // namespace detectd

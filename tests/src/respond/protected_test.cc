#include "src/respond/protected.h"

#include <catch2/catch.hpp>

namespace detectd {
namespace {

TEST_CASE("TRUST 7: pid 1, the kernel's threads, ourselves and what a site names are never ended",
          "[respond]") {
  const ProtectedList list{.executables = {"/usr/sbin/sshd"}, .units = {"ssh.service"}};
  struct Case {
    ResponseTarget target;
    std::string_view why;
  };
  const Case cases[] = {
      {{.pid = 1, .executable = "/sbin/init", .unit = {}}, "pid 1"},
      {{.pid = 1, .executable = {}, .unit = {}}, "pid 1"},
      {{.pid = 2, .executable = {}, .unit = {}}, "a thread of the kernel"},
      {{.pid = 90, .parent_pid = 2, .executable = {}, .unit = {}}, "a thread of the kernel"},
      {{.pid = 91, .parent_pid = 2, .executable = "/tmp/x", .unit = {}},
       ""},  // what the kernel itself started
      {{.pid = 92, .parent_pid = 1, .executable = {}, .unit = {}}, ""},
      {{.pid = 93, .executable = "/usr/sbin/detectd", .unit = {}, .ours = true}, "detectd itself"},
      {{.pid = 94, .executable = "/usr/sbin/sshd", .unit = {}}, "/usr/sbin/sshd"},
      {{.pid = 94, .executable = "/usr/sbin/sshd (deleted)", .unit = {}}, "/usr/sbin/sshd"},
      {{.pid = 95, .executable = "/usr/sbin/sshd2", .unit = {}}, ""},
      {{.pid = 95, .executable = "/tmp/usr/sbin/sshd", .unit = {}}, ""},
      {{.pid = 96, .executable = "/bin/bash", .unit = "ssh.service"}, "ssh.service"},
      {{.pid = 97, .executable = "/bin/bash", .unit = "ssh.service.evil"}, ""},
      {{.pid = 98, .executable = "/bin/bash", .unit = {}}, ""},
  };
  for (const Case& each : cases) {
    CAPTURE(each.target.pid, each.target.executable, each.target.unit);
    CHECK(why_protected(each.target, list) == each.why);
  }
}

}  // namespace
}  // namespace detectd

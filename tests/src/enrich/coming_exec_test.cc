#include "src/enrich/coming_exec.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <string>

#include "src/fd.h"

namespace detectd {
namespace {

std::string call(long number, std::string_view rest) {
  return std::to_string(number) + " " + std::string(rest);
}

TEST_CASE("an exec in progress is told by the number of its system call", "[enrich]") {
  const auto execve =
      parse_exec_call(call(SYS_execve, "0x7ffd10 0x55aa08 0x7ffe 0x1 0x0 0x8 0x7ffc 0x7f12\n"));
  REQUIRE(execve);
  CHECK(execve->path == 0x7ffd10);
  CHECK(execve->args == 0x55aa08);
  CHECK_FALSE(execve->narrow);

  const auto execveat = parse_exec_call(call(SYS_execveat, "0xffffff9c 0x7ffd10 0x55aa08 0x7ffe 0x1000 0x0"));
  REQUIRE(execveat);
  CHECK(execveat->path == 0x7ffd10);
  CHECK(execveat->args == 0x55aa08);
}

TEST_CASE("any other system call, and none, is no exec", "[enrich]") {
  for (const std::string& text :
       {std::string(), std::string("running\n"), std::string("-1 0x7ffc 0x7f12\n"),
        call(SYS_read, "0x3 0x7f 0x1000"), call(SYS_execve, ""), call(SYS_execve, "0x7f"),
        call(SYS_execve, "0x"), call(SYS_execve, "zz zz"), call(SYS_execveat, "0x1 0x2"),
        call(SYS_execve, "0x1ffffffffffffffff 0x2")}) {
    CAPTURE(text);
    CHECK_FALSE(parse_exec_call(text));
  }
}

TEST_CASE("a process that does not exec has no coming arguments, and the file is told all the same",
          "[enrich]") {
  const Fd proc(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const Fd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  REQUIRE(proc);
  ComingExecReader reader(proc.number(), 4096);
  ExecImage image;
  image.cmdline = "from before";
  reader.read(static_cast<uint32_t>(getpid()), file.number(), image);
  CHECK(image.cmdline.empty());
  CHECK(image.executable.starts_with('/'));
  REQUIRE(image.file);
  CHECK_FALSE(reader.names_file(static_cast<uint32_t>(getpid()), *image.file));
}

}  // namespace
}  // namespace detectd

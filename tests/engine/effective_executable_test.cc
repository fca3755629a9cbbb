#include "engine/effective_executable.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using detectd::effective_executable;

namespace {

// `line`: the executable, then the arguments, separated by blanks.
std::string_view runs(std::string_view line) {
  static std::vector<std::string_view> words;
  words.clear();
  while (!line.empty()) {
    const size_t blank = std::min(line.find(' '), line.size());
    words.push_back(line.substr(0, blank));
    line.remove_prefix(std::min(blank + 1, line.size()));
  }
  const std::string_view answer = effective_executable(words[0], std::span(words).subspan(1));
  CHECK((answer.empty() || detectd::may_run_others(words[0])));
  return answer;
}

}  // namespace

TEST_CASE("the program behind a loader, busybox or an interpreter is found", "[derived_fields]") {
  struct Case {
    const char* line;
    const char* want;
  };
  constexpr Case kCases[] = {
      {"/lib64/ld-linux-x86-64.so.2 ld.so /bin/nc -e", "/bin/nc"},
      {"/lib64/ld-linux-x86-64.so.2 x --library-path /tmp --argv0 ls --inhibit-cache /tmp/evil", "/tmp/evil"},
      {"/lib64/ld-linux-x86-64.so.2 x --list /bin/ls", ""},
      {"/lib64/ld-linux-x86-64.so.2 x --unheard-of /bin/ls", ""},
      {"/lib64/ld-linux-x86-64.so.2 x", ""},
      {"/lib/ld-musl-x86_64.so.1 x --preload=/a.so -- /bin/id", "/bin/id"},
      {"/lib64/ld-linux-x86-64.so.2 x /bin/busybox nc", "nc"},
      {"/usr/bin/ld-config ld-config a", ""},
      {"/bin/busybox busybox nc -l", "nc"},
      {"/bin/busybox busybox busybox sh", "sh"},
      {"/bin/busybox /usr/bin/wget x", "wget"},
      {"/bin/busybox -ash", "ash"},
      {"/bin/busybox busybox --list", ""},
      {"/bin/busybox busybox", ""},
      {"/bin/busybox.static busybox.static id", "id"},
      {"/bin/bash bash /tmp/x.sh a", "/tmp/x.sh"},
      {"/bin/bash bash -eux -o pipefail x.sh", "x.sh"},
      {"/bin/bash bash -euo pipefail x.sh", "x.sh"},
      {"/bin/bash bash +x --norc --rcfile rc x.sh", "x.sh"},
      {"/bin/bash bash -c id", ""},
      {"/bin/bash bash -lc id", ""},
      {"/bin/bash bash -s x", ""},
      {"/bin/bash -bash", ""},
      {"/bin/dash sh -- -x", "-x"},
      {"/bin/dash sh - x.sh", "x.sh"},
      {"/usr/bin/python3.11 python3 -u -W ignore x.py", "x.py"},
      {"/usr/bin/python3.11 python3 -Wignore -Xdev x.py", "x.py"},
      {"/usr/bin/python3.11 python3 -m http.server", ""},
      {"/usr/bin/python3.11 python3 -Bc 1 x.py", ""},
      {"/usr/bin/python3.11 python3 - x.py", ""},
      {"/usr/bin/perl perl -w -I lib -Mstrict x.pl", "x.pl"},
      {"/usr/bin/perl perl -le 1", ""},
      {"/usr/bin/perl perl -i.bak -l012 -n x.pl", "x.pl"},
      {"/usr/bin/ruby3.1 ruby -rsocket x.rb", "x.rb"},
      {"/usr/bin/ruby3.1 ruby -r socket --disable=gems x.rb", "x.rb"},
      {"/usr/bin/ruby3.1 ruby -e 1", ""},
      {"/usr/bin/node node --inspect -r ts-node/register app.js", "app.js"},
      {"/usr/bin/node node --eval 1", ""},
      {"/usr/bin/node node -pe 1", ""},
      {"/usr/bin/php8.2 php -d display_errors=1 -f x.php", "x.php"},
      {"/usr/bin/php8.2 php -r 1", ""},
      {"/usr/bin/php8.2 php -- x", ""},
      {"/usr/bin/lua5.4 lua -l socket x.lua", "x.lua"},
      {"/bin/ls ls /tmp/x.sh", ""},
      {"/usr/bin/2.0 2.0 x", ""},
      {"/bin/sh", ""},
  };
  for (const Case& c : kCases) {
    CAPTURE(c.line);
    CHECK(runs(c.line) == c.want);
  }
}

TEST_CASE("most programs need no look at their arguments", "[derived_fields]") {
  for (const char* const program :
       {"/usr/bin/sleep", "/usr/bin/ld", "/opt/shell", "sleep", "", "/", "/1.2"}) {
    CAPTURE(program);
    CHECK(!detectd::may_run_others(program));
  }
}

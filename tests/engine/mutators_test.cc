#include "engine/mutators.h"

#include <catch2/catch.hpp>

#include <set>

#include "engine/carried.h"

namespace detectd {
namespace {

Event exec_of(const char* executable, std::vector<std::string> args, const char* parent = "nginx") {
  Event event;
  event.clear();
  event.kind = EventKind::kExec;
  set_program(event, executable);
  set_args(event, args);
  event.set_text(parent_field(Leaf::kName), parent);
  return event;
}

// `executable [arg|arg] < parent`, one a line.
std::string dump(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events) {
    text += std::string(carried_text(event, process_field(Leaf::kExecutable))) + " [";
    for (size_t i = 0; i < event.count(process_field(Leaf::kArgs)); ++i)
      text += (i == 0 ? "" : "|") + std::string(event.find_carried(process_field(Leaf::kArgs), i).text);
    text += "] < " + std::string(carried_text(event, parent_field(Leaf::kName))) + "\n";
  }
  return text;
}

Mutation mutated(const char* mutator, const Event& event) {
  const Mutator* found = find_mutator(mutator);
  REQUIRE(found != nullptr);
  return mutate(*found, make_mutation_input(event, *exec_run_of(event)));
}

TEST_CASE("each mutator makes the events that there would be", "[mutators]") {
  const Event tool = exec_of("/usr/bin/cat", {"cat", "-n", "/etc/shadow"});
  const Event shell = exec_of("/usr/bin/dash", {"sh", "-c", "cat /etc/shadow > x; id"});
  struct Case {
    const char* mutator;
    const Event& event;
    const char* want;
  };
  const Case cases[] = {
      {"renamed-copy", tool, "/home/u/u7 [/home/u/u7|-n|/etc/shadow] < nginx\n"},
      {"symbolic-link", tool, "/usr/bin/cat [/home/u/u7|-n|/etc/shadow] < nginx\n"},
      {"argv0", tool, "/usr/bin/cat [u7|-n|/etc/shadow] < nginx\n"},
      {"memory-file", tool, "/memfd:u7 [u7|-n|/etc/shadow] < nginx\n"},
      {"program-relative-path", tool, "/usr/bin/cat [./cat|-n|/etc/shadow] < nginx\n"},
      {"loader", tool,
       "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "
       "[/lib64/ld-linux-x86-64.so.2|/usr/bin/cat|-n|/etc/shadow] < nginx\n"},
      {"busybox", tool, "/usr/bin/busybox [busybox|cat|-n|/etc/shadow] < nginx\n"},
      {"env", tool,
       "/usr/bin/env [env|cat|-n|/etc/shadow] < nginx\n/usr/bin/cat [cat|-n|/etc/shadow] < nginx\n"},
      {"timeout", tool,
       "/usr/bin/timeout [timeout|1h|cat|-n|/etc/shadow] < nginx\n/usr/bin/cat [cat|-n|/etc/shadow] < "
       "timeout\n"},
      {"xargs", tool, "/usr/bin/xargs [xargs|cat|-n] < nginx\n/usr/bin/cat [cat|-n|/etc/shadow] < xargs\n"},
      {"systemd-run", tool,
       "/usr/bin/systemd-run [systemd-run|-q|cat|-n|/etc/shadow] < nginx\n/usr/bin/cat [cat|-n|/etc/shadow] "
       "< systemd\n"},
      {"path-double-slash", tool, "/usr/bin/cat [cat|-n|/etc//shadow] < nginx\n"},
      {"path-dot", tool, "/usr/bin/cat [cat|-n|/etc/./shadow] < nginx\n"},
      {"path-dot-dot", tool, "/usr/bin/cat [cat|-n|/etc/../etc/shadow] < nginx\n"},
      {"path-relative", tool, "/usr/bin/cat [cat|-n|etc/shadow] < nginx\n"},
      {"path-link", tool, "/usr/bin/cat [cat|-n|/home/u/l7/shadow] < nginx\n"},
      {"options-long", tool, "/usr/bin/cat [cat|--number|/etc/shadow] < nginx\n"},
      {"options-behind", tool, "/usr/bin/cat [cat|/etc/shadow|-n] < nginx\n"},
      // A shell is followed by what it starts.
      {"shell-quotes", shell,
       "/usr/bin/dash [sh|-c|c\"\"at /etc/shadow > x; i\"\"d] < nginx\n/usr/bin/cat [cat|/etc/shadow] < "
       "dash\n/usr/bin/id [id] < dash\n"},
      {"shell-ifs", shell,
       "/usr/bin/dash [sh|-c|cat${IFS}/etc/shadow > x; id] < nginx\n/usr/bin/cat [cat|/etc/shadow] < "
       "dash\n/usr/bin/id [id] < dash\n"},
      {"shell-file", shell,
       "/usr/bin/dash [sh|/home/u/u7.sh] < nginx\n/usr/bin/cat [cat|/etc/shadow] < dash\n/usr/bin/id [id] < "
       "dash\n"},
      {"path-dot", shell,
       "/usr/bin/dash [sh|-c|cat /etc/./shadow > x; id] < nginx\n/usr/bin/cat [cat|/etc/./shadow] < "
       "dash\n/usr/bin/id [id] < dash\n"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.mutator);
    CHECK(dump(mutated(each.mutator, each.event).events) == each.want);
  }
}

TEST_CASE("what is told of a program that was moved is told no more of its file", "[mutators]") {
  Event event = exec_of("/usr/bin/cat", {"cat", "x"});
  event.set_integer(process_field(Leaf::kInode), 7);
  event.set_text(process_field(Leaf::kSha256), "abc");
  const Event copy = mutated("renamed-copy", event).events.front();
  CHECK_FALSE(copy.carries(process_field(Leaf::kInode)));
  CHECK(carried_text(copy, process_field(Leaf::kSha256)) == "abc");
  const Event link = mutated("hard-link", event).events.front();
  CHECK(link.find_carried(process_field(Leaf::kInode)).number == 7);
  CHECK(link.find_carried(process_field(Leaf::kLinks)).number == 2);
}

TEST_CASE("a mutation does not undo what a rule may be about", "[mutators]") {
  // Where it stands, what its name ends in, a name that was borrowed.
  CHECK(dump(mutated("renamed-copy", exec_of("/dev/shm/.k", {"/dev/shm/.k"})).events) ==
        "/dev/shm/.u7 [/dev/shm/.u7] < nginx\n");
  CHECK(dump(mutated("renamed-copy", exec_of("/tmp/a.pdf.sh", {"/tmp/a.pdf.sh"})).events) ==
        "/tmp/u7.pdf.sh [/tmp/u7.pdf.sh] < nginx\n");
  CHECK(dump(mutated("renamed-copy", exec_of("/usr/bin/bash", {"nginx", "-c"})).events) ==
        "/home/u/u7 [nginx|-c] < nginx\n");
  CHECK(mutated("argv0", exec_of("/usr/bin/bash", {"nginx", "-c"})).reason ==
        "it is called by another name already");
  // A program that goes by its name is called so wherever it is.
  CHECK(dump(mutated("renamed-copy", exec_of("/usr/bin/kmod", {"insmod", "x"})).events) ==
        "/home/u/u7 [insmod|x] < nginx\n");
  CHECK(mutated("argv0", exec_of("/usr/bin/kmod", {"insmod", "x"})).reason ==
        "the program does what it is called");
}

TEST_CASE("the parent that a wrapper becomes has the parent before it as its own", "[mutators]") {
  Event event = exec_of("/usr/bin/dash", {"sh", "-c", "id"});
  event.set_integer(parent_field(Leaf::kPid), 10);
  event.set_integer(parent_field(Leaf::kUserId), 33);
  const Mutation mutation = mutated("timeout", event);
  const Event& program = mutation.events[1];
  CHECK(program.find_carried(field::kAncestorsName, 0).text == "timeout");
  CHECK(program.find_carried(field::kAncestorsName, 1).text == "nginx");
  CHECK(program.find_carried(parent_field(Leaf::kPid)).number != 10);
  CHECK(program.find_carried(parent_field(Leaf::kUserId)).number == 33);
}

TEST_CASE("long arguments are cut as they are when they are read", "[mutators]") {
  std::vector<std::string> few = {"a", "b"};
  CHECK_FALSE(cut_args(few));
  std::vector<std::string> many(5000, "x");
  many.back() = "last";
  CHECK(cut_args(many));
  CHECK(many.size() == 4096);
  CHECK(many.back() == "last");
  std::vector<std::string> large = {"sh", "-c", std::string(200'000, 'x') + "end"};
  CHECK(cut_args(large));
  CHECK(large.size() == 4);
  CHECK(large[2].size() == (128 << 10) - 6);
  CHECK(large[3].ends_with("end"));
  const Mutation mutation = mutated("long-arguments", exec_of("/usr/bin/rm", {"rm", "-f", "/var/log/wtmp"}));
  CHECK(mutation.events.front().find_carried(field::kArgvTruncated).number == 1);
  const size_t count = mutation.events.front().count(process_field(Leaf::kArgs));
  CHECK(mutation.events.front().find_carried(process_field(Leaf::kArgs), count - 1).text == "/var/log/wtmp");
}

TEST_CASE("mutators have names of their own, and say all that the manual needs", "[mutators]") {
  std::set<std::string_view> names;
  for (const Mutator& mutator : mutators()) {
    CAPTURE(mutator.name);
    CHECK(names.insert(mutator.name).second);
    CHECK_FALSE(mutator.attack.empty());
    CHECK_FALSE(mutator.change.empty());
    CHECK_FALSE(mutator.hint.empty());
    CHECK(mutator.attack.find('\n') == std::string_view::npos);
  }
  CHECK(names.size() >= 50);
  CHECK(find_mutator("no-such") == nullptr);
}

TEST_CASE("no event makes a mutator fail, and each says why it does not apply", "[mutators]") {
  const std::vector<std::string> texts = {
      "", "/", "//", "-", "--", "=", "'", "$(", "a\nb", std::string(3, '\xff'), "-rf", "~/x:/y"};
  for (const std::string& first : texts) {
    for (const std::string& second : texts) {
      for (const char* executable : {"/usr/bin/bash", "/", "x", "/usr/bin/rm", "/usr/bin/busybox"}) {
        const Event event = exec_of(executable, {first, "-c", second, second});
        const auto run = exec_run_of(event);
        if (!run) continue;
        for (const Mutator& mutator : mutators()) {
          const Mutation mutation = mutate(mutator, make_mutation_input(event, *run));
          CHECK(mutation.events.empty() != mutation.reason.empty());
        }
      }
    }
  }
}

}  // namespace
}  // namespace detectd

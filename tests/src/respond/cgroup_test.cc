// Control groups of this test's own, where the host lets it make them.
#include "src/respond/cgroup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "src/clock.h"
#include "src/live/host_processes.h"
#include "src/respond/process_tree.h"

namespace detectd {
namespace {

constexpr int64_t kPatienceNs = 20'000'000'000;

// A control group; none where it can not be made.
class Group {
 public:
  Group() {
    for (const std::string hierarchy : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
      struct statfs system {};
      if (statfs(hierarchy.c_str(), &system) != 0 || system.f_type != CGROUP2_SUPER_MAGIC) continue;
      name_ = "/detectd-test-" + std::to_string(getpid());
      path_ = hierarchy + name_;
      if (mkdir(path_.c_str(), 0755) != 0) why_not_ = path_ + ": " + std::strerror(errno);
      if (why_not_.empty() && access((path_ + "/cgroup.kill").c_str(), W_OK) != 0) {
        why_not_ = "the kernel has no cgroup.kill";
      }
      return;
    }
    why_not_ = "no unified hierarchy of control groups is mounted";
  }
  ~Group() {
    if (path_.empty()) return;
    write("cgroup.kill", "1");
    write("cgroup.freeze", "0");
    while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
    }
    // It is empty a little later than its processes end.
    const int64_t until_ns = steady_clock_ns() + kPatienceNs;
    while (rmdir(path_.c_str()) != 0 && errno == EBUSY && steady_clock_ns() < until_ns) {
    }
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  const std::string& why_not() const { return why_not_; }
  const std::string& name() const { return name_; }
  bool write(const std::string& file, const std::string& text) const {
    std::ofstream out(path_ + "/" + file);
    return static_cast<bool>(out << text << std::flush);
  }
  std::string read(const std::string& file) const {
    std::ifstream in(path_ + "/" + file);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }
  // A process in it that has `below` children, once all are there.
  pid_t begin(int below) {
    const size_t before = count();
    const pid_t pid = fork();
    if (pid == 0) live(below);
    REQUIRE(pid > 0);
    const int64_t until_ns = steady_clock_ns() + kPatienceNs;
    while (count() != before + 1 + static_cast<size_t>(below)) REQUIRE(steady_clock_ns() < until_ns);
    return pid;
  }
  size_t count() const {
    const std::string text = read("cgroup.procs");
    return text.empty() ? 0 : static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  }

 private:
  [[noreturn]] void live(int below) const {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(60);
    const int file = open((path_ + "/cgroup.procs").c_str(), O_WRONLY);
    if (::write(file, "0", 1) != 1) _exit(1);
    for (int i = 0; i < below; ++i) {
      if (fork() != 0) continue;
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      while (true) pause();
    }
    while (true) pause();
  }

  std::string name_;
  std::string path_;
  std::string why_not_;
};

bool is_possible(const Group& group) {
  if (group.why_not().empty()) return true;
  WARN("skipped: " << group.why_not());
  return false;
}

bool ends(pid_t pid) {
  int status = 0;
  return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

// What the responder asks for a tree.
struct Tree {
  explicit Tree(pid_t root)
      : procfs(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)),
        view(procfs.number()),
        hold(
            {.view = view, .signals = signals, .protection = protection, .note = [](uint32_t, uint64_t) {}}) {
    const auto pid = static_cast<uint32_t>(root);
    const auto facts = view.read(pid);
    REQUIRE(facts);
    REQUIRE(
        hold.hold({.pid = pid, .start_ticks = facts->start_ticks, .process = signals.open(pid)}, *facts, {}));
  }

  Fd procfs;
  HostProcesses view;
  RealSignals signals;
  Protection protection{ProtectedList()};
  ProcessTreeHold hold;
};

}  // namespace

TEST_CASE("all in a control group end at once, those in groups below too", "[respond]") {
  Group group;
  if (!is_possible(group)) return;
  const pid_t first = group.begin(2);
  const pid_t second = group.begin(0);
  const Cgroup opened = Cgroup::open(group.name());
  REQUIRE(opened);
  std::vector<uint32_t> pids;
  REQUIRE(opened.list(pids));
  CHECK(pids.size() == 4);
  REQUIRE(opened.freeze(true));
  CHECK(group.read("cgroup.freeze") == "1");
  // Who is frozen ends all the same.
  REQUIRE(opened.end_all());
  CHECK(ends(first));
  CHECK(ends(second));
}

TEST_CASE("a control group is opened below its hierarchy, and nowhere else", "[respond]") {
  for (const char* const path : {"", "/", "relative", "/../../etc", "/no-such-group-of-detectd"}) {
    INFO(path);
    const Cgroup group = Cgroup::open(path);
    std::vector<uint32_t> pids;
    CHECK(!group);
    CHECK(!group.list(pids));
    CHECK(!group.end_all());
  }
}

TEST_CASE("TRUST 11: a tree that has its control group to itself is frozen and ended with it", "[respond]") {
  Group group;
  if (!is_possible(group)) return;
  const pid_t root = group.begin(5);
  Tree tree(root);
  CHECK(group.read("cgroup.freeze") == "1");
  tree.hold.end_all();
  CHECK(group.read("cgroup.freeze") == "0");
  CHECK(ends(root));
  const auto members = tree.hold.take_members();
  CHECK(members.size() == 6);
  for (const auto& [pid, member] : members)
    CHECK(tree.signals.wait_ended(member.process.number(), kPatienceNs));
}

TEST_CASE("TRUST 11: who shares the control group of a tree and is not of it lives on", "[respond]") {
  Group group;
  if (!is_possible(group)) return;
  pid_t bystander = 0;
  pid_t root = 0;
  SECTION("and was there before: nothing is frozen") {
    bystander = group.begin(0);
    root = group.begin(3);
    Tree tree(root);
    CHECK(group.read("cgroup.freeze") == "0");
    tree.hold.end_all();
    CHECK(tree.hold.take_members().size() == 4);
  }
  SECTION("and came when it was frozen: it is thawed") {
    root = group.begin(3);
    Tree tree(root);
    CHECK(group.read("cgroup.freeze") == "1");
    bystander = group.begin(0);
    tree.hold.end_all();
    CHECK(group.read("cgroup.freeze") == "0");
  }
  CHECK(ends(root));
  CHECK(waitpid(bystander, nullptr, WNOHANG) == 0);
}

}  // namespace detectd

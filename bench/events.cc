#include "bench/events.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string>
#include <vector>

#include "bench/commands.h"
#include "bench/program.h"
#include "bench/random.h"
#include "bench/rules.h"
#include "engine/timestamp.h"

namespace detectd::bench {
namespace {

constexpr size_t kBlock = 1 << 20;
constexpr uint64_t kFirstPid = 1000;
constexpr size_t kVariants = 43;  // 318 commands, about 13,700 command lines: what a host was seen to have
constexpr double kZipf = 1.1;

// Where processes of a setting come from: a process that was there before the capture and stays.
struct Home {
  Setting setting;
  uint32_t pid, parent_pid, session;
  const char* line;
  const char* user;   // JSON members: all ids and names
  const char* place;  // JSON members: directory, control group, terminal
};
#define IDS(uid, name, gid, group)                                                \
  R"("user":{"id":)" #uid R"(,"name":")" name R"("},"real_user":{"id":)" #uid     \
  R"(},"saved_user":{"id":)" #uid R"(},"group":{"id":)" #gid R"(,"name":")" group \
  R"("},"real_group":{"id":)" #gid R"(},"saved_group":{"id":)" #gid "}"
#define PLACE(directory, unit, interactive)                                                         \
  R"("working_directory":")" directory R"(","interactive":)" interactive R"(,"Ext":{"unit":")" unit \
  R"(","cgroup":"/system.slice/)" unit R"(","mount_namespace":4026531841})"
constexpr std::array<Home, 9> kHomes = {{
    {Setting::kShell, 301, 1, 301, "/usr/bin/bash -l", IDS(1000, "alice", 1000, "alice"),
     PLACE("/home/alice/src", "session-4.scope", "true")},
    {Setting::kRootShell, 302, 1, 302, "/usr/bin/bash", IDS(0, "root", 0, "root"),
     PLACE("/root", "session-7.scope", "true")},
    {Setting::kBuild, 303, 301, 301, "/usr/bin/make -j4 all", IDS(1000, "alice", 1000, "alice"),
     PLACE("/home/alice/src/project", "session-4.scope", "true")},
    {Setting::kService, 1, 0, 1, "/usr/lib/systemd/systemd --switched-root --system",
     IDS(0, "root", 0, "root"), PLACE("/", "init.scope", "false")},
    {Setting::kCron, 305, 1, 305, "/usr/sbin/cron -f", IDS(0, "root", 0, "root"),
     PLACE("/var/spool/cron", "cron.service", "false")},
    {Setting::kWeb, 306, 1, 306, "/usr/sbin/php-fpm8.2 --nodaemonize", IDS(33, "www-data", 33, "www-data"),
     PLACE("/var/www/html", "php8.2-fpm.service", "false")},
    {Setting::kDatabase, 307, 1, 307, "/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main",
     IDS(105, "postgres", 112, "postgres"),
     PLACE("/var/lib/postgresql/15/main", "postgresql@15-main.service", "false")},
    {Setting::kPackages, 308, 302, 302, "/usr/bin/apt-get upgrade -y", IDS(0, "root", 0, "root"),
     PLACE("/root", "session-7.scope", "true")},
    {Setting::kContainer, 309, 1, 309, "/usr/bin/containerd-shim-runc-v2 -namespace moby -id 4c1f",
     IDS(0, "root", 0, "root"), PLACE("/run/containerd", "docker.service", "false")},
}};
#undef IDS
#undef PLACE

// A process that is alive in the stream.
struct Live {
  uint64_t pid = 0;
  uint64_t start_ns = 0;
  const Home* home = nullptr;
  const Program* program = nullptr;  // of a child before its exec: its parent's
  uint64_t parent_pid = 0;
  const Program* parent_program = nullptr;  // null: nobody's child, as pid 1
};

class Stream {
 public:
  Stream(const StreamOptions& options, const std::function<void(std::string_view)>& write);
  void run();

 private:
  void ordinary();
  void hit();
  void nested();
  void session();
  void run_child(const Live& parent, const Program& program);

  Live fork(const Live& parent);
  void exec(Live& live, const Program& program);
  void end(const Live& live);

  const Live& home_of(Setting setting) const { return homes_[static_cast<size_t>(setting)]; }
  const Program& draw(Program& scratch);
  void line(std::string_view action, const Live& live, std::string_view more = {});
  void header();
  void put(std::string_view text) { buffer_.append(text); }
  void put(uint64_t number);
  void put_time(uint64_t time_ns);
  bool full() const { return written_ >= options_.events; }

  const StreamOptions& options_;
  const std::function<void(std::string_view)>& write_;
  Random random_;
  std::vector<Program> programs_;
  Zipf popularity_;
  std::vector<size_t> with_placeholder_;
  std::array<Program, kHomes.size()> home_programs_;
  std::array<Live, kHomes.size()> homes_;
  std::array<Program, 3> scratch_;
  std::string buffer_;
  std::string second_text_;
  uint64_t second_ = 0;
  uint64_t now_ns_ = 1'767'225'600'000'000'000;  // 2026-01-01T00:00:00Z
  uint64_t pid_ = 0;
  uint64_t written_ = 0;
  uint64_t hits_ = 0;
};

Stream::Stream(const StreamOptions& options, const std::function<void(std::string_view)>& write)
    : options_(options),
      write_(write),
      random_(options.seed),
      popularity_(ordinary_commands().size() * kVariants, kZipf) {
  // Variants of one command get ranks far apart.
  for (size_t variant = 0; variant < kVariants; ++variant) {
    for (const Command& command : ordinary_commands()) {
      render_program(command.setting, command.line, random_, programs_.emplace_back());
    }
  }
  for (size_t i = 0; i < ordinary_commands().size(); ++i) {
    if (std::strchr(ordinary_commands()[i].line, '{') != nullptr) with_placeholder_.push_back(i);
  }
  for (size_t i = 0; i < kHomes.size(); ++i) {
    render_program(kHomes[i].setting, kHomes[i].line, random_, home_programs_[i]);
    homes_[i].pid = kHomes[i].pid;
    homes_[i].start_ns = now_ns_ - 3'600'000'000'000;
    homes_[i].home = &kHomes[i];
    homes_[i].program = &home_programs_[i];
    homes_[i].parent_pid = kHomes[i].parent_pid;
  }
  for (Live& home : homes_) {
    const auto parent = std::find_if(homes_.begin(), homes_.end(),
                                     [&](const Live& other) { return other.pid == home.parent_pid; });
    if (parent != homes_.end()) home.parent_program = parent->program;
  }
  buffer_.reserve(kBlock + 16'384);
}

void Stream::run() {
  header();
  for (const Live& home : homes_) {
    if (!full()) line("already_running", home, R"(,"reason":"capture_start")");
  }
  while (!full()) {
    const uint64_t due = static_cast<uint64_t>(options_.hit_share * static_cast<double>(written_));
    if (options_.hit_rules > 0 && hits_ < due) {
      hit();
    } else if (random_.chance(0.15)) {
      nested();
    } else if (random_.chance(0.01)) {
      session();
    } else {
      ordinary();
    }
  }
  write_(buffer_);
}

void Stream::header() {
  put(R"({"detectd":{"capture":1,"host":{"name":"web-1","id":"6f1c2a9be6d94c0f8f3a5d0c7b1e4a22"},)");
  put("\"boot_id\":\"0d6f6a3e-5c1f-4a55-9d0a-3f0f6f1f9e11\"}}\n");
}

const Program& Stream::draw(Program& scratch) {
  if (!random_.chance(options_.unseen_share)) return programs_[popularity_.draw(random_)];
  const Command& command = ordinary_commands()[with_placeholder_[random_.below(with_placeholder_.size())]];
  // A word and a small number repeat; a run's own directory does not.
  render_program(command.setting, std::string(command.line) + " /tmp/{w}-{h}", random_, scratch);
  return scratch;
}

void Stream::ordinary() {
  const Program& program = draw(scratch_[0]);
  run_child(home_of(program.setting), program);
}

void Stream::run_child(const Live& parent, const Program& program) {
  Live child = fork(parent);
  exec(child, program);
  end(child);
}

// A shell that runs a pipeline.
void Stream::nested() {
  const Program& first = draw(scratch_[0]);
  const Program& second = draw(scratch_[1]);
  render_program(first.setting, "/usr/bin/dash -c '/opt/{w}/step {n} | tee /var/log/{w}.log'", random_,
                 scratch_[2]);
  Live shell = fork(home_of(first.setting));
  exec(shell, scratch_[2]);
  Live left = fork(shell);
  Live right = fork(shell);
  exec(left, first);
  exec(right, second);
  end(left);
  end(right);
  end(shell);
}

void Stream::hit() {
  const Trigger trigger = trigger_of(hits_++ % options_.hit_rules);
  render_program(Setting::kShell, trigger.child, random_, scratch_[0]);
  if (trigger.parent.empty()) return run_child(home_of(Setting::kShell), scratch_[0]);
  render_program(Setting::kWeb, trigger.parent, random_, scratch_[1]);
  Live parent = fork(home_of(Setting::kWeb));
  exec(parent, scratch_[1]);
  run_child(parent, scratch_[0]);
  end(parent);
}

// A login: sudo, whose set-uid exec the kernel reports as an id change before the exec, then a session of its own.
void Stream::session() {
  Live sudo = fork(home_of(Setting::kShell));
  const Home& root = kHomes[static_cast<size_t>(Setting::kRootShell)];
  sudo.home = &root;
  line("uid_change", sudo);
  render_program(Setting::kRootShell, "/usr/bin/sudo systemctl restart {w}.service", random_, scratch_[0]);
  exec(sudo, scratch_[0]);
  if (!full()) line("session_id_change", sudo);
  run_child(sudo, programs_[popularity_.draw(random_)]);
  end(sudo);
}

Live Stream::fork(const Live& parent) {
  Live child;
  child.pid = kFirstPid + pid_++ % options_.pids;
  child.start_ns = now_ns_;
  child.home = parent.home;
  child.program = parent.program;
  child.parent_pid = parent.pid;
  child.parent_program = parent.program;
  if (!full()) line("fork", child);
  return child;
}

void Stream::exec(Live& live, const Program& program) {
  live.program = &program;
  if (!full()) line("exec", live);
}

void Stream::end(const Live& live) {
  if (!full()) line("end", live);
}

void Stream::put(uint64_t number) {
  std::array<char, 24> digits{};
  put({digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr});
}

void Stream::put_time(uint64_t time_ns) {
  if (second_ != time_ns / 1'000'000'000) {
    second_ = time_ns / 1'000'000'000;
    second_text_ = format_rfc3339(static_cast<int64_t>(second_ * 1'000'000'000), 0);
    second_text_.back() = '.';
  }
  put(second_text_);
  std::array<char, 10> digits{};
  uint64_t fraction = time_ns % 1'000'000'000;
  for (size_t i = 9; i-- > 0; fraction /= 10) digits[i] = static_cast<char>('0' + fraction % 10);
  digits[9] = 'Z';
  put({digits.data(), digits.size()});
}

void Stream::line(std::string_view action, const Live& live, std::string_view more) {
  now_ns_ += 1'000 + random_.below(400'000);
  put(R"({"@timestamp":")");
  put_time(now_ns_);
  put(R"(","event":{"action":")");
  put(action);
  put(R"(","sequence":)");
  put(++written_);
  put(more);
  put(R"(},"host":{"name":"web-1"},"process":{"pid":)");
  put(live.pid);
  put(R"(,"start":")");
  put_time(live.start_ns);
  put("\",");
  put(live.program->image);
  put(",");
  put(live.home->user);
  put(R"(,"group_leader":{"pid":)");
  put(live.pid);
  put(R"(},"session_leader":{"pid":)");
  put(live.home->session);
  put("},");
  put(live.home->place);
  if (action == "end") put(R"(,"exit_code":0)");
  if (live.parent_program != nullptr) {
    put(R"(,"parent":{"pid":)");
    put(live.parent_pid);
    put(",");
    put(live.parent_program->parent_image);
    put("}");
  }
  put("}}\n");
  if (buffer_.size() >= kBlock) {
    write_(buffer_);
    buffer_.clear();
  }
}

}  // namespace

void write_events(const StreamOptions& options, const std::function<void(std::string_view)>& write) {
  Stream(options, write).run();
}

}  // namespace detectd::bench

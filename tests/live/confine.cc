// Runs a program as systemd would with a unit's security settings: the part of them that only system calls can do, last
// before the exec. launch_unit.sh reads the unit and does the rest.
//   confine ROOT PROGRAM [ARGUMENT...]
// On standard input are lines, each a key and words: capabilities, syscalls, families, group NUMBER, limit NAME NUMBER, and the names of
// directives that are on (NoNewPrivileges, MemoryDenyWriteExecute, RestrictNamespaces, RestrictSUIDSGID, LockPersonality,
// RestrictRealtime).
#include <grp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "src/enrich/procfs_parse.h"

namespace {

using Words = std::vector<std::string>;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "confine: %s\n", what.c_str());
  std::exit(125);
}

void check(bool done, const std::string& what) {
  if (!done) fail(what + ": " + std::strerror(errno));
}

const std::map<std::string, int> kFamilies = {{"AF_UNIX", AF_UNIX},
                                              {"AF_INET", AF_INET},
                                              {"AF_INET6", AF_INET6},
                                              {"AF_NETLINK", AF_NETLINK},
                                              {"AF_PACKET", AF_PACKET}};
const std::map<std::string, __rlimit_resource> kLimits = {{"NOFILE", RLIMIT_NOFILE},
                                                          {"RTTIME", RLIMIT_RTTIME},
                                                          {"NPROC", RLIMIT_NPROC},
                                                          {"CORE", RLIMIT_CORE},
                                                          {"MEMLOCK", RLIMIT_MEMLOCK}};

// A filter of its own, like systemd's: the strictest answer of all filters counts.
class Filter {
 public:
  explicit Filter(uint32_t otherwise) : context_(seccomp_init(otherwise)) {
    if (context_ == nullptr) fail("seccomp_init");
    static_cast<void>(seccomp_attr_set(context_, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM)));
    static_cast<void>(seccomp_attr_set(context_, SCMP_FLTATR_CTL_NNP, 0));
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;
  ~Filter() {
    const int status = seccomp_load(context_);
    if (status != 0) fail(std::string("seccomp_load: ") + std::strerror(-status));
    seccomp_release(context_);
  }

  // What this machine does not have is not there to be called.
  void rule(uint32_t action, const char* call, const std::vector<scmp_arg_cmp>& arguments = {}) {
    const int number = seccomp_syscall_resolve_name(call);
    if (number == __NR_SCMP_ERROR || number < 0) return;
    const int status = seccomp_rule_add_array(context_, action, number,
                                              static_cast<unsigned>(arguments.size()), arguments.data());
    if (status != 0) fail(std::string("a filter for ") + call + ": " + std::strerror(-status));
  }
  void deny(const char* call, const std::vector<scmp_arg_cmp>& arguments = {}) {
    rule(SCMP_ACT_ERRNO(EPERM), call, arguments);
  }
  void deny_bits(const char* call, unsigned argument, uint64_t bits) {
    deny(call, {{argument, SCMP_CMP_MASKED_EQ, bits, bits}});
  }

 private:
  scmp_filter_ctx context_;
};

void allow_only(const Words& calls) {
  Filter filter(SCMP_ACT_ERRNO(EPERM));
  for (const std::string& call : calls) filter.rule(SCMP_ACT_ALLOW, call.c_str());
}

void allow_families(const Words& names) {
  std::set<int> allowed;
  for (const std::string& name : names) {
    const auto family = kFamilies.find(name);
    if (family == kFamilies.end()) fail("no address family " + name);
    allowed.insert(family->second);
  }
  Filter filter(SCMP_ACT_ALLOW);
  for (int family = 0; family < AF_MAX; ++family) {
    if (!allowed.contains(family))
      filter.rule(SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket",
                  {{0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(family), 0}});
  }
  filter.rule(SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", {{0, SCMP_CMP_GE, AF_MAX, 0}});
}

void deny_write_execute() {
  Filter filter(SCMP_ACT_ALLOW);
  filter.deny_bits("mmap", 2, PROT_WRITE | PROT_EXEC);
  for (const char* call : {"mprotect", "pkey_mprotect"}) filter.deny_bits(call, 2, PROT_EXEC);
  filter.deny_bits("shmat", 2, 0100000);  // SHM_EXEC
}

void deny_namespaces() {
  Filter filter(SCMP_ACT_ALLOW);
  filter.rule(SCMP_ACT_ERRNO(ENOSYS), "clone3");  // its flags are in memory, which no filter sees
  filter.deny("setns");
  for (const int flag : {CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID,
                         CLONE_NEWUSER, CLONE_NEWUTS}) {
    for (const char* call : {"unshare", "clone"}) filter.deny_bits(call, 0, static_cast<uint64_t>(flag));
  }
}

void deny_setuid_files() {
  Filter filter(SCMP_ACT_ALLOW);
  filter.rule(SCMP_ACT_ERRNO(ENOSYS), "openat2");
  for (const uint64_t bit : {uint64_t{S_ISUID}, uint64_t{S_ISGID}}) {
    for (const char* call : {"chmod", "fchmod", "mkdir", "mknod", "creat"}) filter.deny_bits(call, 1, bit);
    for (const char* call : {"fchmodat", "fchmodat2", "mkdirat", "mknodat"}) filter.deny_bits(call, 2, bit);
    filter.deny("open", {{1, SCMP_CMP_MASKED_EQ, O_CREAT, O_CREAT}, {2, SCMP_CMP_MASKED_EQ, bit, bit}});
    filter.deny("openat", {{2, SCMP_CMP_MASKED_EQ, O_CREAT, O_CREAT}, {3, SCMP_CMP_MASKED_EQ, bit, bit}});
  }
}

void deny_realtime() {
  Filter filter(SCMP_ACT_ALLOW);
  for (const int policy : {SCHED_FIFO, SCHED_RR, 6 /* SCHED_DEADLINE */})
    filter.deny("sched_setscheduler", {{1, SCMP_CMP_EQ, static_cast<scmp_datum_t>(policy), 0}});
  filter.deny("sched_setattr");
}

void lock_personality() {
  Filter filter(SCMP_ACT_ALLOW);
  filter.deny("personality", {{0, SCMP_CMP_NE, 0, 0}});
}

void keep_capabilities(const Words& names) {
  std::set<std::string> kept(names.begin(), names.end());
  for (unsigned number = 0; number < 64; ++number) {
    const std::string name(detectd::capability_name(number));
    if (kept.erase(name) != 0) continue;
    // One that this kernel does not know can not be dropped.
    check(prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0 || errno == EINVAL, name);
  }
  if (!kept.empty()) fail("no capability " + *kept.begin());
}

void set_limit(const Words& words) {
  if (words.size() != 2 || !kLimits.contains(words[0])) fail("not a limit");
  const auto which = kLimits.at(words[0]);
  rlimit limit{};
  check(getrlimit(which, &limit) == 0, "limit " + words[0]);
  // More than it has only a root with CAP_SYS_RESOURCE gets.
  limit.rlim_max = std::min<rlim_t>(limit.rlim_max, std::stoull(words[1]));
  limit.rlim_cur = limit.rlim_max;
  check(setrlimit(which, &limit) == 0, "limit " + words[0]);
}

std::map<std::string, std::vector<Words>> read_settings() {
  std::map<std::string, std::vector<Words>> settings;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream text(line);
    std::string key, word;
    text >> key;
    Words words;
    while (text >> word) words.push_back(word);
    settings[key].push_back(std::move(words));
  }
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) fail("usage: confine ROOT PROGRAM [ARGUMENT...]");
  const auto settings = read_settings();
  check(std::freopen("/dev/null", "r", stdin) != nullptr, "/dev/null");
  const auto has = [&](const char* name) { return settings.contains(name); };
  check(chroot(argv[1]) == 0 && chdir("/") == 0, std::string("chroot ") + argv[1]);
  if (has("limit")) {
    for (const Words& limit : settings.at("limit")) set_limit(limit);
  }
  if (has("group")) {
    const auto group = static_cast<gid_t>(std::stoul(settings.at("group").front().front()));
    check(setgroups(1, &group) == 0, "group");
  }
  if (has("capabilities")) keep_capabilities(settings.at("capabilities").front());
  if (has("NoNewPrivileges")) check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "NoNewPrivileges");
  if (has("families")) allow_families(settings.at("families").front());
  if (has("MemoryDenyWriteExecute")) deny_write_execute();
  if (has("RestrictNamespaces")) deny_namespaces();
  if (has("RestrictSUIDSGID")) deny_setuid_files();
  if (has("RestrictRealtime")) deny_realtime();
  if (has("LockPersonality")) lock_personality();
  if (has("syscalls")) allow_only(settings.at("syscalls").front());
  execv(argv[2], argv + 2);
  fail(std::string("cannot run ") + argv[2] + ": " + std::strerror(errno));
}

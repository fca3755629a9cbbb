// The same program from another file, or under another name.
#include <algorithm>
#include <array>
#include <utility>

#include "engine/carried.h"
#include "engine/effective_executable.h"
#include "engine/mutators.h"
#include "engine/process.h"

namespace detectd {
namespace {

constexpr std::string_view kGroup = "program";

// Programs that do what they are called: a copy must be called the same.
bool goes_by_its_name(const std::string& name) {
  constexpr std::array<std::string_view, 6> kByName = {"busybox", "toybox",    "kmod",
                                                       "pgrep",   "systemctl", "xtables-"};
  return std::any_of(kByName.begin(), kByName.end(), [&](std::string_view each) {
    return each.ends_with('-') ? name.starts_with(each) : name == each;
  });
}

// A shell has many names, and `nc` is nc.openbsd.
bool is_its_name(const ExecRun& run) {
  const std::string called = run.called();
  const std::string login = called.substr(called.starts_with('-') ? 1 : 0);
  return login.empty() || goes_by_its_name(run.name) || run.name.starts_with(login) ||
         run.name.ends_with(login) || login.ends_with("sh") || login == "busybox";
}

// Beside itself where the place may be what a rule is about, with what its name ends in.
std::string elsewhere(const std::string& path) {
  for (const std::string_view system : {"/usr/", "/bin/", "/sbin/", "/lib"}) {
    if (path.starts_with(system)) return "/home/u/u7";
  }
  const size_t name = path.rfind('/') + 1;
  const size_t dot = path.find('.', name + 1);
  return path.substr(0, name) + (path.substr(name, 1) == "." ? ".u7" : "u7") +
         (dot == std::string::npos ? "" : path.substr(dot));
}

Mutation one(Event event) {
  Mutation mutation;
  mutation.events.push_back(std::move(event));
  return mutation;
}
Mutation not_applicable(std::string reason) { return {.events = {}, .reason = std::move(reason)}; }

// Run from `executable`, called so too.
ExecRun moved(const MutationInput& input, const std::string& executable) {
  ExecRun run = input.run;
  run.executable = executable;
  run.name = last_path_part(executable);
  // A name that was borrowed on purpose is kept.
  if (!is_its_name(input.run)) return run;
  run.args.front() = goes_by_its_name(input.run.name) ? input.run.called() : executable;
  return run;
}

// What is known of the file stays true of a copy: its content.
Event keep_hash(const Event& before, Event after) {
  const FieldId hash = process_field(Leaf::kSha256);
  if (const std::string_view text = carried_text(before, hash); !text.empty()) after.set_text(hash, text);
  return after;
}

Mutation copy(const MutationInput& input) {
  return one(keep_hash(input.event, with_run(input.event, moved(input, elsewhere(input.run.executable)))));
}

Mutation hard_link(const MutationInput& input) {
  Event event = keep_hash(input.event, with_run(input.event, moved(input, elsewhere(input.run.executable))));
  for (const Leaf leaf : {Leaf::kInode, Leaf::kDevice, Leaf::kOwner, Leaf::kMode}) {
    if (input.event.carries(process_field(leaf)))
      event.set(process_field(leaf), input.event.find_carried(process_field(leaf)));
  }
  event.set_integer(process_field(Leaf::kLinks), 2);
  return one(std::move(event));
}

Mutation symbolic_link(const MutationInput& input) {
  if (goes_by_its_name(input.run.name)) return not_applicable("the program does what it is called");
  std::vector<std::string> args = input.run.args;
  if (!is_its_name(input.run)) return not_applicable("it is called by another name already");
  args.front() = elsewhere(input.run.executable);
  Event event = input.event;
  set_args(event, args);
  return one(std::move(event));
}

Mutation memory_file(const MutationInput& input) {
  ExecRun run = moved(input, "/memfd:u7");
  if (is_its_name(input.run)) run.args.front() = goes_by_its_name(input.run.name) ? input.run.called() : "u7";
  Event event = keep_hash(input.event, with_run(input.event, run));
  event.set_boolean(process_field(Leaf::kMemfd), true);
  event.set_boolean(process_field(Leaf::kDeleted), true);
  event.set_integer(process_field(Leaf::kLinks), 0);
  return one(std::move(event));
}

Mutation called(const MutationInput& input, std::string name) {
  if (goes_by_its_name(input.run.name)) return not_applicable("the program does what it is called");
  std::vector<std::string> args = input.run.args;
  if (!is_its_name(input.run)) return not_applicable("it is called by another name already");
  args.front() = std::move(name);
  Event event = input.event;
  set_args(event, args);
  return one(std::move(event));
}
Mutation another_name(const MutationInput& input) { return called(input, "u7"); }
Mutation empty_name(const MutationInput& input) { return called(input, ""); }

Mutation path_form(const MutationInput& input, std::string path) {
  if (!is_its_name(input.run)) return not_applicable("it is called by another name already");
  std::vector<std::string> args = input.run.args;
  args.front() = std::move(path);
  Event event = input.event;
  set_args(event, args);
  return one(std::move(event));
}
std::string called_path(const MutationInput& input) {
  const std::string& first = input.run.args.front();
  if (first.starts_with('/')) return first;
  if (input.run.called() != first || first.empty()) return input.run.executable;
  return input.run.executable.substr(0, input.run.executable.rfind('/') + 1) + first;
}
Mutation full_path(const MutationInput& input) {
  const std::string path = called_path(input);
  if (path == input.run.args.front()) return not_applicable("it is called by its full path already");
  return path_form(input, path);
}
Mutation crooked_path(const MutationInput& input) {
  const std::string path = called_path(input);
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return not_applicable("its path is not known");
  return path_form(input, path.substr(0, slash) + "//./" + path.substr(slash + 1));
}
Mutation relative_path(const MutationInput& input) {
  const std::string path = called_path(input);
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return not_applicable("its path is not known");
  Mutation mutation = path_form(input, "./" + path.substr(slash + 1));
  if (mutation.events.empty()) return mutation;
  mutation.events.front().set_text(process_field(Leaf::kWorkingDirectory),
                                   slash == 0 ? "/" : path.substr(0, slash));
  return mutation;
}

Mutation loader(const MutationInput& input) {
  if (input.run.executable.find(".so") != std::string::npos)
    return not_applicable("the program is the loader itself");
  constexpr std::string_view kLoader = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2";
  ExecRun run = input.run;
  run.executable = kLoader;
  run.name = last_path_part(kLoader);
  run.args.front() = goes_by_its_name(input.run.name) ? called_path(input) : input.run.executable;
  run.args.insert(run.args.begin(), "/lib64/ld-linux-x86-64.so.2");
  return one(with_run(input.event, run));
}

bool is_applet(std::string_view name) {
  constexpr std::string_view kApplets =
      " ar arch ash awk base64 basename bc blkid blockdev brctl bunzip2 bzcat bzip2 cal cat chgrp chmod "
      "chown chroot chpasswd "
      "chvt cksum clear cmp comm cp cpio crond crontab cttyhack cut date dc dd depmod df diff dirname dmesg "
      "dnsdomainname "
      "dos2unix du echo ed egrep env expand expr factor fallocate false fgrep find findmnt flock fold free "
      "fsck fsfreeze fstrim "
      "ftpget ftpput getopt getty grep groups gunzip gzip halt head hexdump hostid hostname httpd hwclock id "
      "ifconfig ifdown "
      "ifup init insmod install ionice ip ipcalc ipcs kill killall klogd last less link linux32 ln loadfont "
      "logger login "
      "logname logread losetup ls lsmod lsscsi lzcat lzma man md5sum mdev microcom mkdir mkfifo mknod mkswap "
      "mktemp modinfo "
      "modprobe more mount mt mv nameif nc netcat netstat nl nologin nproc nsenter nslookup nuke od openvt "
      "partprobe paste "
      "patch pidof ping ping6 pivot_root poweroff printenv printf ps pwd rdate readlink realpath reboot "
      "renice reset resume "
      "rev rm rmdir rmmod route rpm rpm2cpio run-init run-parts sed seq setkeycodes setpriv setsid sh "
      "sha1sum sha256sum "
      "sha512sum shred shuf sleep sort split ssl_client start-stop-daemon stat strings stty su sulogin svc "
      "swapoff swapon "
      "switch_root sync sysctl syslogd tac tail tar taskset tee telnet test tftp time timeout top touch tr "
      "traceroute true "
      "truncate tty ubirename udhcpc udhcpd uname uncompress unexpand uniq unlink unlzma unshare unxz unzip "
      "uptime usleep "
      "uudecode uuencode vconfig vi w watch watchdog wc wget which who whoami xargs xxd xz xzcat yes zcat ";
  return !name.empty() && kApplets.find(" " + std::string(name) + " ") != std::string_view::npos;
}

Mutation busybox(const MutationInput& input) {
  std::string applet = input.run.called();
  if (!is_applet(applet) || input.run.name.starts_with("busybox"))
    return not_applicable("busybox has no such applet");
  ExecRun run = input.run;
  run.executable = "/usr/bin/busybox";
  run.name = "busybox";
  run.args.front() = std::move(applet);
  run.args.insert(run.args.begin(), "busybox");
  return one(with_run(input.event, run));
}

// The script that an interpreter was given, from another file.
Mutation script_copy(const MutationInput& input) {
  std::vector<std::string_view> views(input.run.args.begin(), input.run.args.end());
  if (!may_run_others(input.run.executable)) return not_applicable("the program is no interpreter");
  const std::string script(effective_executable(input.run.executable, views));
  std::vector<std::string> args = input.run.args;
  const auto found = std::find(args.begin() + 1, args.end(), script);
  if (script.empty() || found == args.end() || input.run.executable.find(".so") != std::string::npos)
    return not_applicable("it runs no script from a file");
  *found = elsewhere(script);
  Event event = input.event;
  set_args(event, args);
  return one(std::move(event));
}

constexpr Mutator kMutators[] = {
    {"renamed-copy", kGroup, "copies the program and runs the copy: cp /usr/bin/curl u7; ./u7",
     "executable, name and the first argument are the copy's; the content, and the other arguments, stay",
     "look at what the arguments ask for, or at process.hash.sha256, not at the program's name", copy},
    {"hard-link", kGroup, "gives the program a second name: ln /usr/bin/curl u7; ./u7",
     "executable, name and the first argument are the link's; the inode stays, process.Ext.links is above 1",
     "look at the arguments, or at process.Ext.inode and process.Ext.links", hard_link},
    {"symbolic-link", kGroup, "runs a symbolic link: ln -s /usr/bin/curl u7; ./u7",
     "only the first argument changes: executable and name are the file's that it leads to",
     "ask process.name for the program, and the arguments behind the first for what it does", symbolic_link},
    {"memory-file", kGroup,
     "writes the program to an anonymous memory file and runs that: memfd_create(2), fexecve(3)",
     "executable is /memfd:u7, process.Ext.memfd and process.Ext.deleted are true",
     "a rule on process.Ext.memfd sees all of these; program_from_memory is one", memory_file},
    {"argv0", kGroup, "calls it something else: exec -a u7 curl", "only the first argument changes",
     "process.name is the file's name, whatever the program is called; do not ask command_line for it",
     another_name},
    {"argv0-empty", kGroup, "gives it an empty first argument: exec -a '' curl",
     "only the first argument changes",
     "do not demand a name, or a blank before the options, at the begin of command_line", empty_name},
    {"program-full-path", kGroup, "calls it by its full path: /usr/bin/curl",
     "only the first argument changes", "let command_line begin with any path, (?:^|/), or ask process.name",
     full_path},
    {"program-crooked-path", kGroup, "calls it by a path that goes round: /usr/bin//./curl",
     "only the first argument changes: executable is what the kernel opened", "as for program-full-path",
     crooked_path},
    {"program-relative-path", kGroup, "goes to its directory and calls it from there: cd /usr/bin; ./curl",
     "the first argument and working_directory change", "as for program-full-path", relative_path},
    {"loader", kGroup, "has the dynamic loader run it: /lib64/ld-linux-x86-64.so.2 /usr/bin/curl",
     "executable and name are the loader's; the program is the second argument and "
     "process.Ext.effective_executable",
     "ask process.Ext.effective_executable for the program, too", loader},
    {"busybox", kGroup, "uses the applet instead: busybox wget",
     "executable and name are busybox; the applet is the second argument and "
     "process.Ext.effective_executable",
     "add busybox to the names, or ask process.Ext.effective_executable", busybox},
    {"script-copy", kGroup, "copies the script that an interpreter runs",
     "the argument that is the script, and process.Ext.effective_executable",
     "look at what the script's arguments ask for", script_copy},
};

}  // namespace

std::span<const Mutator> program_mutators() { return kMutators; }

}  // namespace detectd

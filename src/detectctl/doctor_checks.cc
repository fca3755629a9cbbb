#include "src/detectctl/doctor_checks.h"

#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "engine/rule_set.h"
#include "src/control/control_client.h"
#include "src/control/daemon_status.h"
#include "src/probe/probe_fd.h"
#include "src/report/hit_view.h"
#include "src/rule_document.h"
#include "src/store/database.h"
#include "src/store/schema.h"
#include "src/store/spill_file.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr uint64_t kFewBytes = uint64_t{64} << 20;
constexpr int64_t kAnswerNs = 10'000'000'000;

struct Need {
  int capability;
  std::string_view name;
  std::string_view what_for;
};
constexpr Need kNeeds[] = {
    {CAP_NET_ADMIN, "CAP_NET_ADMIN", "events and large buffers"},
    {CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "what other users run"},
    {CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", "their files"},
    {CAP_KILL, "CAP_KILL", "responses"},
    {CAP_SYS_NICE, "CAP_SYS_NICE", "real time for the receive thread"},
    {CAP_BPF, "CAP_BPF", "programs told by the kernel"},
    {CAP_PERFMON, "CAP_PERFMON", "programs told by the kernel"},
    {CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "denying execs, a procfs of its own"},
};

std::string directory_of(const std::string& path) {
  return path.substr(0, std::max<size_t>(1, path.rfind('/')));
}

std::string megabytes(uint64_t bytes) { return with_separators(bytes >> 20) + " MiB"; }

uint64_t effective_capabilities() {
  std::ifstream status("/proc/self/status");
  uint64_t set = 0;
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("CapEff:")) continue;
    const char* const digits = line.data() + std::min(line.find_first_not_of(" \t", 7), line.size());
    std::from_chars(digits, line.data() + line.size(), set, 16);
  }
  return set;
}

// A directory that is not there yet is made by whoever needs it.
std::string nearest_directory(std::string path) {
  struct stat info {};
  while (path.size() > 1 && stat(path.c_str(), &info) != 0) path = directory_of(path);
  return path;
}

}  // namespace

std::optional<std::string> remedy_for_mode(const std::string& path, unsigned mode, unsigned uid) {
  if (uid != 0 && uid != geteuid()) return "chown root " + path;
  if ((mode & 022) != 0 && (mode & S_ISVTX) == 0) return "chmod go-w " + path;
  return std::nullopt;
}

std::vector<Finding> check_configuration(const std::optional<std::string>& path,
                                         std::optional<Config>& config) {
  constexpr std::string_view kName = "configuration";
  const std::string file = path.value_or(kDefaultConfig);
  Diagnostics diagnostics, of_owners;
  RuleOwners owners(geteuid(), of_owners, RuleOwners::Strictness::kRefuse,
                    RuleOwners::Subject::kConfiguration);
  Result<Config> read = load_config(path, diagnostics, &owners);
  if (!read) return {lacking(kName, read.error().message, "name another with --config, or run this as root")};
  std::vector<Finding> findings;
  struct stat info {};
  const bool exists = stat(file.c_str(), &info) == 0;
  if (diagnostics.errors() != 0) {
    findings.push_back(lacking(kName, plural(diagnostics.errors(), "mistake") + " in " + file,
                               "detectd --check --config " + file + " shows them"));
  } else {
    findings.push_back(found(kName, exists ? file : file + " is not there: the defaults hold"));
    config = *std::move(read);
  }
  for (const Diagnostic& told : of_owners.all()) {
    findings.push_back(lacking("its files", told.file->path + ": " + told.message, told.help));
  }
  return findings;
}

std::vector<Finding> check_rule_files(const Config& config) {
  constexpr std::string_view kName = "rules";
  std::vector<std::string> paths = config.texts("rules.paths");
  if (config.find("rules.paths").origin == "default") {
    const auto present = present_rule_paths();
    if (!present)
      return {lacking(kName, present.error().message, "install some, or name them in rules.paths")};
    paths = *present;
  }
  Diagnostics diagnostics;
  // As the daemon, which runs as root, judges who may write them.
  RuleOwners owners(0, diagnostics);
  const auto document = load_rule_document(paths, diagnostics, &owners);
  if (!document) return {lacking(kName, document.error().message, "see rules.paths in detectd.toml(5)")};
  const auto set = RuleSet::compile(*document, diagnostics);
  if (diagnostics.errors() != 0) {
    return {lacking(
        kName, plural(diagnostics.errors(), "mistake") + " in " + plural(document->rules_written, "rule"),
        "detectctl check shows them: the daemon would refuse all of them")};
  }
  if (document->rules_written == 0) return {lacking(kName, "there is none", "put rules into rules.paths")};
  return {found(kName, plural(document->rules_written, "rule") + " without a mistake, " +
                           with_separators(set->inactive().size()) + " inactive")};
}

std::vector<Finding> check_database(const Config& config) {
  constexpr std::string_view kName = "database";
  const std::string& path = config.text("store.path");
  const std::string directory = directory_of(path);
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {found(kName, path + " is not there yet")};
    return {refused(kName, "stat " + path, "run this as root")};
  }
  std::vector<Finding> findings;
  const auto opened = Database::open(path, Database::Access::kRead);
  const Status readable = opened ? check_readable(*opened) : Status(opened.error());
  if (!readable) {
    findings.push_back(lacking(kName, readable.error().message, "detectctl db check --db " + path));
  } else {
    findings.push_back(found(kName, path + ", " + megabytes(static_cast<uint64_t>(info.st_size))));
  }
  if ((info.st_mode & 077) != 0) {
    findings.push_back(lacking("its file", "others can read " + path, "chmod 0600 " + path));
  }
  struct stat of_directory {};
  if (stat(directory.c_str(), &of_directory) == 0) {
    if (const auto remedy = remedy_for_mode(directory, of_directory.st_mode, of_directory.st_uid)) {
      findings.push_back(lacking("its directory", "others can write " + directory, *remedy));
    }
  }
  if (const uint64_t waiting = SpillFile::count_hits(config.text("store.spill")); waiting != 0) {
    findings.push_back(lacking("spill", plural(waiting, "hit") + " wait for the database",
                               "make room and see that the daemon runs: it brings them back by itself"));
  }
  return findings;
}

Finding check_disk(const std::string& path) {
  constexpr std::string_view kName = "disk";
  const std::string directory = nearest_directory(directory_of(path));
  struct statvfs disk {};
  if (statvfs(directory.c_str(), &disk) != 0)
    return refused(kName, "statvfs " + directory, "see whether it is mounted");
  const uint64_t free = uint64_t{disk.f_bavail} * disk.f_frsize;
  const uint64_t all = uint64_t{disk.f_blocks} * disk.f_frsize;
  const std::string told = megabytes(free) + " of " + megabytes(all) + " free at " + directory;
  if (free < kFewBytes || free < all / 20) {
    return lacking(kName, told, "make room, lower store.max_size, or detectctl db prune");
  }
  return found(kName, told);
}

Finding check_clock() {
  constexpr std::string_view kName = "clock";
  timex state{};
  if (adjtimex(&state) == TIME_ERROR) {
    return lacking(kName, "is not kept by any time service: times of hits may be wrong",
                   "systemctl enable --now systemd-timesyncd, or chrony");
  }
  return found(kName, "is kept by a time service");
}

Finding check_capabilities() {
  constexpr std::string_view kName = "capabilities";
  const uint64_t set = effective_capabilities();
  std::string missing;
  for (const Need& need : kNeeds) {
    if (((set >> static_cast<unsigned>(need.capability)) & 1) != 0) continue;
    missing +=
        (missing.empty() ? "" : ", ") + std::string(need.name) + " (" + std::string(need.what_for) + ")";
  }
  if (missing.empty()) return found(kName, "this shell has all that detectd uses");
  return lacking(kName, "this shell lacks " + missing,
                 geteuid() == 0 ? "start the container with them (--cap-add)" : "run this as root");
}

std::vector<Finding> check_daemon(const std::string& socket) {
  constexpr std::string_view kName = "daemon";
  auto client = ControlClient::connect(socket);
  if (!client) return {lacking(kName, client.error().message, "")};
  ControlRequest request;
  Status asked = client->ask(request);
  auto line = asked ? client->next(kAnswerNs) : Result<std::optional<JsonValue>>(asked.error());
  if (!line || !*line)
    return {lacking(kName, line ? "no answer" : line.error().message, "systemctl restart detectd")};
  const DaemonStatus status = parse_status(**line);
  std::vector<Finding> findings = {found(
      kName, "answers at " + socket + ": pid " + std::to_string(status.pid) + ", responses " + status.mode)};
  for (const std::string& trouble : status.troubles()) findings.push_back(lacking(kName, trouble, ""));
  return findings;
}

}  // namespace detectd

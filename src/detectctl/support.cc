// detectctl support: what somebody who is to help needs to know, in one file, and no more.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "engine/escape.h"
#include "engine/timestamp.h"
#include "src/clock.h"
#include "src/control/daemon_status.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/daemon_options.h"
#include "src/detectctl/own_child.h"
#include "src/detectctl/support_redaction.h"
#include "src/detectctl/tar.h"
#include "src/detectd/config.h"
#include "src/fd.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr size_t kMaxPartBytes = size_t{8} << 20;
constexpr size_t kMaxMessages = 500;
constexpr int64_t kPatienceNs = 10'000'000'000;

struct SupportOptions {
  std::string config;
  std::string file;
  std::string socket;
  bool hits = false;
};

constexpr OptionRow kTable[] = {
    {.group = "Daemon",
     .letter = 'c',
     .name = "config",
     .value = "FILE",
     .help = "the daemon's configuration",
     .manual = "The configuration of the daemon; the default is\n.Pa /etc/detectd/detectd.toml .\n",
     .apply = assign<&SupportOptions::config>},
    {.group = "Daemon",
     .name = "socket",
     .value = "PATH",
     .help = "where it answers, instead of control.path",
     .manual = "Where the daemon answers, instead of\n.Va control.path\nof the configuration.\n",
     .apply = assign<&SupportOptions::socket>},
    {.group = "Output",
     .letter = 'o',
     .name = "output",
     .value = "FILE",
     .help = "instead of detectd-support-TIME.tar here",
     .manual = "The file that is written; it must not be there yet.\n"
               "The default is\n"
               ".Pa detectd-support-TIME.tar\n"
               "in the current directory.\n",
     .apply = assign<&SupportOptions::file>},
    {.group = "Output",
     .name = "hits",
     .help = "hits too, with what processes wrote",
     .manual = "The newest 100 hits too, with the events and command lines in them.\n"
               "These may hold secrets that\n"
               ".Va store.redact\n"
               "does not know.\n",
     .apply = enable<&SupportOptions::hits>},
};

// What a command prints.
std::string output_of(const Command& command, const std::vector<std::string>& words) {
  const Fd file(memfd_create("support", MFD_CLOEXEC));
  if (!file) return {};
  {
    Output output(file.number());
    command.run(command, words, output);
    output.flush();
  }
  std::string text(kMaxPartBytes, '\0');
  const ssize_t size = pread(file.number(), text.data(), text.size(), 0);
  text.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return text;
}

std::string system_text() {
  utsname system{};
  uname(&system);
  std::string text = "detectctl " DETECTD_VERSION "\n" + std::string(system.sysname) + " " + system.release +
                     " " + system.version + " " + system.machine + "\n";
  std::ifstream release("/etc/os-release");
  for (std::string line; std::getline(release, line);) {
    if (line.starts_with("PRETTY_NAME=")) text += line.substr(12) + "\n";
  }
  return text;
}

std::string last_messages() {
  auto journal = OwnChild::start({"/usr/bin/journalctl", "--unit", "detectd", "--lines",
                                  std::to_string(kMaxMessages), "--no-pager", "--output", "short-iso"});
  if (!journal) return journal.error().message + "\n";
  std::string text;
  size_t lines = 0;
  journal->read_until(
      [&](const std::string& line) {
        text += line + "\n";
        return ++lines > kMaxMessages || text.size() > kMaxPartBytes;
      },
      kPatienceNs);
  text = without_event_text(text);
  return text.empty() ? "the journal has none of detectd.service\n" : text;
}

Status write_new(const std::string& path, std::string_view bytes) {
  const Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return Error{Errc::kSystem, "cannot make " + path + ": " + std::strerror(errno)};
  while (!bytes.empty()) {
    const ssize_t size = write(file.number(), bytes.data(), bytes.size());
    if (size <= 0) return Error{Errc::kSystem, "cannot write " + path + ": " + std::strerror(errno)};
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return {};
}

std::string status_of_daemon(const std::string& socket) {
  DaemonOptions options;
  options.socket = socket;
  std::string told;
  const Status asked = ask_daemon(options, ControlRequest(),
                                  [&](const JsonValue& line) { told = encode(parse_status(line)); });
  return asked ? told : error_line(asked.error());
}

ExitStatus support(const SupportOptions& options, Call& call) {
  const int64_t now_ns = wall_clock_ns();
  const std::string time = format_rfc3339(now_ns, 0);
  const std::string path = options.file.empty() ? "detectd-support-" + time + ".tar" : options.file;
  Diagnostics diagnostics;
  const auto config =
      load_config(options.config.empty() ? std::optional<std::string>() : options.config, diagnostics);
  const bool usable = config && diagnostics.errors() == 0;
  const std::string socket = !options.socket.empty() ? options.socket
                             : usable                ? config->text("control.path")
                                                     : kControlPath;

  TarWriter tar(now_ns / kNanosPerSecond);
  std::vector<std::string> names;
  const auto add = [&](const std::string& name, const std::string& text) {
    tar.add("detectd-support/" + name, text.substr(0, kMaxPartBytes));
    names.push_back(name);
  };
  add("system.txt", system_text());
  std::string mistakes = config ? "" : config.error().message + "\n";
  for (const Diagnostic& diagnostic : diagnostics.all())
    mistakes += diagnostic.code + ": " + diagnostic.message + "\n";
  if (config) add("config.toml", without_config_secrets(print_config(*config)));
  if (!mistakes.empty()) add("config-mistakes.txt", without_url_secrets(mistakes));
  add("status.json", without_url_secrets(status_of_daemon(socket)));
  std::vector<std::string> doctor = {"--quiet", "--json", "--socket", socket};
  if (!options.config.empty()) doctor.insert(doctor.end(), {"--config", options.config});
  add("doctor.jsonl", without_url_secrets(output_of(kDoctorCommand, doctor)));
  add("messages.txt", last_messages());
  if (usable) {
    const std::string& database = config->text("store.path");
    if (access(database.c_str(), R_OK) != 0) {
      add("database.txt", database + ": " + std::strerror(errno) + "\n");
    } else {
      add("gaps.jsonl", output_of(kGapsCommand, {"--quiet", "--json", "--db", database}));
      add("database.json", output_of(kDbStatsCommand, {"--quiet", "--json", "--db", database}));
      if (options.hits) {
        add("hits.jsonl",
            output_of(kHitsListCommand, {"--quiet", "--json", "--limit", "100", "--db", database}));
      }
    }
  }
  if (Status written = write_new(path, tar.take()); !written) return fail(written.error());
  call.output.write(escape_text(path) + " has " + plural(names.size(), "file") + ":");
  for (const std::string& name : names) call.output.write(" " + name);
  call.output.write("\nlook at it before you send it: tar -xOf " + escape_text(path) + " | less\n");
  return ExitStatus::kDone;
}

}  // namespace

const Command kSupportCommand = {
    .name = "support",
    .arguments = "",
    .summary = "a file for who is to help, without secrets",
    .manual =
        "Write an archive with what somebody needs who is to help: versions, the configuration, the status, "
        "what\n"
        ".Cm doctor\n"
        "finds, blind intervals, the size of the database and the daemon's last messages.\n"
        "Of alerts nothing is in it but their type, level and times, of URLs only the host, and nothing that "
        "a process "
        "wrote unless\n"
        ".Fl Fl hits\n"
        "asks for it.\n",
    .options = kTable,
    .run = run_command<SupportOptions, support>,
};

}  // namespace detectd

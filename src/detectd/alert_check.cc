#include "src/detectd/alert_check.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "src/alerts/command_sink.h"
#include "src/alerts/secret_file.h"
#include "src/alerts/webhook_sink.h"
#include "src/detectd/alert_options.h"
#include "src/text.h"

namespace detectd {
namespace {

using Complain = std::function<void(const char* key, std::string message, std::string help)>;

std::string why_unusable(const std::string& path, int mode) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || access(path.c_str(), mode) != 0) return std::strerror(errno);
  return S_ISREG(status.st_mode) ? std::string() : "not a file";
}

void check_files(const AlertOptions& options, const Complain& complain) {
  if (!options.ca_file.empty()) {
    if (const std::string why = why_unusable(options.ca_file, R_OK); !why.empty()) {
      complain("ca_file", quoted(options.ca_file) + " can not be read: " + why,
               "name a file of certificates (PEM), or leave it out to trust those that the system trusts");
    }
  }
  if (!options.headers_file.empty()) {
    if (const auto headers = read_headers(options.headers_file); !headers) {
      complain("headers_file", headers.error().message,
               "it holds a header a line, `Name: value`, and belongs to who runs detectd, with mode 0600");
    }
  }
  if (options.url_file.empty()) return;
  const char* const help =
      "it holds the URL and nothing else, and belongs to who runs detectd, with mode 0600";
  const auto lines = read_secret_lines(options.url_file);
  if (!lines) {
    complain("url_file", lines.error().message, help);
  } else if (lines->size() != 1 || check_webhook_url(lines->front())) {
    complain("url_file", quoted(options.url_file) + " does not hold one URL that begins with https://", help);
  }
}

void check_command(const AlertOptions& options, const Complain& complain) {
  const std::string& program = options.command.front();
  if (const std::string why = why_unusable(program, X_OK); !why.empty()) {
    complain("command", quoted(program) + " can not be run: " + why,
             "install it, or name another; a script begins with #! and has mode 0755");
  }
  if (geteuid() != 0) return;
  const auto user = find_command_user(options.user);
  if (user) return;
  const bool is_missing = user.error().code == Errc::kNotFound;
  complain("user", user.error().message,
           is_missing ? "create it (useradd --system " + options.user + "), or name another with `user`"
                      : "name a user with as few rights as possible; without `user` it is `detectd`");
}

}  // namespace

void check_alerts(const Config& config, Diagnostics& diagnostics) {
  const std::vector<AlertOptions> all = alert_options(config);
  for (size_t i = 0; i < all.size(); ++i) {
    const Complain complain = [&](const char* key, std::string message, std::string help) {
      complain_of_alert(config.alerts[i], {key, "D208", std::move(message), std::move(help)}, diagnostics);
    };
    check_files(all[i], complain);
    if (all[i].type == SinkType::kCommand) check_command(all[i], complain);
  }
}

}  // namespace detectd

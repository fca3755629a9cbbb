#include "src/alerts/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "src/fd.h"

namespace detectd {
namespace {

constexpr size_t kMaxBytes = 64 << 10;

bool is_header(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  for (const char c : line.substr(0, colon)) {
    if (c <= ' ' || c >= 0x7F) return false;
  }
  for (const char c : line) {
    if ((c < ' ' && c != '\t' && c >= 0) || c == 0x7F) return false;
  }
  return true;
}

}  // namespace

Result<std::vector<std::string>> read_secret_lines(const std::string& path) {
  const auto fail = [&path](const char* why) { return Error{Errc::kPermission, path + ": " + why}; };
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!file || fstat(file.number(), &status) != 0) return fail(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fail("not a file");
  if ((status.st_mode & 007) != 0) return fail("others can read or write it; it holds a secret: chmod 0600");
  std::string text(kMaxBytes + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file.number(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(std::strerror(errno));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > kMaxBytes) return fail("larger than 64 KiB");
  text.resize(size);
  std::vector<std::string> lines;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (!line.empty() && line.front() != '#') lines.emplace_back(line);
  }
  return lines;
}

Result<std::vector<std::string>> read_headers(const std::string& path) {
  auto lines = read_secret_lines(path);
  if (!lines) return lines;
  for (size_t i = 0; i < lines->size(); ++i) {
    if (!is_header((*lines)[i]))
      return Error{Errc::kRules,
                   path + ": entry " + std::to_string(i + 1) + " is no header: write `Name: value`"};
  }
  return lines;
}

}  // namespace detectd

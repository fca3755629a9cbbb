#include "src/report/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

namespace detectd {
namespace {

constexpr size_t kMinColumns = 40;
constexpr size_t kMaxColumns = 4096;
constexpr size_t kDefaultColumns = 80;

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

size_t columns_of(int descriptor) {
  const std::string_view text = environment("COLUMNS");
  size_t columns = 0;
  std::from_chars(text.data(), text.data() + text.size(), columns);
  winsize size{};
  if (columns == 0 && ioctl(descriptor, TIOCGWINSZ, &size) == 0) columns = size.ws_col;
  if (columns == 0) columns = kDefaultColumns;
  return std::clamp(columns, kMinColumns, kMaxColumns);
}

bool wants_color(bool is_terminal, ColorChoice choice) {
  if (choice != ColorChoice::kAuto) return choice == ColorChoice::kAlways;
  if (!environment("NO_COLOR").empty()) return false;
  const std::string_view force = environment("CLICOLOR_FORCE");
  if (!force.empty() && force != "0") return true;
  return is_terminal && environment("TERM") != "dumb";
}

}  // namespace

Terminal inspect_terminal(int descriptor, ColorChoice choice) {
  Terminal terminal;
  terminal.is_terminal = isatty(descriptor) == 1;
  terminal.color = wants_color(terminal.is_terminal, choice);
  if (terminal.is_terminal) terminal.columns = columns_of(descriptor);
  return terminal;
}

}  // namespace detectd

#include "src/report/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "engine/escape.h"
#include "engine/timestamp.h"
#include "src/report/hit_view.h"

namespace detectd {
namespace {

constexpr int64_t kFirstDrawnNs = kNanosPerSecond;
constexpr int64_t kIntervalNs = kNanosPerSecond / 10;

std::string minutes(int64_t seconds) {
  char text[32];
  if (seconds >= 3600) {
    std::snprintf(text, sizeof text, "%d:%02d:%02d", static_cast<int>(seconds / 3600),
                  static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  } else {
    std::snprintf(text, sizeof text, "%d:%02d", static_cast<int>(seconds / 60),
                  static_cast<int>(seconds % 60));
  }
  return text;
}

std::string bar(double share, size_t columns) {
  const auto done = static_cast<size_t>(share * static_cast<double>(columns));
  std::string text(columns, ' ');
  std::fill_n(text.begin(), done, '=');
  if (done < columns) text[done] = '>';
  return "[" + text + "]";
}

}  // namespace

std::string progress_line(const Progress& progress, int64_t elapsed_ns, size_t columns) {
  const double seconds = std::max(static_cast<double>(elapsed_ns) / 1e9, 1e-3);
  const auto rate = static_cast<uint64_t>(static_cast<double>(progress.events) / seconds);
  const std::string counts = with_separators(progress.events) + " events  " + with_separators(rate) + "/s";
  if (progress.bytes_total == 0) {
    return cut(counts + "  " + minutes(static_cast<int64_t>(seconds)), columns);
  }
  const double share =
      std::min(1.0, static_cast<double>(progress.bytes_read) / static_cast<double>(progress.bytes_total));
  char percent[16];
  std::snprintf(percent, sizeof percent, "%3d %%", static_cast<int>(share * 100));
  std::string tail = std::string("  ") + percent + "  " + counts;
  if (share > 0.01 && share < 1) {
    tail += "  " + minutes(std::llround(seconds / share - seconds)) + " left";
  }
  const size_t room = columns > tail.size() + 12 ? columns - tail.size() - 2 : 0;
  return cut(room == 0 ? tail.substr(2) : bar(share, std::min<size_t>(room, 40)) + tail, columns);
}

void ProgressBar::write(const std::string& text) const {
  // What the terminal does not take is not worth a second try.
  [[maybe_unused]] const ssize_t written = ::write(descriptor_, text.data(), text.size());
}

void ProgressBar::update(const Progress& progress, int64_t now_ns) {
  if (now_ns - start_ns_ < kFirstDrawnNs || now_ns - drawn_ns_ < kIntervalNs) return;
  drawn_ns_ = now_ns;
  visible_ = true;
  write("\r\x1b[K" + progress_line(progress, now_ns - start_ns_, columns_ - 1));
}

void ProgressBar::hide() {
  if (visible_) write("\r\x1b[K");
  visible_ = false;
}

}  // namespace detectd

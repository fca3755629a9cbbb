// A line on a terminal that says how far a long run is. Shown from its second second on; whoever writes to
// the terminal hides it first.
//
//   [==========>         ]  52 %  1,204,331 events  312,004/s  0:07 left
#pragma once

#include <cstdint>
#include <string>

namespace detectd {

struct Progress {
  uint64_t events = 0;
  uint64_t bytes_read = 0;
  uint64_t bytes_total = 0;  // 0: not known
};

class ProgressBar {
 public:
  // `columns` of the terminal behind `descriptor`.
  ProgressBar(int descriptor, size_t columns, int64_t now_ns)
      : descriptor_(descriptor), columns_(columns), start_ns_(now_ns) {}
  ~ProgressBar() { hide(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Draws at most ten times a second.
  void update(const Progress& progress, int64_t now_ns);
  void hide();

 private:
  void write(const std::string& text) const;

  int descriptor_;
  size_t columns_;
  int64_t start_ns_;
  int64_t drawn_ns_ = 0;
  bool visible_ = false;
};

// The line, `columns` wide at most, after `elapsed_ns`.
std::string progress_line(const Progress& progress, int64_t elapsed_ns, size_t columns);

}  // namespace detectd

// Who is never touched, whatever a rule says: init, the kernel's threads, ourselves and those that we descend from,
// and what the configuration names.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "src/respond/process_view.h"

namespace detectd {

class Protection {
 public:
  struct Options {
    std::vector<std::string> executables = {};  // paths
    std::vector<std::string> units = {};        // of systemd
  };

  // `self` is the pid of this process.
  Protection(ProcessView& view, uint32_t self, Options options);
  void set(Options options) { options_ = std::move(options); }

  // Asks the host who our ancestors are now.
  void look_around();
  bool covers(uint32_t pid, const ProcessFacts& facts) const;

 private:
  bool is_listed_executable(const ProcessFacts& facts) const;
  bool is_in_listed_unit(const ProcessFacts& facts) const;

  ProcessView& view_;
  uint32_t self_;
  Options options_;
  std::vector<uint32_t> own_;  // ourselves and our ancestors
};

}  // namespace detectd

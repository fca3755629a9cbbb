// What a responder asks of the processes of this host.
#pragma once

#include <string>
#include <vector>

#include "src/respond/process_view.h"

namespace detectd {

// One a thread.
class HostProcesses final : public ProcessView {
 public:
  explicit HostProcesses(int procfs) : procfs_(procfs) {}  // its root, borrowed

  std::optional<ProcessFacts> read(uint32_t pid) override;
  void list(std::vector<RunningProcess>& processes) override;
  std::optional<FileKey> file(const std::string& path) override;
  bool has_other_users(uint32_t pid) override;

 private:
  bool read_text(int directory, const char* file);
  void read_executable(int directory, ProcessFacts& facts);
  void read_executable_of_others(int directory, ProcessFacts& facts);

  int procfs_;
  std::string text_;
};

}  // namespace detectd

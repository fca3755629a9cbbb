// A host whose processes live in memory: who got which signal is written down.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "src/respond/process_view.h"

namespace detectd::test {

class FakeHost final : public ProcessView, public ProcessSignals {
 public:
  struct Instance {
    uint32_t pid = 0;
    ProcessFacts facts;
    bool ended = false;
    bool stays = false;      // does not end, whatever it gets
    std::vector<int> got{};  // signals
  };

  // A process that begins at `start_ticks`; another that has the pid has ended. Returns its number.
  size_t begin(uint32_t pid, uint64_t start_ticks, uint64_t inode, uint32_t parent = 500) {
    for (Instance& other : instances_) {
      if (other.pid == pid) other.ended = true;
    }
    Instance instance{.pid = pid, .facts = {}};
    instance.facts = {
        .start_ticks = start_ticks, .parent_pid = parent, .state = 'S', .start_stack = start_ticks + 7};
    instance.facts.file = FileKey{.device_major = 8, .device_minor = 1, .inode = inode};
    instance.facts.executable = "/usr/bin/x" + std::to_string(inode);
    instances_.push_back(instance);
    return instances_.size() - 1;
  }
  Instance& at(size_t number) { return instances_[number]; }
  std::map<std::string, FileKey> files;
  std::set<uint32_t> with_other_users;
  int error = 0;  // of every signal

  std::optional<ProcessFacts> read(uint32_t pid) override {
    const Instance* const found = find(pid);
    return found == nullptr ? std::nullopt : std::optional(found->facts);
  }
  void list(std::vector<RunningProcess>& processes) override {
    processes.clear();
    for (const Instance& instance : instances_) {
      if (instance.ended) continue;
      processes.push_back({instance.pid, instance.facts.parent_pid, instance.facts.start_ticks});
    }
  }
  std::optional<FileKey> file(const std::string& path) override {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  }
  bool has_other_users(uint32_t pid) override { return with_other_users.contains(pid); }

  Fd open(uint32_t pid) override {
    const Instance* const found = find(pid);
    if (found == nullptr) {
      errno = ESRCH;
      return Fd();
    }
    return open_instance(static_cast<size_t>(found - instances_.data()));
  }
  // The same descriptor duplicated means the same process: it is known by what stands in it.
  Fd open_instance(size_t number) {
    return Fd(eventfd(static_cast<unsigned>(number + 1), EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE));
  }
  bool ended(int pidfd) override { return instance_of(pidfd).ended; }
  bool wait_ended(int pidfd, int64_t) override { return ended(pidfd); }
  int send(int pidfd, int signal) override {
    if (error != 0) return error;
    Instance& instance = instance_of(pidfd);
    if (instance.ended) return ESRCH;
    instance.got.push_back(signal);
    if (signal == SIGKILL && !instance.stays) instance.ended = true;
    if (signal == SIGSTOP) instance.facts.state = 'T';
    return 0;
  }

 private:
  const Instance* find(uint32_t pid) const {
    for (const Instance& instance : instances_) {
      if (instance.pid == pid && !instance.ended) return &instance;
    }
    return nullptr;
  }
  // fdinfo tells an eventfd's count without taking from it.
  Instance& instance_of(int pidfd) {
    const std::string path = "/proc/self/fdinfo/" + std::to_string(pidfd);
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char text[512] = {};
    const ssize_t got = ::read(file.number(), text, sizeof text - 1);
    const std::string info(text, got > 0 ? static_cast<size_t>(got) : 0);
    const size_t at = info.find("eventfd-count:");
    return instances_.at(std::stoul(info.substr(at + 14), nullptr, 16) - 1);
  }

  std::vector<Instance> instances_;
};

}  // namespace detectd::test

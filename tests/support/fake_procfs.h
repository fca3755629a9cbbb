// Procfs in memory, where things happen between two reads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/enrich/procfs.h"

namespace detectd::test {

struct FakeProcess {
  std::string stat = {};
  std::string status = {};
  std::string cgroup = "0::/system.slice/cron.service\n";
  std::string login_uid = "1000";
  std::string environment = {};
  std::string cmdline = {};
  std::string root = "/";
  std::string mount_namespace = "mnt:[4026531841]";
  std::string user_namespace = "user:[4026531837]";
  std::string executable = "/usr/bin/curl";
  std::optional<FileIdentity> file = {};
  std::vector<ProcStream> streams = std::vector<ProcStream>(3);
};

class FakeProcfs : public Procfs {
 public:
  // Whoever has a pid; replaced, the pid was used again.
  std::map<uint32_t, std::shared_ptr<FakeProcess>> processes;
  std::map<std::string, FileIdentity> host_files;
  // Called before each read of a process, with the number of reads before it.
  std::function<void(size_t)> between;
  size_t reads = 0;
  size_t host_looks = 0;

  bool select(uint32_t pid) override {
    pid_ = pid;
    const auto found = processes.find(pid);
    selected_ = found == processes.end() ? nullptr : found->second;
    return selected_ != nullptr;
  }
  void release() override { selected_ = nullptr; }

  bool read(ProcFile file, size_t max_bytes, std::string& text) override {
    text.clear();
    const FakeProcess* const process = alive();
    if (process == nullptr) return false;
    switch (file) {
      case ProcFile::kStat: text = process->stat; break;
      case ProcFile::kStatus: text = process->status; break;
      case ProcFile::kCgroup: text = process->cgroup; break;
      case ProcFile::kLoginUid: text = process->login_uid; break;
      case ProcFile::kEnviron: text = process->environment; break;
      case ProcFile::kCmdline: text = process->cmdline; break;
    }
    if (text.size() > max_bytes) text.resize(max_bytes);
    return true;
  }
  bool read_link(ProcLink link, std::string& text) override {
    text.clear();
    const FakeProcess* const process = alive();
    if (process == nullptr) return false;
    switch (link) {
      case ProcLink::kRoot: text = process->root; break;
      case ProcLink::kMountNamespace: text = process->mount_namespace; break;
      case ProcLink::kUserNamespace: text = process->user_namespace; break;
      case ProcLink::kExecutable: text = process->executable; break;
    }
    return !text.empty();
  }
  std::optional<ProcStream> stream(unsigned number) override {
    const FakeProcess* const process = alive();
    if (process == nullptr) return std::nullopt;
    return number < process->streams.size() ? process->streams[number] : ProcStream{};
  }
  std::optional<SocketPeer> socket_peer(unsigned, uint64_t) override { return std::nullopt; }
  std::optional<FileIdentity> executable() override {
    const FakeProcess* const process = alive();
    return process == nullptr ? std::nullopt : process->file;
  }
  Fd hold_executable() override { return {}; }
  std::optional<FileIdentity> host_file(const std::string& path) override {
    ++host_looks;
    const auto found = host_files.find(path);
    return found == host_files.end() ? std::nullopt : std::optional(found->second);
  }
  Status list(std::vector<uint32_t>& pids) override {
    pids.clear();
    for (const auto& [pid, process] : processes) pids.push_back(pid);
    return {};
  }

 private:
  // What is held is read only as long as it has the pid.
  const FakeProcess* alive() {
    if (between) between(reads);
    ++reads;
    const auto found = processes.find(pid_);
    return selected_ != nullptr && found != processes.end() && found->second == selected_ ? selected_.get()
                                                                                          : nullptr;
  }

  uint32_t pid_ = 0;
  std::shared_ptr<FakeProcess> selected_;
};

}  // namespace detectd::test

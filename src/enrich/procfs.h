// What enrichment asks of procfs, behind an interface: what can change between two reads is tested with
// tests/support/fake_procfs.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/result.h"
#include "src/enrich/exec_image.h"
#include "src/enrich/socket_peer.h"
#include "src/fd.h"

namespace detectd {

enum class ProcFile : uint8_t { kStat, kStatus, kCgroup, kLoginUid, kEnviron, kCmdline };
enum class ProcLink : uint8_t { kRoot, kMountNamespace, kUserNamespace, kExecutable };

class Procfs {
 public:
  virtual ~Procfs() = default;

  // The process that has this pid now. Until the next select, what is read is of that process, never of one
  // that gets the pid later. False: there is none.
  virtual bool select(uint32_t pid) = 0;
  virtual void release() = 0;

  // At most `max_bytes` into `text`; false: cannot be had. An empty text can be an answer.
  virtual bool read(ProcFile file, size_t max_bytes, std::string& text) = 0;
  virtual bool read_link(ProcLink link, std::string& text) = 0;
  // Nothing where it cannot be told whether the descriptor is open.
  virtual std::optional<ProcStream> stream(unsigned number) = 0;
  // The other end of a socket of the process; nothing for one without a peer of the internet.
  virtual std::optional<SocketPeer> socket_peer(unsigned number, uint64_t inode) = 0;
  // The program's file; and held as a path (O_PATH), which asks nobody who may not answer.
  virtual std::optional<FileIdentity> executable() = 0;
  virtual Fd hold_executable() = 0;

  // The file that has this path for us.
  virtual std::optional<FileIdentity> host_file(const std::string& path) = 0;
  // All processes, kernel threads too, in no order.
  virtual Status list(std::vector<uint32_t>& pids) = 0;
};

struct OwnProcfs {
  Fd root;
  bool is_private = false;  // else it is the host's /proc, as others have mounted it
  std::string why_not_private;
};
// A procfs that nobody else sees or can mount upon, so that nobody hides a process from us; else /proc.
Result<OwnProcfs> open_own_procfs();

// One a thread.
class RealProcfs : public Procfs {
 public:
  explicit RealProcfs(int root);  // borrowed

  bool select(uint32_t pid) override;
  void release() override;
  bool read(ProcFile file, size_t max_bytes, std::string& text) override;
  bool read_link(ProcLink link, std::string& text) override;
  std::optional<ProcStream> stream(unsigned number) override;
  std::optional<SocketPeer> socket_peer(unsigned number, uint64_t inode) override;
  std::optional<FileIdentity> executable() override;
  Fd hold_executable() override;
  std::optional<FileIdentity> host_file(const std::string& path) override;
  Status list(std::vector<uint32_t>& pids) override;

 private:
  int root_;
  uint32_t pid_ = 0;
  Fd process_;  // its directory
  std::vector<char> buffer_;
  SocketPeers peers_;
};

}  // namespace detectd

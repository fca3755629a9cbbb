// What the kernel hands over of each program that begins (exec_probe.bpf.c, by eBPF): arguments, file, ids and place as
// they are before its first instruction, so that nobody has to race with its end, and nobody has to hurry.
//
// It tells of no other event and replaces none: that an exec happened, and that none is missing, the process
// connector says.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "engine/result.h"

namespace detectd {

// Where such records come from, so that tests can put others in its place.
class ExecRecords {
 public:
  virtual ~ExecRecords() = default;

  // Readable when somebody has to look at once: much waits, or something of a program is missing or not known yet.
  virtual int descriptor() const = 0;
  // Gives the records (exec_record.h) that wait, in the order in which they were made; never waits, and where they come
  // faster than they are taken, leaves some. That of an exec is there before the connector's event. The bytes are valid
  // until `take` returns.
  virtual void receive(const std::function<void(std::string_view record)>& take) = 0;
  // How many records and parts found no room.
  virtual uint64_t dropped() const = 0;
  // How often a process was moved to another control group. Any thread.
  virtual uint64_t moves() const = 0;
  // Nobody has to look at once for these control groups (ExecRecord::control_groups) any more. Any thread.
  virtual void know_groups(uint64_t key) = 0;
  // Somebody has to, again.
  virtual void forget_groups(uint64_t key) = 0;
};

class ExecProbe final : public ExecRecords {
 public:
  // In the kernel, from now on. kPermission: not allowed (CAP_BPF, CAP_PERFMON, or a lockdown); kSystem: the kernel can
  // not (before Linux 5.17, or without BTF).
  static Result<std::unique_ptr<ExecProbe>> load();
  ~ExecProbe() override;

  int descriptor() const override;
  void receive(const std::function<void(std::string_view record)>& take) override;
  uint64_t dropped() const override;
  uint64_t moves() const override;
  void know_groups(uint64_t key) override;
  void forget_groups(uint64_t key) override;

 private:
  struct Loaded;
  explicit ExecProbe(std::unique_ptr<Loaded> loaded);
  std::unique_ptr<Loaded> loaded_;
};

}  // namespace detectd

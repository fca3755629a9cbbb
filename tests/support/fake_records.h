// What a kernel of a test's making hands over of programs.
#pragma once

#include <sys/eventfd.h>

#include <atomic>
#include <cstring>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "src/fd.h"
#include "src/sources/exec_probe.h"
#include "src/sources/exec_record.h"

namespace detectd::test {

// A record as the program in the kernel makes it.
struct RecordMaker {
  uint32_t pid = 7;
  int64_t monotonic_ns = 1000;
  std::string args = std::string("cat\0-\0", 6);
  std::vector<std::string> executable = {"cat", "bin", "usr"};  // from the last name to the first
  std::vector<std::string> directory = {"tmp"};
  std::vector<std::string> root = {};
  uint16_t flags = 0;
  uint16_t executable_flags = 0;
  uint64_t groups = 5;
  uint64_t moves = 0;
  uint32_t neighbour = 0;

  ExecRecord head() const {
    ExecRecord record{};
    record.kind = kRecordProgram;
    record.flags = flags;
    record.pid = pid;
    record.monotonic_ns = static_cast<uint64_t>(monotonic_ns);
    record.arg_start = 8100;
    record.arg_end = record.arg_start + args.size();
    record.start_stack = 8000;
    record.start_ns = 5'000'000'000;
    record.inode = 99;
    record.device = 8u << 20 | 1u;
    record.links = 1;
    record.mode = 0100755;
    record.control_groups = groups;
    record.moves = moves;
    record.neighbour = neighbour;
    record.neighbour_start_ns = neighbour == 0 ? 0 : 2'000'000'000;
    std::strcpy(record.name, "cat");
    return record;
  }
  // Parts first, the program last.
  std::vector<std::string> records() const {
    std::vector<std::string> made;
    ExecRecord record = head();
    if (args.size() > kRecordArgBytes) {
      for (uint32_t part = 0; part <= kRecordHeadParts; ++part) {
        size_t from = size_t{part} * kRecordArgBytes;
        if (from >= args.size()) break;
        if (part == kRecordHeadParts && args.size() - from > kRecordArgBytes)
          from = args.size() - kRecordArgBytes;
        const std::string bytes = args.substr(from, kRecordArgBytes);
        ExecRecord head_of_part = record;
        head_of_part.kind = kRecordArgs;
        head_of_part.part = part;
        head_of_part.args_bytes = static_cast<uint32_t>(bytes.size());
        made.push_back(bytes_of(head_of_part) + bytes);
      }
      record.part = 1;
    } else {
      record.args_bytes = static_cast<uint32_t>(args.size());
    }
    std::string names;
    record.executable = add(executable, executable_flags, names);
    record.directory = add(directory, 0, names);
    record.root = add(root, 0, names);
    made.push_back(bytes_of(record) + names + (record.part == 0 ? args : std::string()));
    return made;
  }

 private:
  static std::string bytes_of(const ExecRecord& record) {
    return {reinterpret_cast<const char*>(&record), sizeof record};
  }
  static ExecPath add(const std::vector<std::string>& names, uint16_t flags, std::string& text) {
    const size_t before = text.size();
    for (const std::string& name : names) text += name + '\0';
    return {.bytes = static_cast<uint16_t>(text.size() - before), .flags = flags};
  }
};

class FakeRecords final : public ExecRecords {
 public:
  FakeRecords() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  void give(const RecordMaker& maker) {
    const std::lock_guard lock(mutex_);
    for (std::string& record : maker.records()) records_.push_back(std::move(record));
  }
  void give_bytes(std::string bytes) {
    const std::lock_guard lock(mutex_);
    records_.push_back(std::move(bytes));
  }
  // The next record that waits is not given.
  void drop_one() {
    const std::lock_guard lock(mutex_);
    records_.pop_front();
    ++dropped_;
  }
  // Somebody has to look now.
  void wake() {
    const uint64_t one = 1;
    if (write(event_.number(), &one, sizeof one) < 0) return;
  }

  int descriptor() const override { return event_.number(); }
  void receive(const std::function<void(std::string_view)>& take) override {
    uint64_t woken = 0;
    if (read(event_.number(), &woken, sizeof woken) < 0) woken = 0;
    const std::lock_guard lock(mutex_);
    for (; !records_.empty(); records_.pop_front()) take(records_.front());
  }
  uint64_t dropped() const override { return dropped_; }
  uint64_t moves() const override { return moves_; }
  void know_groups(uint64_t key) override { known_ = key; }
  void forget_groups(uint64_t) override { known_ = 0; }
  // A process was moved to another control group.
  void move() { ++moves_; }
  uint64_t known() const { return known_; }  // the last one; 0: none

 private:
  Fd event_;
  std::mutex mutex_;
  std::deque<std::string> records_;
  std::atomic<uint64_t> dropped_{0};
  std::atomic<uint64_t> moves_{0};
  uint64_t known_ = 0;
};

}  // namespace detectd::test

// A disk under SQLite that fails on demand and counts what it is asked to make durable. While one lives it is under
// all databases that are opened.
#pragma once

namespace detectd {

class FailingDisk {
 public:
  FailingDisk();
  ~FailingDisk();
  FailingDisk(const FailingDisk&) = delete;
  FailingDisk& operator=(const FailingDisk&) = delete;

  // Every write fails with this code of SQLite.
  void fail_writes(int code);
  void heal();
  int syncs() const;
};

}  // namespace detectd

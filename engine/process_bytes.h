// What a table's entries reach, in bytes: each process, its attributes and all its ancestors, counted once
// however many share them. It follows from what the table did, not from what else keeps those objects: the
// events that still wait to be judged change nothing.
#pragma once

#include <cstddef>

#include "engine/process.h"

namespace detectd {

class ProcessBytes {
 public:
  size_t total() const { return total_; }

  // One more holder, and one less. What is held must not be changed, and is alive when given back.
  void hold(const Process& process);
  void release(const Process& process);
  void hold(const Attributes& attributes);
  void release(const Attributes& attributes);

 private:
  void hold(const ProcessHost& host);
  void release(const ProcessHost& host);

  size_t total_ = 0;
};

}  // namespace detectd

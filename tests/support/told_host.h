// What the kernel of this host tells of programs, for tests that run some.
#pragma once

#include <memory>
#include <string>

#include "src/clock.h"
#include "src/live/told_programs.h"
#include "src/sources/exec_probe.h"

namespace detectd::test {

// One for all tests: to load it takes a while. What they started before is read from it and forgotten.
class ToldHost {
 public:
  explicit ToldHost(ToldPrograms::Options options = {})
      : programs_(std::make_unique<Shared>(), std::move(options)) {
    programs_.collect();
  }

  // Empty: the kernel tells.
  static const std::string& why_not() { return loaded().error; }
  static bool tells() { return loaded().probe != nullptr; }

  // Of the last exec of the process, since this was made or the last question.
  bool take(uint32_t pid, ExecImage& image) {
    programs_.collect();
    return programs_.take(pid, steady_clock_ns(), image);
  }
  ToldPrograms& programs() { return programs_; }

 private:
  struct Loaded {
    std::unique_ptr<ExecProbe> probe;
    std::string error;
  };
  static Loaded& loaded() {
    static Loaded once = [] {
      auto probe = ExecProbe::load();
      return probe ? Loaded{*std::move(probe), {}} : Loaded{nullptr, probe.error().message};
    }();
    return once;
  }
  struct Shared final : ExecRecords {
    int descriptor() const override { return tells() ? loaded().probe->descriptor() : -1; }
    void receive(const std::function<void(std::string_view)>& take) override {
      if (tells()) loaded().probe->receive(take);
    }
    uint64_t dropped() const override { return tells() ? loaded().probe->dropped() : 0; }
    uint64_t moves() const override { return tells() ? loaded().probe->moves() : 0; }
    void know_groups(uint64_t key) override {
      if (tells()) loaded().probe->know_groups(key);
    }
    void forget_groups(uint64_t key) override {
      if (tells()) loaded().probe->forget_groups(key);
    }
  };

  ToldPrograms programs_;
};

}  // namespace detectd::test

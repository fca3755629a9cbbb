// The events of one capture, decoded and in order, with what is to be told about it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/derived_fields.h"
#include "engine/diagnostic.h"
#include "engine/event_codec.h"
#include "engine/result.h"
#include "src/sources/capture_file.h"
#include "src/sources/time_window.h"
#include "src/worker_pool.h"

namespace detectd {

// For each worker what it decodes with; shared by all files.
struct Decoding {
  // Apart from the next one's: each thread writes to its own all the time.
  struct alignas(128) Worker {
    EventDecoder decoder;
    DerivedFields derived;
  };

  const Schema& schema;
  WorkerPool& workers;
  std::vector<Worker> by_worker;
};

class CaptureReader {
 public:
  struct Options {
    std::string path;  // as given; "<stdin>" for standard input
    uint32_t number = 0;
    bool skip_bad = false;
    size_t max_lines = 4096;  // decoded at a time
  };

  CaptureReader(Options options, std::unique_ptr<CaptureFile> file, Decoding& decoding);

  // Makes front() there, reading as far as it takes. False at the end and after a failure().
  Result<bool> fill();
  const Event& front() const { return pool_[ready_[ready_at_]]; }
  bool has_front() const { return ready_at_ < ready_.size(); }
  // Swaps the event at the front out.
  void pop(Event& event);

  // The mistake that ended reading, if one did.
  const std::optional<Diagnostic>& failure() const { return failure_; }
  uint64_t skipped() const { return skipped_; }
  // The first header's, once fill() was called; null where the capture does not begin with one.
  const CaptureHeader* header() const { return first_header_ ? &*first_header_ : nullptr; }
  const std::string& path() const { return options_.path; }
  const CaptureFile& file() const { return *file_; }
  // What is worth a warning, counted, of what was read.
  void warn(Diagnostics& diagnostics) const;

 private:
  // How often, and where first.
  struct Tally {
    uint64_t count = 0;
    uint64_t first_line = 0;
    void add(uint64_t line) {
      if (count++ == 0) first_line = line;
    }
  };

  void decode_lines();
  void decode_range(size_t begin, size_t end, Decoding::Worker& worker);
  void decode_run(std::span<LineToDecode> lines, Decoding::Worker& worker);
  void take_lines();
  void take_event(size_t index);
  void take_header(const CaptureLine& line);
  void take_problem(const CaptureLine& line, const LineProblem& problem);
  void count_notes(const LineNotes& notes, uint64_t line);
  void drain_window();
  void end();
  Diagnostic diagnostic(std::string code, Severity severity, std::string message) const;
  Diagnostic diagnostic_at(const CaptureLine& line, const LineProblem& problem, Severity severity) const;
  void warn_of_lenient_reading(Diagnostics& diagnostics) const;

  Options options_;
  std::unique_ptr<CaptureFile> file_;
  Decoding& decoding_;
  std::vector<CaptureLine> lines_;
  std::vector<LineToDecode> decoded_;  // by line
  std::vector<uint32_t> slots_;        // of the pool, by line
  EventPool pool_;
  TimeWindow window_;
  std::vector<uint32_t> ready_;  // slots of the pool, from ready_at_ on
  size_t ready_at_ = 0;
  bool ended_ = false;
  std::shared_ptr<const CaptureHost> host_;
  std::optional<CaptureHeader> first_header_;
  bool later_part_ = false;  // of a rotated capture
  int64_t last_time_ns_ = 0;
  uint64_t events_ = 0;
  uint64_t skipped_ = 0;
  std::optional<Diagnostic> first_skipped_;
  std::optional<Diagnostic> cut_line_;
  std::optional<Diagnostic> failure_;
  Tally no_action_, unknown_action_, no_time_, no_pid_, replaced_, dropped_, back_;
};

}  // namespace detectd

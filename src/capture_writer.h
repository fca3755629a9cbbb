// Writes a capture (CAPTURES in detectd-events(5)): a header, then events as rules saw them, in that order, so that
// its replay gives the same hits. Compressed as the name says, mode 0600; a file that is there is never overwritten.
//
//   web01.jsonl.zst        {"detectd":{"capture":1,"started":S,"booted":...,"host":...}}   events ...
//   web01.0002.jsonl.zst   {"detectd":{"capture":1,"started":S,"part":2,...}}   processes, events ...
//
// Who goes on behind another run takes the numbers behind its, for names only: its headers count from 1 again, with
// another `started`, by which a replay knows the two apart.
//
// An event that was read from a capture is written as the line it was read from: nothing of it is lost, and what was
// derived will be again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/event_codec.h"
#include "engine/result.h"
#include "src/compress.h"
#include "src/event_sink.h"

namespace detectd {

class CaptureWriter final : public EventSink {
 public:
  static constexpr int64_t kFlushNs = 1'000'000'000;
  // A part is at least this large, or its head would be most of it.
  static constexpr uint64_t kMinPartBytes = uint64_t{64} << 10;

  struct Options {
    std::string path = {};
    // Where files of that name are there, begin with the name of the part behind them.
    bool goes_on = false;
    uint64_t max_bytes = 0;                             // of a part as stored, about; 0: one part
    std::string version = {};                           // of this program
    std::string started = {};                           // what tells this capture from others: when it began
    std::shared_ptr<const CaptureHost> host = nullptr;  // of the first header; else that of the first event
    // Shows all running processes, for later parts: Engine::visit_running.
    std::function<void(const std::function<void(Event&)>&)> visit_running = {};
    // Of the failure that ends the capture, told once.
    std::function<void(const Error&)> tell = {};
  };
  struct Counters {
    uint64_t events = 0;
    uint64_t left_out = 0;  // because of a failure: so many at most
    uint64_t parts = 0;
    uint64_t bytes = 0;  // as stored
  };

  // Creates the file. `schema` must outlive the writer.
  static Result<std::unique_ptr<CaptureWriter>> open(Options options, const Schema& schema);
  ~CaptureWriter() override;
  CaptureWriter(const CaptureWriter&) = delete;
  CaptureWriter& operator=(const CaptureWriter&) = delete;

  void write(const Event& event) override;
  // What was written a second ago, or before, can be read even if the run is killed. Begins a new part where the
  // last has got its size.
  void settle(int64_t now_ns) override;
  // The end of the capture. False if not all of it is there; that was told.
  bool close();

  const Counters& counters() const { return counters_; }
  // Of the part that is written.
  const std::string& path() const { return path_; }

 private:
  CaptureWriter(Options options, const Schema& schema);

  Status open_part();
  void begin_part();
  void end_part();
  void append(const Event& event);
  void append_header(const CaptureHost& host, int64_t part);
  void announce(const Event& event);
  bool is_announced(const CaptureHost* host, bool silent) const;
  void push(Compressor::Until until);
  void fail(const Error& error);

  Options options_;
  const Schema& schema_;
  int fd_ = -1;
  std::string path_;  // of this part
  std::unique_ptr<Compressor> compressor_;
  std::string text_;    // lines not compressed yet
  std::string packed_;  // compressed, not written yet
  int64_t part_ = 0;
  int64_t names_before_ = 0;  // of other runs
  uint64_t part_bytes_ = 0;
  uint64_t head_bytes_ = 0;
  bool begun_ = false;  // the first header stands
  bool failed_ = false;
  std::shared_ptr<const CaptureHost> host_;  // of the last header
  int64_t header_part_ = 0;                  // in the last header
  int64_t last_time_ns_ = 0;                 // of the line before, as a reader takes it
  std::optional<int64_t> last_boot_ns_;
  std::optional<int64_t> flushed_ns_;
  uint64_t unflushed_events_ = 0;
  Counters counters_;
};

// The number of the last part there is a file for, be it somebody else's; 0 where there is none.
int64_t last_part(const std::string& path);

// The name of a part: web01.jsonl.zst, web01.0002.jsonl.zst, ...
std::string part_path(const std::string& path, int64_t part);

}  // namespace detectd

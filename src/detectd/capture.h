// The capture of a run (--capture), or none.
#pragma once

#include <functional>
#include <memory>

#include "engine/engine.h"
#include "src/capture_writer.h"
#include "src/detectd/options.h"
#include "src/exit_status.h"

namespace detectd {

struct CaptureSetup {
  const Options& options;
  // Of the live host; null in a replay, whose events bring their own.
  std::shared_ptr<const CaptureHost> host = nullptr;
  // Before a message is shown.
  std::function<void()> before_message = {};
};

// Null where none is asked for. What goes wrong, now or later, is told; `engine` must outlive the writer.
Result<std::unique_ptr<CaptureWriter>> open_capture(CaptureSetup setup, const Engine& engine);

// Ends it, and says what it has. kSystem where it is not whole.
ExitStatus close_capture(CaptureWriter& writer);

}  // namespace detectd

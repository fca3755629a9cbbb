#include "src/detectd/capture.h"

#include <utility>

#include "engine/escape.h"
#include "engine/timestamp.h"
#include "src/clock.h"
#include "src/log.h"
#include "src/report/hit_view.h"
#include "src/text.h"

namespace detectd {

Result<std::unique_ptr<CaptureWriter>> open_capture(CaptureSetup setup, const Engine& engine) {
  if (!setup.options.capture) return std::unique_ptr<CaptureWriter>();
  auto writer = CaptureWriter::open(
      {.path = *setup.options.capture,
       .goes_on = setup.options.captures.empty(),
       .max_bytes = setup.options.capture_max_bytes,
       .version = DETECTD_VERSION,
       .started = format_rfc3339(wall_clock_ns()),
       .host = std::move(setup.host),
       .visit_running = [&engine](const std::function<void(Event&)>& visit) { engine.visit_running(visit); },
       .tell =
           [before = std::move(setup.before_message)](const Error& error) {
             if (before) before();
             log::error(error.message + "; the capture ends here, the run goes on");
           }},
      engine.rules().schema());
  if (!writer) {
    log::error(writer.error().message);
  } else if ((*writer)->path() != *setup.options.capture) {
    log::note("the capture " + escape_text(*setup.options.capture) + " was begun before; going on in " +
              escape_text((*writer)->path()));
  }
  return writer;
}

ExitStatus close_capture(CaptureWriter& writer) {
  const bool whole = writer.close();
  const CaptureWriter::Counters& counters = writer.counters();
  if (!whole) {
    log::note("the capture lacks up to " + plural(counters.left_out, "event"));
    return ExitStatus::kSystem;
  }
  log::info("captured " + plural(counters.events, "event") + " in " + plural(counters.parts, "part") + ", " +
            with_separators(counters.bytes) + " bytes");
  return ExitStatus::kDone;
}

}  // namespace detectd

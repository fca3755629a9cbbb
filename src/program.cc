#include "src/program.h"

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <new>

#include "src/log.h"

namespace detectd {

int run_program(int argc, const char* const* argv,
                ExitStatus (*run)(const std::vector<std::string>& words, Output& output)) {
  try {
    Output output(STDOUT_FILENO);
    const ExitStatus exit_status = run({argv + std::min(argc, 1), argv + argc}, output);
    output.flush();
    if (!output.failed()) return static_cast<int>(exit_status);
    // A reader that had enough, as in `detectd ... | head`, needs no message.
    if (!output.closed()) log::error(output.status().error().message);
    return static_cast<int>(first_of({exit_status, ExitStatus::kSystem}));
  } catch (const std::bad_alloc&) {
    log::error("out of memory");
  } catch (const std::exception& error) {
    log::error(std::string("internal error: ") + error.what());
  }
  return static_cast<int>(ExitStatus::kInternal);
}

}  // namespace detectd

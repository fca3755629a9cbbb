// `detectd --probe`: which features of the kernel work here.
#pragma once

#include "src/detectd/options.h"
#include "src/exit_status.h"
#include "src/report/output.h"

namespace detectd {

// kSystem where no live source works.
ExitStatus probe(const Options& options, Output& output);

}  // namespace detectd

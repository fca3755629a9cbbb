#include "tests/support/source_dir.h"

namespace detectd::test {

std::string source_dir() { return DETECTD_SOURCE_DIR; }

}  // namespace detectd::test

#pragma once

#include <string>

namespace detectd::test {

// Of the project, absolute and without a slash behind it: `source_dir() + "/rules"`. Alone here, so that where a
// tree lies does not decide whether all other tests are compiled anew.
std::string source_dir();

}  // namespace detectd::test

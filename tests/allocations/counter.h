// How often operator new was called. For a program of its own: it is replaced there.
#pragma once

#include <cstddef>

namespace detectd {

extern size_t allocations;

}  // namespace detectd

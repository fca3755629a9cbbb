// What the store has to say, told as other messages are: with its code, and a way out where there is one.
#pragma once

#include "engine/result.h"

namespace detectd {

void tell_store_error(const Error& error);
void tell_store_warning(const Error& error);

}  // namespace detectd

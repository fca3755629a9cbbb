// What earlier schemas held, brought into this one.
#pragma once

#include "engine/result.h"
#include "src/store/database.h"

namespace detectd {

// The rows of schema 1, whose table is `hits_1` by now. Inside a transaction, in which the tables of this schema exist.
Status take_over_first_schema(Database& database);

}  // namespace detectd

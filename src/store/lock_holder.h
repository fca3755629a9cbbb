// Who holds a lock on a database, for the message that says so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace detectd {

// "process 812 (sqlite3)", "processes 812 (sqlite3) and 900 (python3)", or "another program" where /proc does not tell.
// Names are escaped.
std::string lock_holder(const std::string& database_path);

// The pids in a /proc/locks `text` that hold a lock for writing on the file of that device and inode.
std::vector<int64_t> writers_of(std::string_view locks, uint64_t device, uint64_t inode);

}  // namespace detectd

// The files of a .tar.gz, for test data that is not part of the repository.
#pragma once

#include <string>
#include <vector>

namespace detectd::test {

struct ArchivedFile {
  std::string name;
  std::string text;
};

// Regular files, in the archive's order; nothing if it can not be read. Names of more than 100 bytes may stand
// in the `prefix` of ustar or in GNU's long name entries.
std::vector<ArchivedFile> read_tar_gz(const std::string& path);

}  // namespace detectd::test

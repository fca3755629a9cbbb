// Alerts as JSON Lines in a file that only its owner reads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "src/alerts/sink.h"

namespace detectd {

struct JsonFileOptions {
  std::string path;
  uint64_t max_bytes = uint64_t{100} << 20;  // then it becomes PATH.1, that PATH.2, ...
  uint64_t keep = 5;                         // files besides the one that is written
};
// Never through a symbolic link. What is there already is added to, behind what a killed program left of a line.
std::unique_ptr<Sink> make_json_file_sink(JsonFileOptions options);

}  // namespace detectd

// What a daemon needs of its host besides the kernel's features, which src/probe tries out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/detectd/config.h"
#include "src/probe/probe_report.h"

namespace detectd {

// Of the file as it is, and of what stands in it.
std::vector<Finding> check_configuration(const std::optional<std::string>& path,
                                         std::optional<Config>& config);
std::vector<Finding> check_rule_files(const Config& config);
std::vector<Finding> check_database(const Config& config);
// The disk below `path`.
Finding check_disk(const std::string& path);
Finding check_clock();
Finding check_capabilities();
// Whether it answers, and what it has to say.
std::vector<Finding> check_daemon(const std::string& socket);

// Of a file or directory: nothing where nobody but `owner` can write it. What to do else.
std::optional<std::string> remedy_for_mode(const std::string& path, unsigned mode, unsigned uid);

}  // namespace detectd

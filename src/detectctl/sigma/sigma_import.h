// Sigma files to files of rules, without touching a disk. What is written has been parsed and compiled, so
// that it loads; what could not be is told with its place in the YAML.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "engine/diagnostic.h"
#include "engine/rule.h"

namespace detectd {

struct SigmaFile {
  SourcePtr source;
  std::string name;  // where it stands below the path that was given: "linux/x.yml"
};

struct ImportedFile {
  std::string name;  // "linux/x.toml"
  std::string text;
};

struct SigmaImport {
  std::vector<ImportedFile> files;  // of those in which something could be converted, in order of input
  size_t rules = 0;
  size_t correlations = 0;
  size_t filters = 0;
  size_t refused = 0;   // documents, and files that could not be read to their end
  size_t inactive = 0;  // rules that no source of this version can feed
  std::map<std::string, size_t> inactive_reasons;
  Diagnostics diagnostics;  // errors only: why documents were refused
};

// `lists` are those that placeholders may name; they are written by themselves (write_import_lists).
SigmaImport import_sigma(const std::vector<SigmaFile>& files,
                         const std::map<std::string, ListDefinition>& lists);

// The file of `lists`; its name can not be that of an imported one.
ImportedFile write_import_lists(const std::map<std::string, ListDefinition>& lists);

// Whether a text was written by an import, and may be overwritten by one.
bool is_imported_text(std::string_view text);

}  // namespace detectd

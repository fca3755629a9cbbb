// What is wrong with a text that is not TOML, in words that help. A TOML parser names the byte at which it
// gave up; the mistake is often elsewhere (a quote that was not closed), and what to do is another matter.
#pragma once

#include <optional>

#include "engine/diagnostic.h"
#include "engine/toml_text.h"
#include "engine/toml_tree.h"

namespace detectd {

// YAML, JSON, UTF-16: nothing in such a file is worth another complaint.
std::optional<Diagnostic> find_foreign_format(const SourcePtr& file, const TextMap& map);

// What keeps a block from the TOML parser: the first byte that is not UTF-8 or a control character, a
// header without a name, nesting beyond the limits.
std::optional<Diagnostic> find_unparsable(const SourcePtr& file, const TextMap& map, const TomlBlock& block);

Diagnostic explain_toml_error(const SourcePtr& file, const TextMap& map, const TomlBlock& block,
                              const TomlError& error);

}  // namespace detectd

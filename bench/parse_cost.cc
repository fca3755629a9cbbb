#include "bench/parse_cost.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

namespace detectd::bench {
namespace {

using namespace simdjson;

constexpr size_t kBatchBytes = size_t{1} << 20;

uint64_t walk(ondemand::object object);

uint64_t walk(ondemand::value value) {
  switch (value.type()) {
    case ondemand::json_type::object: return walk(ondemand::object(value.get_object()));
    case ondemand::json_type::array: {
      uint64_t bytes = 0;
      for (auto element : value.get_array()) bytes += walk(ondemand::value(std::move(element)));
      return bytes;
    }
    case ondemand::json_type::string: return std::string_view(value.get_string()).size();
    default: return 0;
  }
}

uint64_t walk(ondemand::object object) {
  uint64_t bytes = 0;
  for (auto field : object) {
    bytes += std::string_view(field.unescaped_key()).size();
    bytes += walk(ondemand::value(field.value()));
  }
  return bytes;
}

}  // namespace

ParsedFile::ParsedFile(std::string text)
    : text_(std::move(text)),
      size_(text_.size()),
      lines_(static_cast<uint64_t>(std::count(text_.begin(), text_.end(), '\n'))) {
  text_.append(SIMDJSON_PADDING, '\0');
}

uint64_t ParsedFile::parse() const {
#ifdef __AVX2__
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2")) return 0;
#endif
  uint64_t bytes = 0;
  try {
    ondemand::parser parser;
#ifdef SIMDJSON_THREADS_ENABLED
    parser.threaded = false;
#endif
    ondemand::document_stream lines =
        parser.iterate_many(reinterpret_cast<const uint8_t*>(text_.data()), size_, kBatchBytes);
    for (auto line : lines) bytes += walk(ondemand::object(line.get_object()));
  } catch (const simdjson_error&) {
    return 0;
  }
  return bytes;
}

}  // namespace detectd::bench

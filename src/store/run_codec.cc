#include "src/store/run_codec.h"

#include "src/store/packing.h"

namespace detectd {
namespace {

constexpr int64_t kMaxWords = 100'000;

}  // namespace

std::string pack(const RunStart& start) {
  std::string bytes;
  Packer packer(bytes);
  packer.number(static_cast<int64_t>(start.command.size()));
  for (const std::string& word : start.command) packer.text(word);
  packer.text(start.version).text(start.rules_digest).number(start.time_ns);
  // Behind what earlier versions wrote, and only where it says something: they could not read it.
  if (start.alerts) packer.number(1);
  return bytes;
}

std::string pack(const RunEnd& end) {
  std::string bytes;
  Packer packer(bytes);
  packer.text(end.ending).number(end.complete ? 1 : 0);
  for (const uint64_t count : {end.events, end.hits, end.skipped, end.lost, end.gaps}) {
    packer.number(static_cast<int64_t>(count));
  }
  packer.text(end.hits_digest).number(end.time_ns);
  return bytes;
}

std::optional<RunStart> unpack_run_start(std::string_view bytes) {
  Unpacker unpacker(bytes);
  RunStart start;
  int64_t words = -1;
  unpacker.number(words);
  if (words < 0 || words > kMaxWords) return std::nullopt;
  for (int64_t i = 0; i < words; ++i) unpacker.text(start.command.emplace_back());
  unpacker.text(start.version).text(start.rules_digest).number(start.time_ns);
  if (unpacker.complete()) return start;
  int64_t alerts = 0;
  unpacker.number(alerts);
  if (!unpacker.complete()) return std::nullopt;
  start.alerts = alerts != 0;
  return start;
}

std::optional<RunEnd> unpack_run_end(std::string_view bytes) {
  Unpacker unpacker(bytes);
  RunEnd end;
  int64_t complete = 0;
  unpacker.text(end.ending).number(complete);
  for (uint64_t* count : {&end.events, &end.hits, &end.skipped, &end.lost, &end.gaps}) {
    int64_t number = 0;
    unpacker.number(number);
    *count = static_cast<uint64_t>(number);
  }
  unpacker.text(end.hits_digest).number(end.time_ns);
  if (!unpacker.complete()) return std::nullopt;
  end.complete = complete != 0;
  return end;
}

}  // namespace detectd

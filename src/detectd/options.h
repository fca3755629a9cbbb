// The command line of detectd. One table makes the parser, --help and the OPTIONS section of detectd(8):
// what stands there is what is parsed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/result.h"
#include "engine/rule.h"
#include "src/report/terminal.h"

namespace detectd {

enum class OutputFormat : uint8_t { kTable, kJson, kNone };
enum class LogFormat : uint8_t { kText, kJson };

struct Options {
  std::optional<std::string> config;
  std::vector<std::string> rules;     // empty: the configuration's rules.paths
  std::vector<std::string> captures;  // "-" is standard input
  std::optional<std::string> source;  // of live events: source.kind
  bool check = false;
  bool probe = false;
  bool print_config = false;
  bool help = false;
  bool version = false;
  std::vector<std::string> words;  // all of it, as written

  std::vector<std::string> only;
  std::vector<std::string> skip;
  std::optional<Level> level;
  std::optional<std::string> from;  // as written: what it means depends on `tz`
  std::optional<std::string> to;
  std::optional<std::string> tz;

  bool skip_bad = false;
  bool allow_incomplete = false;
  bool fail_on_hit = false;
  unsigned threads = 0;    // 0: as many as there are processors
  double speed = 0;        // times real time; 0: as fast as it goes
  int64_t timeout_ns = 0;  // 0: none
  uint64_t limit = 0;      // 0: none
  bool dry_run = false;    // of responses

  std::optional<std::string> db;
  bool no_db = false;  // --no-db, the last of both
  std::optional<std::string> capture;
  uint64_t capture_max_bytes = 0;  // 0: one part
  OutputFormat output = OutputFormat::kTable;
  bool stats = false;
  bool profile = false;
  ColorChoice color = ColorChoice::kAuto;
  bool quiet = false;
  bool verbose = false;
  LogFormat log_format = LogFormat::kText;
};

// A mistake is Errc::kUsage; its message says what to write instead.
Result<Options> parse_options(const std::vector<std::string>& words);
// Whether a command line that is not understood asks for messages in JSON all the same.
bool wants_json_log(const std::vector<std::string>& words);

// What --help prints, at most 80 columns wide.
std::string help_text();
// The OPTIONS section of the manual, in mdoc.
std::string manual_options();

}  // namespace detectd

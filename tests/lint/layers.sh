#!/usr/bin/env bash
# Who may see what, said to the reader; the CMake targets say it to the linker. Prints every breach and fails if there is one.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

breaches=0
# forbid WHAT WHERE PATTERN [EXCEPT]: extended regular expressions; WHERE and EXCEPT are of paths.
forbid() {
  local files hits
  files=$(find engine src tests bench \( -name '*.h' -o -name '*.cc' \) | grep -E "^($2)" | grep -vE "^(${4:-$})" || true)
  [[ -n $files ]] || return 0
  hits=$(xargs -d '\n' grep -nE "$3" /dev/null <<<"$files" || true)
  [[ -z $hits ]] || { printf 'layers: %s:\n%s\n' "$1" "$hits"; breaches=1; }
}

forbid 'the engine touches no file, terminal or system call' engine/ \
  '#include <(fstream|iostream|filesystem|thread|mutex|unistd\.h|fcntl\.h|poll\.h|signal\.h|sys/.*)>'
forbid 'the engine has no clock, no chance and no environment' engine/ \
  '_clock::now|clock_gettime|gettimeofday|\b(std::)?time\((nullptr|NULL|0)\)|random_device|\brand\(|getenv\('
forbid 'the engine knows nothing of src/' engine/ '#include "src/'
forbid 'only src/log.cc sees spdlog' '(engine|src)/' '#include <spdlog|spdlog::' 'src/log\.cc$'

edges='sources enrich store alerts respond'
for edge in $edges; do
  others=${edges/$edge/}
  forbid "the edge $edge knows only the engine" "src/$edge/" "#include \"src/(pipeline|live/|detectd/|detectctl/|$(xargs <<<"$others" | tr ' ' '|'))"
done
forbid 'reports know only the engine' src/report/ "#include \"src/(pipeline|detectd/|detectctl/|${edges// /|})"

forbid 'the control socket knows no edge, and neither program' src/control/ \
  "#include \"src/(pipeline|detectd/|detectctl/|${edges// /|})"
forbid 'only what watches responds: no replay comes near it' '(engine|src)/' \
  '#include "src/(respond/(aim|cgroup|grip_ring|process_tree|process_view|responder|response_log)|detectd/responses)\.h' \
  'src/(respond/.*|detectd/(responses|watch)\.(cc|h)|live/host_processes\.h)$'
forbid 'only signals.cc sends signals; exec_guard, file_reader, command_sink and selftest end their own children, and a probe sends 0' '(engine|src)/' 'pidfd_send_signal|(^|[^_[:alnum:].>])(t|tg)?kill\(|sigqueue' 'src/(respond/signals|live/exec_guard|enrich/file_reader|alerts/command_sink|detectctl/own_child|probe/kernel_probes)\.(cc|h)$'
forbid 'only regex.cc sees RE2' '(engine|src)/' '#include <re2/' 'engine/regex\.cc$'
forbid 'regexes are run one by one, never as one set whose automaton hostile text can blow up' '(engine|src)/' '<re2/set\.h>|RE2::Set'
forbid 'only toml_tree.cc and config.cc see toml++' '(engine|src)/' '#include <toml' '(engine/toml_tree|src/detectd/config)\.cc$'
forbid 'only json_index.cc sees simdjson' '(engine|src)/' '#include <simdjson' 'engine/json_index\.cc$'
forbid 'only digest.cc sees libcrypto, only tls.cc libssl' '(engine|src)/' '#include <openssl/' '(engine/digest|src/alerts/tls)\.cc$'
forbid 'only webhook_sink.cc sees libcurl' '(engine|src)/' '#include <curl/' 'src/alerts/webhook_sink\.cc$'
forbid 'only what watches tells sinks: no replay comes near it' '(engine|src)/' '#include "src/(alerts/|detectd/(alerts|alert_queue)\.h)' 'src/(alerts/.*|detectd/(alerts|alert_check|alert_queue|watch|main)\.(cc|h))$'
forbid 'only database.cc sees SQLite' '(engine|src)/' '#include <sqlite3' 'src/store/database\.cc$'
forbid 'no SQL is made of data: it is a literal, and values are bound' 'src/' '(prepare|execute|query_number)\([^)]*(\+|append|format)'
forbid 'only compress.cc and decompress.cc see zlib and zstd' '(engine|src)/' '#include <(zlib|zstd)' 'src/(compress|sources/decompress)\.cc$'
forbid 'only test_report.cc sees pugixml' '(engine|src)/' '#include <pugixml' 'src/detectctl/test_report\.cc$'
forbid 'only notify.cc sees libsystemd' '(engine|src)/' '#include <systemd/' 'src/notify\.cc$'
forbid 'only exec_probe.cc sees libbpf' '(engine|src)/' '#include <bpf/' 'src/sources/exec_probe\.cc$'
forbid 'only command_line.cc sees CLI11' '(engine|src)/' '#include <CLI/' 'src/command_line\.cc$'
forbid 'what the programs share knows neither' 'src/[^/]*\.(cc|h)$' '#include "src/(detectd|detectctl)/'
forbid 'no using namespace of std' '(engine|src|tests|bench)/' 'using namespace std;'

exit "$breaches"

# shellcheck shell=bash
# What the measurements of this directory share.

pid=  # of the process that is measured

need_root() { ((EUID == 0)) || { echo "${0##*/}: watching needs root" >&2; exit 1; }; }

# Of numbers, a line each.
median() { sort -g | awk '{v[NR] = $1} END {print NR ? v[int((NR + 1) / 2)] : "-"}'; }

# cpu_seconds PID: that its threads took until now
cpu_seconds() {
  local stat
  stat=$(<"/proc/$1/stat")
  read -r -a stat <<<"${stat##*) }"
  awk -v t=$((stat[11] + stat[12])) -v k="$(getconf CLK_TCK)" 'BEGIN {printf "%.2f\n", t / k}'
}
# memory_mib PID VmRSS|VmHWM
memory_mib() { awk -v name="$2:" '$1 == name {printf "%.1f\n", $2 / 1024}' "/proc/$1/status"; }

# until_said TEXT FILE: half a minute at most. False: it does not say so, or has ended.
until_said() {
  local i
  for ((i = 0; i < 300; ++i)); do
    grep -q "$1" "$2" 2>/dev/null && return
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.1
  done
  return 1
}
# until_watching FILE: of what detectd says; ends the script where it does not come to watch.
until_watching() { until_said 'watching with' "$1" || { echo "${0##*/}: detectd does not watch: $(tail -n 1 "$1")" >&2; exit 1; }; }

# unlocked COMMAND...: in place of this shell; the lock of a daemon that runs on this host already is left alone.
unlocked() {
  exec unshare --mount --propagation private bash -c 'mkdir -p /run/detectd && mount -t tmpfs none /run/detectd && exec "$@"' - "$@"
}

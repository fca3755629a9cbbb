#!/usr/bin/env bash
# Runs a unit's command with its file system view, capabilities, limits and filters of system calls, where no systemd runs.
# A directive that this does not know is an error, so that none is left out in silence.
#   launch_unit.sh CONFINE ROOT UNIT[,DROP-IN...] [PROGRAM [ARGUMENT...]]
# ROOT is the directory that becomes the root of the file system. With $INSTALLED, a directory with an installed tree on
# a file system of its own, ROOT is an empty one, and becomes this host with that tree laid over it. State, log and run-time
# directories are those of the tree (or of ROOT), and must be there. PROGRAM stands for what ExecStart says.
# All mounts are this process's own: nothing here or in the caller may ever remove what lies below ROOT while they stand.
set -euo pipefail
confine=$1 root=$2 files=$3
shift 3
directories=${INSTALLED:-$root}
die() { printf 'launch_unit: %s\n' "$*" >&2; exit 125; }

namespace=$(readlink /proc/self/ns/mnt)
if [[ -z ${LAUNCH_UNIT_OUTSIDE-} ]]; then
  # systemd's PrivateMounts and ProtectHostname.
  LAUNCH_UNIT_OUTSIDE=$namespace exec unshare --mount --uts --propagation slave "$0" "$confine" "$root" "$files" "$@"
fi
[[ $namespace != "$LAUNCH_UNIT_OUTSIDE" ]] || die 'not in a mount namespace of its own'

declare -A set_to=()
lists=' CapabilityBoundingSet RestrictAddressFamilies SystemCallFilter StateDirectory LogsDirectory RuntimeDirectory ReadWritePaths '
while IFS= read -r line; do
  [[ $line =~ ^([A-Za-z]+)=(.*)$ ]] || continue
  key=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
  if [[ -n $value && $lists == *" $key "* ]]; then
    set_to[$key]=${set_to[$key]:+${set_to[$key]}$'\n'}$value
  else
    set_to[$key]=$value
  fi
done < <(for file in ${files//,/ }; do sed -n '/^\[Service\]/,/^\[/{/^[#[]/d;p}' "$file"; done)

is() { [[ ${set_to[$1]-} == "$2" ]]; }
on() { [[ ${set_to[$1]-no} =~ ^(yes|true|on|1)$ ]]; }
for key in "${!set_to[@]}"; do
  case $key in
    # What becomes of the process is the caller's business here.
    Type | ExecStart | ExecReload | Restart | RestartSec | RestartPreventExitStatus | SuccessExitStatus | WatchdogSec | TimeoutStopSec | KillMode) ;;
    # Control groups, and what ends with the last process of a service.
    MemoryMax | TasksMax | DevicePolicy | IPAddressDeny | RemoveIPC | KeyringMode | RuntimeDirectoryPreserve | StateDirectoryMode | LogsDirectoryMode) ;;
    # Done below.
    Environment | SupplementaryGroups | StateDirectory | LogsDirectory | RuntimeDirectory | UMask | OOMScoreAdjust | LimitNOFILE | LimitRTTIME | CapabilityBoundingSet | NoNewPrivileges) ;;
    RestrictAddressFamilies | SystemCallFilter | RestrictRealtime | RestrictNamespaces | RestrictSUIDSGID | LockPersonality | MemoryDenyWriteExecute) ;;
    ProtectKernelTunables | ProtectKernelModules | ProtectKernelLogs | ProtectControlGroups | PrivateTmp | PrivateDevices | PrivateMounts) ;;
    # Needs no more than the capabilities and system calls that are gone.
    ProtectClock | ProtectHostname) ;;
    User) is User root || die "User=${set_to[User]}" ;;
    AmbientCapabilities) is "$key" '' || die "$key=${set_to[$key]}" ;;
    ProtectSystem) is "$key" strict || die "$key=${set_to[$key]}" ;;
    ProtectHome) is "$key" read-only || die "$key=${set_to[$key]}" ;;
    PrivateNetwork | PrivateUsers) is "$key" no || die "$key=${set_to[$key]}" ;;
    ProtectProc) is "$key" default || die "$key=${set_to[$key]}" ;;
    ProcSubset) is "$key" all || die "$key=${set_to[$key]}" ;;
    SystemCallArchitectures) is "$key" native || die "$key=${set_to[$key]}" ;;
    SystemCallErrorNumber) is "$key" EPERM || die "$key=${set_to[$key]}" ;;
    *) die "knows no $key=" ;;
  esac
done

calls_of() {  # NAME: the calls of a group, and of the groups in it
  local name
  if [[ $1 != @* ]]; then echo "$1"; return; fi
  while read -r name; do
    [[ -z $name || $name == '#'* || $name == "$1" ]] || calls_of "$name"
  done < <(systemd-analyze syscall-filter "$1")
}
# As systemd does it: the first line makes a list of what is allowed, a line with ~ takes from it.
declare -A allowed=()
allowed_calls() {
  local line word call
  while IFS= read -r line; do
    for word in ${line#\~}; do
      while read -r call; do
        if [[ $line == \~* ]]; then unset "allowed[$call]"; else allowed[$call]=1; fi
      done < <(calls_of "$word")
    done
  done < <(echo @default; printf '%s\n' "${set_to[SystemCallFilter]}")
  echo "${!allowed[@]}"
}
settings() {
  local key limit
  echo "capabilities ${set_to[CapabilityBoundingSet]//$'\n'/ }"
  [[ -z ${set_to[SupplementaryGroups]-} ]] || echo "group $group"
  echo "families ${set_to[RestrictAddressFamilies]//$'\n'/ }"
  echo "syscalls $(allowed_calls)"
  for limit in NOFILE RTTIME; do [[ -z ${set_to[Limit$limit]-} ]] || echo "limit $limit ${set_to[Limit$limit]}"; done
  for key in NoNewPrivileges MemoryDenyWriteExecute RestrictNamespaces RestrictSUIDSGID LockPersonality RestrictRealtime; do
    if on "$key"; then echo "$key"; fi
  done
}
[[ -z ${set_to[SupplementaryGroups]-} ]] || group=$(sed -n "s/^${set_to[SupplementaryGroups]}:[^:]*:\([0-9]*\):.*/\1/p" "${INSTALLED:-$root}/etc/group")
settings=$(settings)

if [[ -n ${INSTALLED-} ]]; then
  # Programs are the same files as for everybody else, which the daemon looks at; so not all of it is one overlay.
  mount --rbind / "$root"
  for place in etc usr/sbin usr/share var/lib var/log run; do
    mount -t overlay -o "lowerdir=$INSTALLED/$place:/$place" installed "$root/$place"
  done
  mount --bind "$INSTALLED/etc/detectd" "$root/etc/detectd"
else
  mount --rbind "$root" "$root"
fi
for directory in proc sys; do mount --rbind "/$directory" "$root/$directory"; done
# The places to write, mounted before all is made read-only.
writable=()
write_below() {  # PREFIX NAMES
  local name
  for name in $2; do
    mount --bind "$directories/$1/$name" "$root/$1/$name"
    writable+=("$root/$1/$name")
  done
}
write_below var/lib "${set_to[StateDirectory]-}"
write_below var/log "${set_to[LogsDirectory]-}"
write_below run "${set_to[RuntimeDirectory]-}"
if on PrivateTmp; then
  for directory in tmp var/tmp; do mount -t tmpfs -o mode=1777 private "$root/$directory"; writable+=("$root/$directory"); done
fi
if on PrivateDevices; then
  devices=$(mktemp -d)
  mount -t tmpfs -o mode=755 devices "$devices"
  for device in null zero full random urandom tty; do cp -a "/dev/$device" "$devices/$device"; done
  for directory in shm pts; do mkdir "$devices/$directory" && mount --bind "/dev/$directory" "$devices/$directory"; done
  mount --move "$devices" "$root/dev"
  rmdir "$devices"
else
  mount --rbind /dev "$root/dev"
fi
read_only() { [[ ! -e $1 ]] || { mountpoint -q "$1" || mount --rbind "$1" "$1"; mount -o remount,bind,ro "$1"; }; }
hide() { [[ ! -e $1 ]] || mount --bind -o ro "$nothing" "$1"; }
is_writable() { local place; for place in "${writable[@]}"; do [[ $1 != "$place" ]] || return 0; done; return 1; }
while read -r place; do
  place=$(printf '%b' "$place")
  [[ $place == "$root" || $place == "$root"/* ]] || continue
  case ${place#"$root"} in
    /proc | /proc/*) continue ;;
    /sys/fs/cgroup | /sys/fs/cgroup/*) on ProtectControlGroups || continue ;;
    /sys | /sys/*) on ProtectKernelTunables || continue ;;
  esac
  is_writable "$place" || mount -o remount,bind,ro "$place"
done < <(cut -d' ' -f5 /proc/self/mountinfo | sort -u)
nothing=$(mktemp) && chmod 0 "$nothing"
if on ProtectKernelTunables; then
  for place in acpi bus fs irq latency_stats mtrr scsi sys sysrq-trigger timer_stats; do read_only "$root/proc/$place"; done
  for place in kallsyms kcore; do hide "$root/proc/$place"; done
fi
if on ProtectKernelLogs; then hide "$root/proc/kmsg"; fi
rm "$nothing"

# Root of a machine without CAP_SYS_RESOURCE may not protect itself like that.
[[ -z ${set_to[OOMScoreAdjust]-} ]] || echo "${set_to[OOMScoreAdjust]}" 2>/dev/null >/proc/self/oom_score_adj || true
umask "${set_to[UMask]}"
[[ -z ${set_to[Environment]-} ]] || export "${set_to[Environment]?}"
if (($# == 0)); then
  # shellcheck disable=SC2086 # as systemd splits it, where nothing is quoted
  set -- ${set_to[ExecStart]}
fi
unset LAUNCH_UNIT_OUTSIDE INSTALLED
exec "$confine" "$root" "$@" <<<"$settings"

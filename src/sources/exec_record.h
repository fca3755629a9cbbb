/* What the kernel hands over of a program that begins (exec_probe.bpf.c), as bytes in a ring: written by C for the
 * kernel, read by C++. All numbers are of the host's own namespaces. */
#pragma once

#ifdef __cplusplus
#include <cstdint>
namespace detectd {
#define EXEC_RECORD_CONST(name, value) inline constexpr uint32_t name = value
#else
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
#define EXEC_RECORD_CONST(name, value) enum { name = value }
#endif

EXEC_RECORD_CONST(kRecordMaxGroups, 64);
EXEC_RECORD_CONST(kRecordStreams, 3);
/* Of arguments that do not fit into the record with the rest, so much is in each part before it. */
EXEC_RECORD_CONST(kRecordArgBytes, 16384);
/* Of more arguments the first and the last. */
EXEC_RECORD_CONST(kRecordHeadParts, 8);
EXEC_RECORD_CONST(kRecordPathBytes, 4096);

/* ExecRecord::kind */
EXEC_RECORD_CONST(kRecordProgram, 1);
EXEC_RECORD_CONST(kRecordArgs, 2);

/* ExecRecord::flags: what is not in the record. */
EXEC_RECORD_CONST(kRecordNoArgs, 1 << 0);
EXEC_RECORD_CONST(kRecordNoPath, 1 << 1);
EXEC_RECORD_CONST(kRecordNoDirectory, 1 << 2);
EXEC_RECORD_CONST(kRecordNoRoot, 1 << 3);
EXEC_RECORD_CONST(kRecordNoStreams, 1 << 4);
EXEC_RECORD_CONST(kRecordNoLoginUid, 1 << 5);
/* The device is the superblock's, where stat(2) tells another one (btrfs, overlayfs): not to be compared. */
EXEC_RECORD_CONST(kRecordOtherDevice, 1 << 6);
/* The reader was not told of these control groups, or so long ago that it was forgotten. */
EXEC_RECORD_CONST(kRecordNewGroups, 1 << 7);

/* ExecPath::flags */
EXEC_RECORD_CONST(kPathRemoved, 1);  /* the name was removed */
EXEC_RECORD_CONST(kPathNameless, 2); /* of no directory: a file in memory */

/* Names from the last one to the first, each with a NUL behind it. */
struct ExecPath {
  uint16_t bytes;
  uint16_t flags;
};

struct ExecStream {
  uint32_t open;
  uint32_t mode;
  uint32_t device; /* as the kernel packs it: 20 bits of minor */
  uint16_t family; /* of a socket with a peer: AF_INET, AF_INET6; else 0 */
  uint16_t port;   /* in the byte order of the network */
  uint64_t inode;
  uint8_t address[16];
};

/* Followed by the names of executable, working directory and root, and by arguments. A part (kRecordArgs) ends behind
 * `args_bytes` and is followed by arguments alone. */
struct ExecRecord {
  uint16_t kind;
  uint16_t flags;
  uint32_t pid;
  uint64_t monotonic_ns;
  uint32_t part;       /* of a part: its number; of a program: how many parts came before it */
  uint32_t args_bytes; /* behind the names */

  uint64_t arg_start;
  uint64_t arg_end;
  uint64_t start_stack;
  uint64_t start_ns; /* of the process, by CLOCK_BOOTTIME */
  uint32_t group_leader;
  uint32_t session_leader;
  uint32_t terminal; /* as in /proc/PID/stat; 0: none */
  uint32_t task_flags;
  uint32_t innermost_pid;
  uint32_t login_uid;
  uint32_t user[3];  /* real, effective, saved */
  uint32_t group[3]; /* the same */
  uint64_t capabilities;
  uint64_t control_groups; /* the same number: the same groups, of all hierarchies; 0: not known */
  uint64_t moves;          /* ExecProbeCounts::moves */
  /* Where the reader does not know these groups: the parent, if it is in the same, else 0; and when it began. */
  uint64_t neighbour_start_ns;
  uint32_t neighbour;
  uint32_t file_mount_namespace; /* in which the executable's path leads to it; 0: in none */
  uint32_t mount_namespace;      /* of the process */
  uint32_t user_namespace;

  uint64_t inode;
  uint32_t device;
  uint32_t links;
  uint32_t owner;
  uint32_t mode;

  struct ExecPath executable;
  struct ExecPath directory;
  struct ExecPath root;
  uint32_t group_count; /* also of those that there was no room for */

  struct ExecStream streams[kRecordStreams];
  uint32_t groups[kRecordMaxGroups];
  char name[16];
};

/* What the reader tells the program, before it is loaded. */
struct ExecProbeSettings {
  uint64_t seed;       /* of ExecRecord::control_groups */
  uint64_t wake_bytes; /* the reader is woken where more than that waits */
};

/* What the program counts, to be read at any time. */
struct ExecProbeCounts {
  uint64_t dropped; /* records and parts that found no room */
  uint64_t moves;   /* how often processes were moved to other control groups */
  uint64_t renames; /* of control groups; they get other numbers then */
};

#undef EXEC_RECORD_CONST
#ifdef __cplusplus
}  // namespace detectd
#endif

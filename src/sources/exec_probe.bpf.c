/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Runs in the kernel at each exec, once the new program is in place and before its first instruction, and hands over
 * what whoever reads /proc afterwards has to race for (exec_record.h).
 *
 * Types have the fields that are used, and no more: where they are in this kernel, the loader finds out by name. */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "src/sources/exec_record.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
  struct list_head* next;
};
struct hlist_bl_node {
  void** pprev;
};
typedef struct {
  uint32_t val;
} kuid_t;
typedef struct {
  uint32_t val;
} kgid_t;
/* 64 bits, of which little-endian Linux had two words before 6.3, in the same order. */
typedef struct {
} kernel_cap_t;
struct qstr {
  const unsigned char* name;
};
struct super_block {
  uint32_t s_dev;
  unsigned long s_magic;
};
struct inode {
  uint16_t i_mode;
  kuid_t i_uid;
  struct super_block* i_sb;
  unsigned long i_ino;
  unsigned int i_nlink;
  uint32_t i_rdev;
};
struct dentry {
  struct hlist_bl_node d_hash;
  struct dentry* d_parent;
  struct qstr d_name;
};
struct vfsmount {
  struct dentry* mnt_root;
};
struct ns_common {
  unsigned int inum;
};
struct mnt_namespace {
  struct ns_common ns;
};
struct mount {
  struct mount* mnt_parent;
  struct dentry* mnt_mountpoint;
  struct vfsmount mnt;
  struct mnt_namespace* mnt_ns;
};
struct path {
  struct vfsmount* mnt;
  struct dentry* dentry;
};
struct in6_addr {
  uint8_t in6_u[16];
};
struct sock_common {
  uint32_t skc_daddr;
  uint16_t skc_dport;
  unsigned short skc_family;
  struct in6_addr skc_v6_daddr;
};
struct sock {
  struct sock_common __sk_common;
};
struct socket {
  struct sock* sk;
};
struct file {
  struct path f_path;
  struct inode* f_inode;
  void* private_data;
};
struct fdtable {
  unsigned int max_fds;
  struct file** fd;
};
struct files_struct {
  struct fdtable* fdt;
};
struct fs_struct {
  struct path root;
  struct path pwd;
};
struct mm_struct {
  unsigned long arg_start;
  unsigned long arg_end;
  unsigned long start_stack;
  struct file* exe_file;
};
struct user_namespace {
  struct ns_common ns;
};
struct nsproxy {
  struct mnt_namespace* mnt_ns;
};
struct upid {
  int nr;
};
struct pid {
  unsigned int level;
  struct upid numbers[1];
};
struct tty_driver {
  int major;
  int minor_start;
};
struct tty_struct {
  int index;
  struct tty_driver* driver;
};
struct signal_struct {
  struct pid* pids[4];
  struct tty_struct* tty;
};
struct group_info {
  int ngroups;
  kgid_t gid[];
};
struct cred {
  kuid_t uid;
  kgid_t gid;
  kuid_t suid;
  kgid_t sgid;
  kuid_t euid;
  kgid_t egid;
  kernel_cap_t cap_effective;
  struct user_namespace* user_ns;
  struct group_info* group_info;
};
struct kernfs_node {
  uint64_t id;
};
struct cgroup {
  struct kernfs_node* kn;
};
struct cgrp_cset_link {
  struct cgroup* cgrp;
  struct list_head cgrp_link;
};
struct css_set {
  struct list_head cgrp_links;
};
struct task_struct {
  unsigned int flags;
  int tgid;
  struct task_struct* real_parent;
  struct task_struct* group_leader;
  struct pid* thread_pid;
  uint64_t start_boottime;
  struct mm_struct* mm;
  struct cred* cred;
  struct fs_struct* fs;
  struct files_struct* files;
  struct nsproxy* nsproxy;
  struct signal_struct* signal;
  kuid_t loginuid;
  struct css_set* cgroups;
  char comm[16];
};
struct linux_binprm {
  int argc;
};

#pragma clang attribute pop

const volatile struct ExecProbeSettings settings SEC(".rodata") = {};
struct ExecProbeCounts counts SEC(".bss") = {};

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} records SEC(".maps");

/* The sets of control groups whose paths are known to the reader; of another one it is woken at once. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4096);
  __type(key, uint64_t);
  __type(value, uint8_t);
} known_groups SEC(".maps");

enum { kNamesBytes = 3 * kRecordPathBytes, kMaxName = 320, kMaxNames = 2048, kMaxHierarchies = 32 };

struct Scratch {
  struct ExecRecord record;
  char text[kNamesBytes + kMaxName + kRecordArgBytes];
};
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, uint32_t);
  __type(value, struct Scratch);
} scratches SEC(".maps");

enum {
  kModeType = 0170000,
  kModeSocket = 0140000,
  kBtrfs = 0x9123683e,
  kOverlay = 0x794c7630,
  kBcachefs = 0xca451a4e,
  kInet = 2,
  kInet6 = 10,
};

struct Walk {
  char* text;
  struct dentry* dentry;
  struct vfsmount* mount;
  uint32_t at;
  uint32_t complete;
  uint32_t nameless;
};

static __always_inline struct mount* mount_of(struct vfsmount* inner) {
  return (void*)inner - bpf_core_field_offset(struct mount, mnt);
}

static long take_name(uint32_t index, void* context) {
  struct Walk* walk = context;
  for (int crossings = 0; crossings < 4; ++crossings) {
    struct vfsmount* inner = walk->mount;
    if (walk->dentry != BPF_CORE_READ(inner, mnt_root)) break;
    struct mount* mount = mount_of(inner);
    struct mount* above = BPF_CORE_READ(mount, mnt_parent);
    if (above == mount) {
      walk->complete = 1;
      return 1;
    }
    walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
    walk->mount = (void*)above + bpf_core_field_offset(struct mount, mnt);
  }
  struct dentry* dentry = walk->dentry;
  struct vfsmount* at_mount = walk->mount;
  /* More of them on top of each other than are looked through. */
  if (dentry == BPF_CORE_READ(at_mount, mnt_root)) return 1;
  struct dentry* parent = BPF_CORE_READ(dentry, d_parent);
  uint32_t at = walk->at;
  if (at >= kNamesBytes) return 1;
  const long got = bpf_probe_read_kernel_str(walk->text + at, kMaxName, BPF_CORE_READ(dentry, d_name.name));
  /* A longer name is cut. */
  if (got <= 0 || got >= kMaxName) return 1;
  walk->at = at + got;
  if (parent == dentry) {
    walk->nameless = 1;
    walk->complete = index == 0;
    return 1;
  }
  walk->dentry = parent;
  return 0;
}

static __always_inline int take_path(struct Scratch* scratch, struct Walk* walk, struct path* from,
                                     struct ExecPath* to) {
  const uint32_t begin = walk->at;
  struct dentry* dentry = BPF_CORE_READ(from, dentry);
  walk->dentry = dentry;
  walk->mount = BPF_CORE_READ(from, mnt);
  walk->complete = 0;
  walk->nameless = 0;
  to->flags = 0;
  to->bytes = 0;
  bpf_loop(kMaxNames, take_name, walk, 0);
  if (!walk->complete || walk->at - begin > kRecordPathBytes) {
    walk->at = begin;
    return 0;
  }
  if (walk->nameless) to->flags |= kPathNameless;
  const int is_root = BPF_CORE_READ(dentry, d_parent) == dentry;
  if (!is_root && !BPF_CORE_READ(dentry, d_hash.pprev)) to->flags |= kPathRemoved;
  to->bytes = walk->at - begin;
  return 1;
}

static __always_inline void take_file(struct ExecRecord* record, struct file* file) {
  struct inode* inode = BPF_CORE_READ(file, f_inode);
  struct super_block* block = BPF_CORE_READ(inode, i_sb);
  const unsigned long magic = BPF_CORE_READ(block, s_magic);
  if (magic == kBtrfs || magic == kOverlay || magic == kBcachefs) record->flags |= kRecordOtherDevice;
  record->inode = BPF_CORE_READ(inode, i_ino);
  record->device = BPF_CORE_READ(block, s_dev);
  record->links = BPF_CORE_READ(inode, i_nlink);
  record->owner = BPF_CORE_READ(inode, i_uid.val);
  record->mode = BPF_CORE_READ(inode, i_mode);
  /* Whoever runs it may be in another one: /proc/PID/root leads there. Of no tree that can be walked: none. */
  struct mount* mount = mount_of(BPF_CORE_READ(file, f_path.mnt));
  record->file_mount_namespace = BPF_CORE_READ(mount, mnt_ns, ns.inum);
}

static __always_inline void take_stream(struct ExecStream* to, struct file* file) {
  struct inode* inode = BPF_CORE_READ(file, f_inode);
  to->open = 1;
  to->mode = BPF_CORE_READ(inode, i_mode);
  to->device = BPF_CORE_READ(inode, i_rdev);
  to->inode = BPF_CORE_READ(inode, i_ino);
  to->family = 0;
  if ((to->mode & kModeType) != kModeSocket) return;
  struct socket* socket = BPF_CORE_READ(file, private_data);
  struct sock* sock = BPF_CORE_READ(socket, sk);
  const unsigned short family = BPF_CORE_READ(sock, __sk_common.skc_family);
  to->port = BPF_CORE_READ(sock, __sk_common.skc_dport);
  if (to->port == 0) return;
  if (family == kInet) {
    const uint32_t address = BPF_CORE_READ(sock, __sk_common.skc_daddr);
    __builtin_memcpy(to->address, &address, sizeof address);
    to->family = family;
  } else if (family == kInet6 && bpf_core_field_exists(sock->__sk_common.skc_v6_daddr)) {
    BPF_CORE_READ_INTO(&to->address, sock, __sk_common.skc_v6_daddr);
    to->family = family;
  }
}

static __always_inline void take_streams(struct ExecRecord* record, struct task_struct* task) {
  struct fdtable* table = BPF_CORE_READ(task, files, fdt);
  if (!table) {
    record->flags |= kRecordNoStreams;
    return;
  }
  const unsigned int size = BPF_CORE_READ(table, max_fds);
  struct file** files = BPF_CORE_READ(table, fd);
#pragma unroll
  for (unsigned int i = 0; i < kRecordStreams; ++i) {
    struct file* file = 0;
    record->streams[i].open = 0;
    if (i < size) bpf_probe_read_kernel(&file, sizeof file, files + i);
    if (file) take_stream(&record->streams[i], file);
  }
}

struct Groups {
  struct list_head* head;
  struct list_head* at;
  uint64_t key;
};

static long take_group(uint32_t index, void* context) {
  struct Groups* groups = context;
  struct list_head* at = groups->at;
  if (at == groups->head || !at) return 1;
  struct cgrp_cset_link* link = (void*)at - bpf_core_field_offset(struct cgrp_cset_link, cgrp_link);
  uint64_t key = groups->key ^ BPF_CORE_READ(link, cgrp, kn, id);
  key *= 0x9e3779b97f4a7c15ull;
  groups->key = key ^ key >> 29;
  groups->at = BPF_CORE_READ(at, next);
  return 0;
}

/* All hierarchies' groups, of version 1 and 2; numbers of groups are not given twice. 0: not known. */
static __always_inline uint64_t key_of_groups(struct task_struct* task) {
  struct css_set* set = BPF_CORE_READ(task, cgroups);
  struct Groups groups = {.key = settings.seed + counts.renames};
  struct list_head* head = (void*)set + bpf_core_field_offset(struct css_set, cgrp_links);
  groups.head = head;
  groups.at = BPF_CORE_READ(head, next);
  bpf_loop(kMaxHierarchies, take_group, &groups, 0);
  return groups.at == groups.head ? groups.key : 0;
}

/* Whether the reader knows them. */
static __always_inline int take_groups(struct ExecRecord* record, struct task_struct* task) {
  record->moves = counts.moves;
  record->control_groups = key_of_groups(task);
  record->neighbour = 0;
  record->neighbour_start_ns = 0;
  if (record->control_groups && bpf_map_lookup_elem(&known_groups, &record->control_groups)) return 1;
  record->flags |= kRecordNewGroups;
  struct task_struct* parent = BPF_CORE_READ(task, real_parent, group_leader);
  if (record->control_groups && key_of_groups(parent) == record->control_groups) {
    record->neighbour = BPF_CORE_READ(parent, tgid);
    record->neighbour_start_ns = BPF_CORE_READ(parent, start_boottime);
  }
  return 0;
}

static __always_inline void take_credentials(struct ExecRecord* record, struct task_struct* task) {
  struct cred* cred = BPF_CORE_READ(task, cred);
  record->user[0] = BPF_CORE_READ(cred, uid.val);
  record->user[1] = BPF_CORE_READ(cred, euid.val);
  record->user[2] = BPF_CORE_READ(cred, suid.val);
  record->group[0] = BPF_CORE_READ(cred, gid.val);
  record->group[1] = BPF_CORE_READ(cred, egid.val);
  record->group[2] = BPF_CORE_READ(cred, sgid.val);
  record->capabilities = 0;
  bpf_core_read(&record->capabilities, sizeof record->capabilities, &cred->cap_effective);
  record->user_namespace = BPF_CORE_READ(cred, user_ns, ns.inum);
  struct group_info* groups = BPF_CORE_READ(cred, group_info);
  const uint32_t count = BPF_CORE_READ(groups, ngroups);
  record->group_count = count;
  uint32_t taken = count;
  if (taken > kRecordMaxGroups) taken = kRecordMaxGroups;
  bpf_core_read(record->groups, taken * sizeof(uint32_t), &groups->gid);
}

static __always_inline void take_process(struct ExecRecord* record, struct task_struct* task) {
  struct signal_struct* signal = BPF_CORE_READ(task, signal);
  struct pid* pid = BPF_CORE_READ(task, thread_pid);
  struct tty_struct* terminal = BPF_CORE_READ(signal, tty);
  const unsigned int level = BPF_CORE_READ(pid, level);
  struct upid* innermost =
      (void*)pid + bpf_core_field_offset(struct pid, numbers) + level * bpf_core_type_size(struct upid);
  record->innermost_pid = BPF_CORE_READ(innermost, nr);
  record->group_leader = BPF_CORE_READ(signal, pids[2], numbers[0].nr);
  record->session_leader = BPF_CORE_READ(signal, pids[3], numbers[0].nr);
  record->terminal = 0;
  if (terminal) {
    const uint32_t major = BPF_CORE_READ(terminal, driver, major);
    const uint32_t minor = BPF_CORE_READ(terminal, driver, minor_start) + BPF_CORE_READ(terminal, index);
    record->terminal = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
  }
  record->start_ns = BPF_CORE_READ(task, start_boottime);
  record->task_flags = BPF_CORE_READ(task, flags);
  record->mount_namespace = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
  record->login_uid = -1;
  if (bpf_core_field_exists(task->loginuid)) {
    record->login_uid = BPF_CORE_READ(task, loginuid.val);
  } else {
    record->flags |= kRecordNoLoginUid;
  }
  bpf_core_read(record->name, sizeof record->name, &task->comm);
}

static __always_inline void put(struct Scratch* data, uint64_t bytes, int urgent) {
  /* For the verifier, which has to see it. */
  asm volatile("" : "+r"(bytes));
  if (bytes > sizeof *data) return;
  const int full = bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) > settings.wake_bytes;
  if (bpf_ringbuf_output(&records, data, bytes, urgent || full ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP) !=
      0) {
    __sync_fetch_and_add(&counts.dropped, 1);
  }
}

/* Arguments that are longer than a record: first the head, then the tail. */
static __always_inline int put_parts(struct Scratch* scratch, uint64_t begin, uint64_t size) {
  struct ExecRecord* record = &scratch->record;
  record->kind = kRecordArgs;
  for (uint32_t part = 0; part <= kRecordHeadParts; ++part) {
    uint64_t from = (uint64_t)part * kRecordArgBytes;
    if (from >= size) break;
    /* The tail stands next to the end. */
    if (part == kRecordHeadParts && size - from > kRecordArgBytes) from = size - kRecordArgBytes;
    uint64_t bytes = size - from;
    if (bytes > kRecordArgBytes) bytes = kRecordArgBytes;
    if (bpf_probe_read_user(scratch->text, bytes, (void*)(begin + from)) != 0) return 0;
    record->part = part;
    record->args_bytes = bytes;
    /* The fields of a program, which a part has not, are in between. */
    put(scratch, sizeof(struct ExecRecord) + bytes, 0);
  }
  return 1;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct* task, int old_pid, struct linux_binprm* program) {
  const uint32_t zero = 0;
  struct Scratch* scratch = bpf_map_lookup_elem(&scratches, &zero);
  if (!scratch) return 0;
  struct ExecRecord* record = &scratch->record;
  record->flags = 0;
  record->pid = BPF_CORE_READ(task, tgid);
  record->monotonic_ns = bpf_ktime_get_ns();
  struct mm_struct* memory = BPF_CORE_READ(task, mm);
  record->arg_start = BPF_CORE_READ(memory, arg_start);
  record->arg_end = BPF_CORE_READ(memory, arg_end);
  record->start_stack = BPF_CORE_READ(memory, start_stack);
  const uint64_t size = record->arg_end - record->arg_start;
  uint32_t parts = 0;
  if (size > kRecordArgBytes) {
    if (!put_parts(scratch, record->arg_start, size)) record->flags |= kRecordNoArgs;
    parts = 1;
  }

  struct file* executable = BPF_CORE_READ(memory, exe_file);
  struct fs_struct* place = BPF_CORE_READ(task, fs);
  struct Walk walk = {.text = scratch->text};
  take_file(record, executable);
  if (!take_path(scratch, &walk, (void*)executable + bpf_core_field_offset(struct file, f_path),
                 &record->executable))
    record->flags |= kRecordNoPath;
  if (!take_path(scratch, &walk, (void*)place + bpf_core_field_offset(struct fs_struct, pwd),
                 &record->directory))
    record->flags |= kRecordNoDirectory;
  if (!take_path(scratch, &walk, (void*)place + bpf_core_field_offset(struct fs_struct, root), &record->root))
    record->flags |= kRecordNoRoot;

  uint32_t at = walk.at;
  uint32_t bytes = 0;
  if (at > kNamesBytes) return 0;
  if (!parts) {
    bytes = size;
    if (bytes > kRecordArgBytes) return 0;
    if (bpf_probe_read_user(scratch->text + at, bytes, (void*)record->arg_start) != 0) {
      record->flags |= kRecordNoArgs;
      bytes = 0;
    }
  }
  take_process(record, task);
  take_credentials(record, task);
  take_streams(record, task);
  record->kind = kRecordProgram;
  record->part = parts;
  record->args_bytes = bytes;
  const int known = take_groups(record, task);
  const int urgent = !known || (record->flags & (kRecordNoArgs | kRecordNoPath | kRecordOtherDevice));
  put(scratch, sizeof(struct ExecRecord) + at + bytes, urgent);
  return 0;
}

/* Whoever reads where a process is wants to know whether it may have been elsewhere at its exec. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_move, struct cgroup* group, const char* path, struct task_struct* task, int all_threads) {
  __sync_fetch_and_add(&counts.moves, 1);
  return 0;
}

SEC("tp_btf/cgroup_rename")
int BPF_PROG(on_rename, struct cgroup* group, const char* path) {
  __sync_fetch_and_add(&counts.renames, 1);
  return 0;
}

/* What the kernel lets read its memory. */
char kernel_licence[] SEC("license") = "GPL";

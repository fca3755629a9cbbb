#include "tests/support/failing_disk.h"

#include <sqlite3.h>

#include <cstring>

namespace detectd {
namespace {

int write_failure = SQLITE_OK;
int sync_count = 0;

// Before the real file, which SQLite gives room for behind it.
struct File {
  sqlite3_file base;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File* file_of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
sqlite3_file* real(sqlite3_file* file) { return file_of(file)->real(); }

const sqlite3_io_methods kMethods = {
    3,
    [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); },
    [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
      return real(f)->pMethods->xRead(real(f), to, size, at);
    },
    [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
      return write_failure != SQLITE_OK ? write_failure : real(f)->pMethods->xWrite(real(f), from, size, at);
    },
    [](sqlite3_file* f, sqlite3_int64 size) { return real(f)->pMethods->xTruncate(real(f), size); },
    [](sqlite3_file* f, int flags) {
      ++sync_count;
      return real(f)->pMethods->xSync(real(f), flags);
    },
    [](sqlite3_file* f, sqlite3_int64* size) { return real(f)->pMethods->xFileSize(real(f), size); },
    [](sqlite3_file* f, int lock) { return real(f)->pMethods->xLock(real(f), lock); },
    [](sqlite3_file* f, int lock) { return real(f)->pMethods->xUnlock(real(f), lock); },
    [](sqlite3_file* f, int* out) { return real(f)->pMethods->xCheckReservedLock(real(f), out); },
    [](sqlite3_file* f, int op, void* arg) { return real(f)->pMethods->xFileControl(real(f), op, arg); },
    [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); },
    [](sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); },
    [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
      return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
    },
    [](sqlite3_file* f, int offset, int n, int flags) {
      return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
    },
    [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); },
    [](sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); },
    [](sqlite3_file* f, sqlite3_int64 at, int size, void** out) {
      return real(f)->pMethods->xFetch(real(f), at, size, out);
    },
    [](sqlite3_file* f, sqlite3_int64 at, void* page) {
      return real(f)->pMethods->xUnfetch(real(f), at, page);
    },
};

sqlite3_vfs* real_vfs = nullptr;

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
  std::memset(file, 0, sizeof(File));
  const int code = real_vfs->xOpen(real_vfs, name, real(file), flags, out);
  if (real(file)->pMethods != nullptr) file->pMethods = &kMethods;
  return code;
}

sqlite3_vfs* make_vfs() {
  static sqlite3_vfs vfs;
  real_vfs = sqlite3_vfs_find(nullptr);
  vfs = *real_vfs;
  vfs.zName = "failing";
  vfs.szOsFile = static_cast<int>(sizeof(File)) + real_vfs->szOsFile;
  vfs.xOpen = open_file;
  return &vfs;
}

sqlite3_vfs* vfs() {
  static sqlite3_vfs* const instance = make_vfs();
  return instance;
}

}  // namespace

FailingDisk::FailingDisk() { sqlite3_vfs_register(vfs(), 1); }
FailingDisk::~FailingDisk() {
  heal();
  sqlite3_vfs_unregister(vfs());
  sqlite3_vfs_register(real_vfs, 1);
}
void FailingDisk::fail_writes(int code) { write_failure = code; }
void FailingDisk::heal() { write_failure = SQLITE_OK; }
int FailingDisk::syncs() const { return sync_count; }

}  // namespace detectd

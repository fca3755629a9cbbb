// Waits until rule files change, for commands that run again then.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/result.h"
#include "src/fd.h"

namespace detectd {

// Changes are seen from open() on, so what happens while a command runs is not missed. Directories are watched, not
// files: editors write another file and rename it over the one that is watched.
class RuleWatch {
 public:
  // The paths of rules as commands take them: files, and directories with all below them.
  static Result<RuleWatch> open(const std::vector<std::string>& paths);

  struct Woken {
    bool changed = false;  // else it was stopped, or `q` was typed
    std::string path;      // the first that changed
  };
  // Comes back once nothing has changed for 50 ms, a second at most after the first change. `keyboard` is a terminal's
  // descriptor, or -1.
  Result<Woken> wait(int keyboard);

 private:
  struct Directory {
    std::string path;
    bool all = false;  // every rule file and directory, else only these
    std::set<std::string> names;

    bool has(const std::string& name, bool is_directory) const;
  };

  Status add_directory(const std::string& path, const std::string& only);
  Status add_tree(const std::string& path);
  // The first of the events that can be read that matters; empty if none does.
  std::string read_changes();

  Fd inotify_;
  std::vector<std::pair<int, Directory>> directories_;
};

// Keys as they are typed, without an echo, while it lives; nothing for what is no terminal.
class RawKeyboard {
 public:
  explicit RawKeyboard(int descriptor);
  ~RawKeyboard();
  RawKeyboard(const RawKeyboard&) = delete;
  RawKeyboard& operator=(const RawKeyboard&) = delete;

  // -1 for what is no terminal.
  int descriptor() const;

 private:
  struct Before;
  int descriptor_;
  std::unique_ptr<Before> before_;
};

}  // namespace detectd

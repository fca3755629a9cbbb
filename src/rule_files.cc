#include "src/rule_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "engine/escape.h"
#include "engine/rule_parser.h"

namespace detectd {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFiles = 65'536;

using FileIdentity = std::pair<dev_t, ino_t>;

Error system_error(std::string_view verb, const std::string& path, int number) {
  Error error;
  error.code = number == ENOENT || number == ENOTDIR ? Errc::kNotFound
               : number == EACCES || number == EPERM ? Errc::kPermission
                                                     : Errc::kSystem;
  error.message =
      std::string(verb) + " " + escape_text(path) + ": " + std::generic_category().message(number);
  return error;
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

class RuleFileReader {
 public:
  RuleFileReader(const FileChoice& choice, RuleOwners* owners) : choice_(choice), owners_(owners) {}

  Status add(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return system_error("read rules", path, errno);
    if (!S_ISDIR(info.st_mode)) return read_file(path, {.must_be_regular = false});
    std::vector<std::string> found;
    if (Status status = list(path, {info.st_dev, info.st_ino}, found); !status) return status;
    std::sort(found.begin(), found.end());
    for (const std::string& file : found) {
      if (Status status = read_file(file, {.must_be_regular = true}); !status) return status;
    }
    return {};
  }

  std::vector<SourcePtr> take() { return std::move(files_); }

 private:
  struct ReadOptions {
    bool must_be_regular = true;
  };

  // Without recursion: a directory tree may be deep.
  Status list(const std::string& top, FileIdentity identity, std::vector<std::string>& found) {
    if (!directories_.insert(identity).second) return {};
    std::vector<std::string> pending = {top};
    while (!pending.empty()) {
      const std::string directory = std::move(pending.back());
      pending.pop_back();
      std::error_code error;
      fs::directory_iterator entries(directory, error);
      for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
        if (Status status = sort_in(entries->path(), pending, found); !status) return status;
      }
      if (error) return system_error("read directory", directory, error.value());
    }
    return {};
  }

  Status sort_in(const fs::path& path, std::vector<std::string>& pending, std::vector<std::string>& found) {
    const std::string name = path.filename().string();
    if (name.starts_with('.')) return {};
    struct stat info {};
    const std::string extension = path.extension().string();
    const bool is_rule_file = std::find(choice_.extensions.begin(), choice_.extensions.end(), extension) !=
                              choice_.extensions.end();
    if (stat(path.c_str(), &info) != 0) {
      if (!is_rule_file) return {};
      return system_error("read rules", path.string(), errno);
    }
    if (S_ISDIR(info.st_mode)) {
      if (directories_.emplace(info.st_dev, info.st_ino).second) pending.push_back(path.string());
    } else if (is_rule_file) {
      found.push_back(path.string());
    }
    return {};
  }

  Status read_file(const std::string& path, ReadOptions options) {
    // Without O_NONBLOCK, opening a named pipe that somebody put among the rules would wait for ever.
    const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (options.must_be_regular ? O_NONBLOCK : 0);
    const Descriptor file(open(path.c_str(), flags));
    if (file.number() < 0) return system_error("open", path, errno);
    struct stat info {};
    if (fstat(file.number(), &info) != 0) return system_error("read", path, errno);
    if (options.must_be_regular && !S_ISREG(info.st_mode)) {
      return Error{Errc::kSystem, "read rules " + escape_text(path) + ": not a regular file"};
    }
    if (!seen_.emplace(info.st_dev, info.st_ino).second) return {};
    if (files_.size() == kMaxFiles) return Error{Errc::kFull, "more than 65,536 rule files"};
    if (owners_ != nullptr) owners_->check(path, info);
    SourceFile source;
    source.path = path;
    if (const int number = read_all(file.number(), source.text); number != 0)
      return system_error("read", path, number);
    files_.push_back(std::make_shared<const SourceFile>(std::move(source)));
    return {};
  }

  // 0, or errno. Stops one byte beyond the limit. The text takes no more room than it needs: it is kept.
  int read_all(int descriptor, std::string& text) {
    while (text.size() <= choice_.max_bytes) {
      const size_t room = std::min(chunk_.size(), choice_.max_bytes + 1 - text.size());
      const ssize_t count = read(descriptor, chunk_.data(), room);
      if (count == 0) return 0;
      if (count < 0 && errno != EINTR) return errno;
      text.append(chunk_.data(), static_cast<size_t>(std::max<ssize_t>(count, 0)));
    }
    return 0;
  }

  const FileChoice& choice_;
  RuleOwners* owners_;
  std::vector<SourcePtr> files_;
  std::set<FileIdentity> directories_;
  std::set<FileIdentity> seen_;
  std::vector<char> chunk_ = std::vector<char>(65'536);
};

}  // namespace

Result<std::vector<SourcePtr>> read_files(const std::vector<std::string>& paths, const FileChoice& choice,
                                          RuleOwners* owners) {
  RuleFileReader reader(choice, owners);
  for (const std::string& path : paths) {
    if (Status status = reader.add(path); !status) return std::move(status).error();
  }
  return reader.take();
}

Result<std::vector<SourcePtr>> read_rule_files(const std::vector<std::string>& paths, RuleOwners* owners) {
  return read_files(paths, {.extensions = {".toml"}, .max_bytes = kMaxRuleFileBytes}, owners);
}

}  // namespace detectd

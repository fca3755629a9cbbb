#include "src/respond/response_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "engine/escape.h"
#include "engine/json_writer.h"
#include "engine/response_outcome.h"
#include "engine/timestamp.h"
#include "src/own_file.h"

namespace detectd {
namespace {

Error failure(const std::string& what, const std::string& path) {
  const int number = errno;
  const Errc code = number == ENOSPC ? Errc::kFull : Errc::kSystem;
  return {code, what + " " + escape_text(path) + ": " + own_file_error(number)};
}

// The file is ours: what stands there as a number or an id has no quote within. Of a text the escaped form.
std::string_view member(std::string_view line, std::string_view name) {
  const std::string key = "\"" + std::string(name) + "\":";
  const size_t at = line.find(key);
  if (at == std::string_view::npos) return {};
  std::string_view value = line.substr(at + key.size());
  if (!value.starts_with('"')) return value.substr(0, value.find_first_of(",}"));
  value.remove_prefix(1);
  return value.substr(0, value.find('"'));
}

template <class Number>
Number number(std::string_view text) {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string begin_line(std::string_view type, int64_t now_ns, std::string_view hit) {
  std::string line = "{\"type\":\"" + std::string(type) + "\",\"time\":\"" + format_rfc3339(now_ns);
  return line + "\",\"hit\":\"" + std::string(hit) + '"';
}

void append_text(std::string_view name, std::string_view text, std::string& line) {
  line += ",\"" + std::string(name) + "\":\"";
  append_json_escaped(text, line);
  line += '"';
}

// A line that was cut by a full disk or a crash has no newline, and is passed over.
void note_line(std::string_view line, std::map<std::string, ResponseLog::Intent, std::less<>>& open) {
  const std::string hit(member(line, "hit"));
  if (line.starts_with("{\"type\":\"outcome\"")) {
    open.erase(hit);
  } else if (line.starts_with("{\"type\":\"intent\"") && member(line, "mode") == "enforce") {
    ResponseLog::Intent& intent = open[hit];
    intent.hit = hit;
    intent.hit_time_ns = number<int64_t>(member(line, "hit_time_ns"));
    intent.enforced = true;
    intent.action = member(line, "action");
    intent.rule_id = member(line, "rule");
    intent.pid = number<uint32_t>(member(line, "pid"));
    intent.start_ticks = number<uint64_t>(member(line, "start_ticks"));
    intent.executable = member(line, "executable");
  }
}

Result<std::string> read_all(int file, const std::string& path) {
  std::string text;
  struct stat status {};
  if (fstat(file, &status) != 0) return failure("read", path);
  text.resize(static_cast<size_t>(status.st_size));
  size_t have = 0;
  while (have < text.size()) {
    const ssize_t got = pread(file, text.data() + have, text.size() - have, static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure("read", path);
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  text.resize(have);
  return text;
}

Fd open_file(const std::string& path) { return open_own_file(path, O_RDWR | O_APPEND | O_CREAT); }

}  // namespace

std::string response_log_path(const std::string& database) {
  const size_t slash = database.rfind('/');
  return (slash == std::string::npos ? std::string() : database.substr(0, slash + 1)) + "responses.log";
}

Result<ResponseLog> ResponseLog::open(const std::string& path, int64_t now_ns,
                                      std::vector<Intent>& unfinished) {
  Fd file = open_file(path);
  if (!file) return failure("open", path);
  struct stat status {};
  if (fstat(file.number(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return Error{Errc::kSystem, escape_text(path) + " is no file: responses can not be written down"};
  }
  if (static_cast<uint64_t>(status.st_size) > 2 * kFullBytes) {
    return Error{Errc::kSystem, escape_text(path) + " is larger than detectd lets it get: move it away"};
  }
  const Result<std::string> text = read_all(file.number(), path);
  if (!text) return text.error();
  std::map<std::string, Intent, std::less<>> open;
  std::string_view rest = *text;
  for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    note_line(rest.substr(0, end), open);
    rest.remove_prefix(end + 1);
  }
  ResponseLog log(path, std::move(file));
  if (!rest.empty()) {
    if (Status ended = log.append("\n"); !ended) return ended.error();
  }
  for (auto& [hit, intent] : open) {
    if (Status told = log.conclude(hit, "unknown", now_ns); !told) return told.error();
    unfinished.push_back(std::move(intent));
  }
  return log;
}

Status ResponseLog::append(const std::string& line) {
  const ssize_t wrote = ::write(file_.number(), line.data(), line.size());
  if (wrote == static_cast<ssize_t>(line.size())) return {};
  if (wrote >= 0) errno = ENOSPC;
  const Error error = failure("write", path_);
  // The next line must not go on in this one.
  if (wrote > 0 && ::write(file_.number(), "\n", 1) != 1) return error;
  return error;
}

Status ResponseLog::intend(const Intent& intent, int64_t now_ns) {
  if (Status status = set_aside_if_large(); !status) return status;
  std::string line = begin_line("intent", now_ns, intent.hit);
  line += ",\"hit_time_ns\":" + std::to_string(intent.hit_time_ns);
  append_text("mode", intent.enforced ? "enforce" : "dry-run", line);
  append_text("action", intent.action, line);
  line += ",\"pid\":" + std::to_string(intent.pid);
  line += ",\"start_ticks\":" + std::to_string(intent.start_ticks);
  append_text("rule", intent.rule_id, line);
  append_text("executable", intent.executable, line);
  Status status = append(line + "}\n");
  if (status) open_.insert(intent.hit);
  return status;
}

Status ResponseLog::add_member(std::string_view hit, uint32_t pid, uint64_t start_ticks, int64_t now_ns) {
  return append(begin_line("member", now_ns, hit) + ",\"pid\":" + std::to_string(pid) +
                ",\"start_ticks\":" + std::to_string(start_ticks) + "}\n");
}

Status ResponseLog::conclude(std::string_view hit, std::string_view outcome, int64_t now_ns) {
  if (const auto open = open_.find(hit); open != open_.end()) open_.erase(open);
  std::string line = begin_line("outcome", now_ns, hit) + ',';
  append_outcome_json(outcome, line);
  return append(line + "}\n");
}

Status ResponseLog::set_aside_if_large() {
  struct stat status {};
  if (fstat(file_.number(), &status) != 0) return failure("look at", path_);
  const auto size = static_cast<uint64_t>(status.st_size);
  if (size < kMaxBytes) return {};
  if (!open_.empty()) {
    if (size < kFullBytes) return {};
    return Error{Errc::kFull, escape_text(path_) + " is full of responses without an outcome"};
  }
  if (std::rename(path_.c_str(), (path_ + ".1").c_str()) != 0) return failure("set aside", path_);
  Fd file = open_file(path_);
  if (!file) return failure("open", path_);
  file_ = std::move(file);
  return {};
}

}  // namespace detectd

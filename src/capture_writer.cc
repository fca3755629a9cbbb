#include "src/capture_writer.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "engine/event_key.h"
#include "engine/timestamp.h"
#include "src/own_file.h"

namespace detectd {
namespace {

constexpr size_t kTextBytes = size_t{64} << 10;
constexpr std::string_view kCaptureStart = "capture_start";

Error system_error(const std::string& path, int number) {
  const Errc code = number == ENOSPC || number == EDQUOT || number == EFBIG ? Errc::kFull
                    : number == EACCES || number == EPERM                   ? Errc::kPermission
                                                                            : Errc::kSystem;
  return {code, "capture " + path + ": " + own_file_error(number)};
}

Error refusal(const std::string& path, std::string_view why) {
  return {Errc::kSystem, "capture " + path + ": " + std::string(why)};
}

// A new file; or a device such as /dev/null, which holds nothing.
Result<int> create(const std::string& path) {
  if (Fd created = open_own_file(path, O_WRONLY | O_CREAT | O_EXCL)) return created.release();
  if (errno != EEXIST) return system_error(path, errno);
  Fd there = open_own_file(path, O_WRONLY);
  if (!there) return system_error(path, errno);
  struct stat found {};
  if (fstat(there.number(), &found) == 0 && S_ISCHR(found.st_mode)) return there.release();
  return refusal(path,
                 "is there already, and a capture is never overwritten; name another file, or remove it");
}

bool is_table_line(const Event& event) {
  return event.kind == EventKind::kAlreadyRunning && event.find_carried(field::kReason).text == kCaptureStart;
}

bool same_host(const CaptureHost& a, const CaptureHost& b) {
  return a.id == b.id && a.name == b.name && a.boot_id == b.boot_id && a.booted_ns == b.booted_ns;
}

// Where `.jsonl.zst` begins.
size_t ending_of_name(const std::string& path) {
  size_t end = path.size();
  for (const std::string_view ending : {".zst", ".gz", ".jsonl", ".json"}) {
    if (std::string_view(path).substr(0, end).ends_with(ending)) end -= ending.size();
  }
  return end;
}

const CaptureHost& host_or_none(const CaptureHost* host) {
  static const CaptureHost kNone;
  return host != nullptr ? *host : kNone;
}

}  // namespace

int64_t last_part(const std::string& path) {
  struct stat info {};
  int64_t last = 0;
  if (lstat(path.c_str(), &info) == 0) {
    // A device takes everything, and what else is in the way is for create() to tell.
    if (!S_ISREG(info.st_mode)) return 0;
    last = 1;
  }
  const size_t begin = path.rfind('/') + 1;  // 0 where there is none
  const size_t stem = ending_of_name(path);
  const std::string before = path.substr(begin, stem - begin) + ".";
  const std::string behind = path.substr(stem);
  DIR* const directory = opendir(begin == 0 ? "." : path.substr(0, begin).c_str());
  if (directory == nullptr) return last;
  while (const dirent* const entry = readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name.size() <= before.size() + behind.size()) continue;
    if (!name.starts_with(before) || !name.ends_with(behind)) continue;
    const std::string_view digits = name.substr(before.size(), name.size() - before.size() - behind.size());
    int32_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size() || digits.size() < 4) continue;
    last = std::max<int64_t>(last, number);
  }
  closedir(directory);
  return last;
}

std::string part_path(const std::string& path, int64_t part) {
  if (part == 1) return path;
  const size_t end = ending_of_name(path);
  std::string number = std::to_string(part);
  number.insert(0, number.size() < 4 ? 4 - number.size() : 0, '0');
  return path.substr(0, end) + "." + number + path.substr(end);
}

CaptureWriter::CaptureWriter(Options options, const Schema& schema)
    : options_(std::move(options)), schema_(schema) {}

CaptureWriter::~CaptureWriter() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::unique_ptr<CaptureWriter>> CaptureWriter::open(Options options, const Schema& schema) {
  std::unique_ptr<CaptureWriter> writer(new CaptureWriter(std::move(options), schema));
  if (writer->options_.goes_on) writer->names_before_ = last_part(writer->options_.path);
  if (Status opened = writer->open_part(); !opened) return std::move(opened).error();
  return writer;
}

Status CaptureWriter::open_part() {
  path_ = part_path(options_.path, names_before_ + ++part_);
  const Result<int> fd = create(path_);
  if (!fd) return fd.error();
  fd_ = *fd;
  compressor_ = make_compressor(options_.path);
  part_bytes_ = head_bytes_ = 0;
  begun_ = false;
  ++counters_.parts;
  return {};
}

void CaptureWriter::write(const Event& event) {
  if (failed_) {
    if (!event.silent) ++counters_.left_out;
    return;
  }
  if (part_ == 1 && !begun_ && !options_.host) options_.host = event.host;
  begin_part();
  announce(event);
  append(event);
  if (!event.silent) {
    ++counters_.events;
    ++unflushed_events_;
  }
  if (text_.size() >= kTextBytes) push(Compressor::Until::kLater);
}

void CaptureWriter::settle(int64_t now_ns) {
  if (failed_) return;
  if (options_.host) begin_part();
  const bool full = options_.max_bytes != 0 && part_bytes_ >= options_.max_bytes &&
                    part_bytes_ - head_bytes_ >= head_bytes_;
  if (full) {
    end_part();
    if (failed_) return;
    if (Status opened = open_part(); !opened) return fail(opened.error());
    begin_part();
  }
  if (!flushed_ns_) flushed_ns_ = now_ns;
  if (now_ns - *flushed_ns_ < kFlushNs) return;
  flushed_ns_ = now_ns;
  push(Compressor::Until::kBlock);
}

bool CaptureWriter::close() {
  if (!failed_) begin_part();
  if (!failed_) end_part();
  return !failed_;
}

// The header, and in later parts the processes that run.
void CaptureWriter::begin_part() {
  if (std::exchange(begun_, true)) return;
  append_header(host_or_none(options_.host.get()), part_);
  host_ = options_.host;
  const int64_t time_ns = std::exchange(last_time_ns_, 0);
  if (part_ == 1 || !options_.visit_running) return;
  options_.visit_running([&](Event& process) {
    process.time_ns = time_ns;
    if (last_boot_ns_) process.set_integer(field::kBootNs, *last_boot_ns_);
    announce(process);
    append(process);
    if (text_.size() >= kTextBytes) push(Compressor::Until::kLater);
  });
  push(Compressor::Until::kBlock);
  head_bytes_ = part_bytes_;
}

void CaptureWriter::end_part() {
  push(Compressor::Until::kEnd);
  const int fd = std::exchange(fd_, -1);
  // Some file systems say only now that there was no room.
  if (fd >= 0 && ::close(fd) != 0 && !failed_) fail(system_error(path_, errno));
}

void CaptureWriter::append_header(const CaptureHost& host, int64_t part) {
  encode_header({.version = options_.version, .host = host, .part = part, .started = options_.started},
                text_);
  text_ += '\n';
  header_part_ = part;
}

// What a header says holds until the next one.
void CaptureWriter::announce(const Event& event) {
  int64_t part = header_part_;
  if (event.silent) part = std::max<int64_t>(part, 2);
  if (!event.silent && is_table_line(event)) part = 1;
  if (part == header_part_ && is_announced(event.host.get(), event.silent)) return;
  if (!is_announced(event.host.get(), event.silent)) host_ = event.host;
  append_header(host_or_none(host_.get()), part);
}

// A process knows less of its host than a header does.
bool CaptureWriter::is_announced(const CaptureHost* host, bool silent) const {
  if (host == host_.get()) return true;
  const CaptureHost& told = host_or_none(host_.get());
  const CaptureHost& wanted = host_or_none(host);
  if (silent) return host_of(told) == host_of(wanted) && told.boot_id == wanted.boot_id;
  return same_host(told, wanted);
}

void CaptureWriter::append(const Event& event) {
  const FieldView boot = event.find_carried(field::kBootNs);
  if (boot.type == Type::kInteger) last_boot_ns_ = boot.number;
  const std::string_view raw = event.raw();
  const bool needs_time = !event.has_time && event.time_ns != last_time_ns_;
  last_time_ns_ = event.time_ns;
  // A line whose time is the line's before, and stands elsewhere now.
  const size_t open = raw.find('{');
  if (raw.empty() || (needs_time && raw.find("@timestamp") != std::string_view::npos)) {
    encode(event, schema_, text_);
  } else if (needs_time) {
    text_ += "{\"@timestamp\":\"" + format_rfc3339(event.time_ns) + "\"";
    const size_t member = raw.find_first_not_of(" \t\r", open + 1);
    text_ += raw[member] == '}' ? "" : ",";
    text_ += raw.substr(open + 1);
  } else {
    text_ += raw;
  }
  text_ += '\n';
}

void CaptureWriter::push(Compressor::Until until) {
  compressor_->compress(text_, until, packed_);
  text_.clear();
  std::string_view left = packed_;
  while (!left.empty() && !failed_) {
    const ssize_t size = ::write(fd_, left.data(), left.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) {
      fail(system_error(path_, size < 0 ? errno : ENOSPC));
    } else {
      left.remove_prefix(static_cast<size_t>(size));
      part_bytes_ += static_cast<uint64_t>(size);
      counters_.bytes += static_cast<uint64_t>(size);
    }
  }
  packed_.clear();
  if (until != Compressor::Until::kLater && !failed_) unflushed_events_ = 0;
}

void CaptureWriter::fail(const Error& error) {
  failed_ = true;
  counters_.events -= unflushed_events_;
  counters_.left_out += unflushed_events_;
  text_.clear();
  if (options_.tell) options_.tell(error);
}

}  // namespace detectd

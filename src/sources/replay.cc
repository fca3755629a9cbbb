#include "src/sources/replay.h"

#include <algorithm>
#include <utility>

#include "engine/escape.h"
#include "src/sources/capture_reader.h"

namespace detectd {
namespace {

std::string name_of(const std::string& path) { return path == "-" ? "<stdin>" : path; }

Diagnostic fault_diagnostic(const std::string& path, const CaptureFault& fault) {
  Diagnostic made;
  made.code = fault.code;
  made.file = std::make_shared<SourceFile>(SourceFile{name_of(path), ""});
  made.message = fault.message;
  made.help = fault.help;
  return made;
}

Error input_error(const Diagnostic& diagnostic) {
  std::string place = diagnostic.file ? escape_text(diagnostic.file->path) : std::string();
  if (diagnostic.span.line > 0) {
    place += ":" + std::to_string(diagnostic.span.line) + ":" + std::to_string(diagnostic.span.column);
  }
  return {Errc::kInput, place + ": error[" + diagnostic.code + "]: " + escape_text(diagnostic.message)};
}

}  // namespace

class ReplaySource::Merger {
 public:
  Merger(ReplayOptions options, const Schema& schema, WorkerPool& workers)
      : options_(std::move(options)), decoding_{schema, workers, {}} {
    for (size_t i = 0; i < workers.size(); ++i) decoding_.decoders.emplace_back(schema);
  }

  Status open(Diagnostics& diagnostics);
  Result<bool> next(std::vector<Event>& chunk);
  const SourceReport& report() const { return report_; }
  void close();
  const std::string& path(uint32_t file) const { return readers_[file]->path(); }

 private:
  Result<CaptureReader*> first();
  static constexpr size_t kMaxSpareBytes = size_t{16} << 10;

  void add_event(std::vector<Event>& chunk);
  void set_aside(std::vector<Event>& chunk, size_t count);
  void update_report();
  Result<bool> finish();

  ReplayOptions options_;
  Decoding decoding_;
  std::vector<std::unique_ptr<CaptureReader>> readers_;
  std::optional<Error> failure_;
  bool finished_ = false;
  SourceReport report_;
  std::vector<Event> spare_;
};

Status ReplaySource::Merger::open(Diagnostics& diagnostics) {
  const size_t share = std::max<size_t>(options_.paths.size(), 1);
  const size_t read_bytes = std::max<size_t>((size_t{256} << 10) / share, size_t{64} << 10);
  std::optional<Error> failed;
  for (const std::string& path : options_.paths) {
    auto file = CaptureFile::open(path, read_bytes);
    if (!file) return std::move(file).error();
    if (const auto& fault = (*file)->fault(); fault && fault->code != "D302") {
      diagnostics.add(fault_diagnostic(path, *fault));
      if (!failed) failed = input_error(diagnostics.all().back());
      continue;
    }
    CaptureReader::Options reader;
    reader.path = name_of(path);
    reader.number = static_cast<uint32_t>(readers_.size());
    reader.skip_bad = options_.skip_bad;
    reader.max_lines = std::max<size_t>(options_.chunk_events / share, 1);
    readers_.push_back(std::make_unique<CaptureReader>(std::move(reader), std::move(*file), decoding_));
  }
  if (failed) return std::move(*failed);
  update_report();
  return {};
}

// The file whose next event is the earliest; of equal ones the file that was named first. Null at the end
// of all.
Result<CaptureReader*> ReplaySource::Merger::first() {
  CaptureReader* first = nullptr;
  for (const auto& reader : readers_) {
    if (!reader->has_front()) {
      auto filled = reader->fill();
      if (!filled) return std::move(filled).error();
      if (reader->failure() && !*filled) return input_error(*reader->failure());
      if (!*filled) continue;
    }
    if (first == nullptr || reader->front().time_ns < first->front().time_ns) first = reader.get();
  }
  return first;
}

Result<bool> ReplaySource::Merger::next(std::vector<Event>& chunk) {
  size_t count = 0;
  size_t bytes = 0;
  while (!failure_ && count < options_.chunk_events && bytes < options_.chunk_bytes) {
    // What a pipe has given is not kept waiting for more.
    if (count > 0 && readers_.size() == 1 && !readers_.front()->has_front()) break;
    auto reader = first();
    if (!reader) {
      failure_ = std::move(reader).error();
      break;
    }
    if (*reader == nullptr) break;
    if (count == chunk.size()) add_event(chunk);
    (*reader)->pop(chunk[count]);
    ++report_.events;
    bytes += chunk[count].raw().size();
    ++count;
  }
  set_aside(chunk, count);
  update_report();
  if (count > 0) return true;
  return finish();
}

// Chunks differ in size: what one has too many keeps its buffers for the next.
void ReplaySource::Merger::add_event(std::vector<Event>& chunk) {
  if (spare_.empty()) {
    chunk.emplace_back();
    return;
  }
  chunk.push_back(std::move(spare_.back()));
  spare_.pop_back();
}

void ReplaySource::Merger::set_aside(std::vector<Event>& chunk, size_t count) {
  for (; chunk.size() > count; chunk.pop_back()) {
    const bool keep = spare_.size() < options_.chunk_events && chunk.back().memory_bytes() <= kMaxSpareBytes;
    if (keep) spare_.push_back(std::move(chunk.back()));
  }
}

void ReplaySource::Merger::update_report() {
  report_.skipped = report_.bytes_read = report_.bytes_total = 0;
  bool known = true;
  for (const auto& reader : readers_) {
    report_.skipped += reader->skipped();
    report_.bytes_read += reader->file().bytes_read();
    report_.bytes_total += reader->file().bytes_total();
    known = known && reader->file().bytes_total() > 0;
  }
  if (!known) report_.bytes_total = 0;
}

Result<bool> ReplaySource::Merger::finish() {
  if (!finished_) {
    for (const auto& reader : readers_) {
      if (reader->failure()) report_.diagnostics.add(*reader->failure());
    }
    close();
  }
  if (failure_) return *failure_;
  return false;
}

// A mistake that was read ahead, and not come to, is none of the run's.
void ReplaySource::Merger::close() {
  if (std::exchange(finished_, true)) return;
  for (const auto& reader : readers_) reader->warn(report_.diagnostics);
  report_.diagnostics.sort();
}

ReplaySource::ReplaySource(std::unique_ptr<Merger> merger) : merger_(std::move(merger)) {}
ReplaySource::~ReplaySource() = default;

Result<std::unique_ptr<ReplaySource>> ReplaySource::open(ReplayOptions options, const Schema& schema,
                                                         WorkerPool& workers, Diagnostics& diagnostics) {
  auto merger = std::make_unique<Merger>(std::move(options), schema, workers);
  if (Status opened = merger->open(diagnostics); !opened) return std::move(opened).error();
  return std::unique_ptr<ReplaySource>(new ReplaySource(std::move(merger)));
}

Result<bool> ReplaySource::next(std::vector<Event>& chunk) { return merger_->next(chunk); }
const SourceReport& ReplaySource::report() const { return merger_->report(); }
void ReplaySource::close() { merger_->close(); }
const std::string& ReplaySource::path(uint32_t file) const { return merger_->path(file); }

}  // namespace detectd

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
    for (size_t i = 0; i < workers.size(); ++i) {
      decoding_.by_worker.push_back({EventDecoder(schema), {}});
    }
  }

  Status open(Diagnostics& diagnostics);
  Result<bool> next(std::vector<Event>& chunk);
  const SourceReport& report() const { return report_; }
  void close();
  const std::string& path(uint32_t file) const { return inputs_[file].reader->path(); }

 private:
  // A file, and what it has to do with the others.
  struct Input {
    std::unique_ptr<CaptureReader> reader;
    const CaptureReader* before = nullptr;  // the part of the same capture that ends first
    bool follows = false;                   // directly on it
    bool in_head = true;
  };

  Status fill_all();
  void chain_parts();
  Input* first();
  static constexpr size_t kMaxSpareBytes = size_t{16} << 10;

  void add_event(std::vector<Event>& chunk);
  void set_aside(std::vector<Event>& chunk, size_t count);
  void update_report();
  Result<bool> finish();

  ReplayOptions options_;
  Decoding decoding_;
  std::vector<Input> inputs_;
  bool chained_ = false;
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
    reader.number = static_cast<uint32_t>(inputs_.size());
    reader.skip_bad = options_.skip_bad;
    reader.max_lines = std::max<size_t>(options_.chunk_events / share, 1);
    Input& input = inputs_.emplace_back();
    input.reader = std::make_unique<CaptureReader>(std::move(reader), std::move(*file), decoding_);
  }
  if (failed) return std::move(*failed);
  update_report();
  return {};
}

// The front of every file that has one left.
Status ReplaySource::Merger::fill_all() {
  for (Input& input : inputs_) {
    CaptureReader& reader = *input.reader;
    if (reader.has_front()) continue;
    auto filled = reader.fill();
    if (!filled) return std::move(filled).error();
    if (reader.failure() && !*filled) return input_error(*reader.failure());
  }
  if (!std::exchange(chained_, true)) chain_parts();
  return {};
}

// The parts of a capture follow each other whatever the wall clock said meanwhile.
void ReplaySource::Merger::chain_parts() {
  for (Input& input : inputs_) {
    const CaptureHeader* const mine = input.reader->header();
    if (mine == nullptr || mine->started.empty()) continue;
    int64_t before = 0;
    for (const Input& other : inputs_) {
      const CaptureHeader* const theirs = other.reader->header();
      if (theirs == nullptr || theirs->started != mine->started) continue;
      if (theirs->part >= mine->part || theirs->part <= before) continue;
      before = theirs->part;
      input.before = other.reader.get();
    }
    input.follows = input.before != nullptr && before + 1 == mine->part;
  }
}

// The file whose next event is the earliest; of equal ones the file that was named first. Null at the end
// of all.
ReplaySource::Merger::Input* ReplaySource::Merger::first() {
  Input* first = nullptr;
  for (Input& input : inputs_) {
    if (!input.reader->has_front() || (input.before != nullptr && input.before->has_front())) continue;
    if (first == nullptr || input.reader->front().time_ns < first->reader->front().time_ns) first = &input;
  }
  return first;
}

Result<bool> ReplaySource::Merger::next(std::vector<Event>& chunk) {
  size_t count = 0;
  size_t bytes = 0;
  while (!failure_ && count < options_.chunk_events && bytes < options_.chunk_bytes) {
    // What a pipe has given is not kept waiting for more.
    if (count > 0 && inputs_.size() == 1 && !inputs_.front().reader->has_front()) break;
    if (Status filled = fill_all(); !filled) {
      failure_ = std::move(filled).error();
      break;
    }
    Input* const input = first();
    if (input == nullptr) break;
    if (count == chunk.size()) add_event(chunk);
    Event& event = chunk[count];
    input->reader->pop(event);
    // A later part begins with the processes that run. Behind the part before it they are known.
    input->in_head = input->in_head && event.silent;
    if (input->follows && input->in_head) continue;
    ++report_.events;
    bytes += event.raw().size();
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
  for (const Input& input : inputs_) {
    const auto& reader = input.reader;
    report_.skipped += reader->skipped();
    report_.bytes_read += reader->file().bytes_read();
    report_.bytes_total += reader->file().bytes_total();
    known = known && reader->file().bytes_total() > 0;
  }
  if (!known) report_.bytes_total = 0;
}

Result<bool> ReplaySource::Merger::finish() {
  if (!finished_) {
    for (const Input& input : inputs_) {
      if (input.reader->failure()) report_.diagnostics.add(*input.reader->failure());
    }
    close();
  }
  if (failure_) return *failure_;
  return false;
}

// A mistake that was read ahead, and not come to, is none of the run's.
void ReplaySource::Merger::close() {
  if (std::exchange(finished_, true)) return;
  for (const Input& input : inputs_) input.reader->warn(report_.diagnostics);
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

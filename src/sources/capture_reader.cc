#include "src/sources/capture_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/json_place.h"
#include "engine/timestamp.h"

namespace detectd {
namespace {

// A thread gets at least so many lines: waking it costs more than fewer are worth.
constexpr size_t kLinesPerTask = 32;

std::string counted(uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

// About 60 characters round a place, cut at code points.
std::string_view excerpt_round(std::string_view text, size_t offset, size_t& begin) {
  constexpr size_t kBefore = 40;
  constexpr size_t kAfter = 60;
  const auto continues = [&](size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
  };
  begin = offset > kBefore ? offset - kBefore : 0;
  while (begin > 0 && continues(begin)) --begin;
  size_t end = std::min(text.size(), offset + kAfter);
  while (continues(end)) ++end;
  return text.substr(begin, end - begin);
}

}  // namespace

CaptureReader::CaptureReader(Options options, std::unique_ptr<CaptureFile> file, Decoding& decoding)
    : options_(std::move(options)), file_(std::move(file)), decoding_(decoding) {}

Result<bool> CaptureReader::fill() {
  while (!has_front() && !ended_) {
    ready_at_ = 0;
    ready_.clear();
    if (Status status = file_->read_lines(options_.max_lines, lines_); !status) {
      return std::move(status).error().within(options_.path);
    }
    if (lines_.empty()) {
      end();
    } else {
      decode_lines();
      take_lines();
    }
  }
  return has_front();
}

void CaptureReader::pop(Event& event) {
  const uint32_t slot = ready_[ready_at_++];
  std::swap(pool_[slot], event);
  pool_.give_back(slot);
}

void CaptureReader::decode_lines() {
  decoded_.resize(lines_.size());
  slots_.resize(lines_.size());
  for (uint32_t& slot : slots_) slot = pool_.take();
  for (size_t i = 0; i < lines_.size(); ++i) {
    decoded_[i].text = lines_[i].text;
    decoded_[i].event = &pool_[slots_[i]];
  }
  const size_t most = 4 * decoding_.workers.size();
  const size_t tasks = std::clamp<size_t>(lines_.size() / kLinesPerTask, 1, most);
  decoding_.workers.run(tasks, [&](size_t task, size_t worker) {
    decode_range(lines_.size() * task / tasks, lines_.size() * (task + 1) / tasks,
                 decoding_.by_worker[worker]);
  });
}

void CaptureReader::decode_range(size_t begin, size_t end, Decoding::Worker& worker) {
  for (size_t i = begin; i < end; ++i) {
    if (!lines_[i].too_long) continue;
    decode_run(std::span(decoded_).subspan(begin, i - begin), worker);
    begin = i + 1;
    decoded_[i].notes = {};
    decoded_[i].problem =
        LineProblem{"D307", 1, 0, "line longer than 8 MiB at offset " + std::to_string(lines_[i].offset), ""};
  }
  decode_run(std::span(decoded_).subspan(begin, end - begin), worker);
}

// With what follows from each line alone, so that it is not left to the one thread that keeps the lineage.
void CaptureReader::decode_run(std::span<LineToDecode> lines, Decoding::Worker& worker) {
  worker.decoder.decode(lines);
  for (const LineToDecode& line : lines) {
    if (line.problem || line.notes.header) continue;
    worker.derived.add_from_line(*line.event);
    line.event->derived = true;
  }
}

void CaptureReader::take_lines() {
  for (size_t i = 0; i < lines_.size(); ++i) {
    const LineToDecode& decoded = decoded_[i];
    if (!ended_ && !decoded.problem && !decoded.notes.header) {
      take_event(i);
    } else {
      pool_.give_back(slots_[i]);
      if (!ended_ && decoded.problem) take_problem(lines_[i], *decoded.problem);
      if (!ended_ && decoded.notes.header) take_header(lines_[i]);
    }
    drain_window();
  }
}

void CaptureReader::take_event(size_t index) {
  Event& event = *decoded_[index].event;
  const CaptureLine& line = lines_[index];
  event.origin = {options_.number, line.number};
  if (event.host != host_) event.host = host_;
  count_notes(decoded_[index].notes, line.number);
  if (!event.has_time) {
    event.time_ns = last_time_ns_;
    if (decoding_.schema.wanted(field::kTimestamp)) {
      event.set_text(field::kTimestamp, format_rfc3339(event.time_ns));
    }
  }
  last_time_ns_ = event.time_ns;
  if (later_part_ && event.kind == EventKind::kAlreadyRunning) {
    event.silent = event.find_carried(field::kReason).text == "capture_start";
  }
  ++events_;
  if (window_.push(event, slots_[index])) back_.add(line.number);
}

void CaptureReader::take_header(const CaptureLine& line) {
  // Read again: the decoder that read it may have gone on to another.
  EventDecoder& decoder = decoding_.by_worker.front().decoder;
  Event event;
  LineNotes notes;
  if (decoder.decode(line.text, event, notes)) return;
  host_ = std::make_shared<CaptureHost>(decoder.header().host);
  later_part_ = decoder.header().part > 1;
  if (!first_header_) first_header_ = decoder.header();
  window_.keep_order();
}

void CaptureReader::take_problem(const CaptureLine& line, const LineProblem& problem) {
  // A line without newline is the file's last: were it not cut, it would be JSON.
  if (!line.ended && problem.code == "D300") {
    ++skipped_;
    if (file_->fault()) return;
    const std::string used = events_ > 0 ? "; used up to line " + std::to_string(line.number - 1) : "";
    cut_line_ = diagnostic("D301", Severity::kWarning,
                           "the last line is cut at byte " + std::to_string(file_->text_bytes()) +
                               " (capture ended while writing?)" + used);
    return;
  }
  const bool fatal = problem.code == "D306" || !options_.skip_bad;
  Diagnostic told = diagnostic_at(line, problem, fatal ? Severity::kError : Severity::kWarning);
  if (!fatal) {
    if (skipped_++ == 0) first_skipped_ = std::move(told);
    return;
  }
  if (told.help.empty() && problem.code != "D306") told.help = "--skip-bad counts such lines and goes on";
  failure_ = std::move(told);
  ended_ = true;
  window_.finish();
}

void CaptureReader::count_notes(const LineNotes& notes, uint64_t line) {
  if (notes.no_action) no_action_.add(line);
  if (notes.unknown_action) unknown_action_.add(line);
  if (notes.no_time) no_time_.add(line);
  if (notes.no_pid) no_pid_.add(line);
  if (notes.replaced_bytes) replaced_.add(line);
  if (notes.values_dropped) dropped_.add(line);
}

void CaptureReader::drain_window() {
  while (const auto slot = window_.pop()) ready_.push_back(*slot);
}

void CaptureReader::end() {
  ended_ = true;
  if (const auto& fault = file_->fault()) {
    failure_ = diagnostic(fault->code, Severity::kError,
                          fault->message + "; " + counted(events_, "event", "events") + " read");
    failure_->help = fault->help;
  }
  window_.finish();
  drain_window();
}

Diagnostic CaptureReader::diagnostic(std::string code, Severity severity, std::string message) const {
  Diagnostic made;
  made.code = std::move(code);
  made.severity = severity;
  made.file = std::make_shared<SourceFile>(SourceFile{options_.path, ""});
  made.message = std::move(message);
  return made;
}

Diagnostic CaptureReader::diagnostic_at(const CaptureLine& line, const LineProblem& problem,
                                        Severity severity) const {
  Diagnostic made = diagnostic(problem.code, severity, problem.message);
  made.help = problem.help;
  size_t begin = 0;
  // Columns are of the line with each invalid byte replaced; here it stands as it is.
  const std::string_view excerpt =
      excerpt_round(line.text, std::min(problem.offset, line.text.size()), begin);
  SourceFile file{options_.path, std::string(excerpt)};
  file.first_line =
      static_cast<uint32_t>(std::min<uint64_t>(line.number, std::numeric_limits<uint32_t>::max()));
  const auto column = static_cast<uint32_t>(problem.column);
  const auto before = static_cast<uint32_t>(column_of(excerpt, problem.offset - begin));
  file.first_column = column >= before ? column - before + 1 : 1;
  made.span = {file.first_line, column, 1};
  made.file = std::make_shared<SourceFile>(std::move(file));
  return made;
}

void CaptureReader::warn(Diagnostics& diagnostics) const {
  if (first_skipped_) {
    Diagnostic skipped = *first_skipped_;
    if (skipped_ > 1)
      skipped.message += " (the first of " + std::to_string(skipped_) + " lines skipped)";
    else
      skipped.message += " (line skipped)";
    diagnostics.add(std::move(skipped));
  }
  if (cut_line_) diagnostics.add(*cut_line_);
  warn_of_lenient_reading(diagnostics);
  if (back_.count > 0) {
    Diagnostic back =
        diagnostic("D305", Severity::kWarning,
                   "time goes back by more than a second in " + counted(back_.count, "place", "places") +
                       ", first at line " + std::to_string(back_.first_line));
    back.help = first_header_
                    ? "the order of the capture is kept"
                    : "events are put in order by time within 50 ms; what is later stays where it is";
    diagnostics.add(std::move(back));
  }
  if (replaced_.count > 0) {
    diagnostics.add(diagnostic("D313", Severity::kWarning,
                               counted(replaced_.count, "line has", "lines have") +
                                   " bytes that are not UTF-8 or lone surrogates, first line " +
                                   std::to_string(replaced_.first_line) + "; each is read as U+FFFD"));
  }
  if (dropped_.count > 0) {
    diagnostics.add(diagnostic("D314", Severity::kWarning,
                               counted(dropped_.count, "line has", "lines have") +
                                   " lists of more than 4096 values, first line " +
                                   std::to_string(dropped_.first_line) + "; the rest of them is not seen"));
  }
}

void CaptureReader::warn_of_lenient_reading(Diagnostics& diagnostics) const {
  std::string text;
  const auto say = [&](const Tally& tally, std::string_view what) {
    if (tally.count == 0) return;
    text += (text.empty() ? "" : ", ") + std::to_string(tally.count) + " " + std::string(what);
  };
  say(no_pid_, "without process.pid (no lineage)");
  say(no_time_, "without @timestamp (time of the line before)");
  say(no_action_, "without event.action (read as exec, or end by event.type)");
  say(unknown_action_, "with an unknown event.action (shown to no rule)");
  if (text.empty()) return;
  diagnostics.add(
      diagnostic("D303", Severity::kWarning, "of " + counted(events_, "event", "events") + ": " + text));
}

}  // namespace detectd

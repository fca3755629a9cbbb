#include "src/detectctl/hit_stream.h"

#include <utility>

#include "engine/escape.h"
#include "src/log.h"
#include "src/stop.h"

namespace detectd {

Result<std::unique_ptr<HitStream>> HitStream::open(ReplayOptions captures,
                                                   std::shared_ptr<const RuleSet> rules,
                                                   Engine::Options options) {
  std::unique_ptr<HitStream> stream(new HitStream(std::move(rules), options));
  stream->ended_ = captures.paths.empty();
  if (stream->ended_) return stream;
  Diagnostics diagnostics;
  auto source =
      ReplaySource::open(std::move(captures), stream->rules_->schema(), stream->workers_, diagnostics);
  log::show(diagnostics);
  if (!source) return std::move(source).error();
  stream->source_ = *std::move(source);
  return stream;
}

Status HitStream::refill() {
  Result<bool> more = source_->next(chunk_);
  if (!more) return std::move(more).error();
  ready_.clear();
  ahead_ = 0;
  for (Event& event : chunk_) engine_.observe(event, ready_);
  if (!*more) engine_.flush(ready_);
  ended_ = !*more;
  return {};
}

Result<bool> HitStream::next() {
  while (ahead_ == ready_.size()) {
    if (ended_ || stop_requested()) return false;
    if (Status status = refill(); !status) return std::move(status).error();
  }
  at_ = ahead_++;
  held_.clear();
  hits_.clear();
  engine_.match(ready_[at_], matcher_, held_);
  engine_.conclude(ready_[at_], held_, hits_);
  return true;
}

void HitStream::judge(Event event) {
  ready_.clear();
  ahead_ = 0;
  ended_ = true;
  engine_.observe(event, ready_);
  engine_.flush(ready_);
}

std::string HitStream::place() const {
  if (event().origin.line == 0) return {};
  return escape_text(source_->path(event().origin.file)) + ":" + std::to_string(event().origin.line);
}

void HitStream::close() {
  source_->close();
  Diagnostics told = source_->report().diagnostics;
  log::show(told);
}

}  // namespace detectd

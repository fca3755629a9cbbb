#include "engine/line_shapes.h"

#include <algorithm>

namespace detectd {

void LineShapes::keep() {
  if (!worth_keeping_ || line_.empty()) return;
  if (steps_.size() + line_.size() > kMaxSteps || !insert()) {
    forget();
    insert();
  }
}

void LineShapes::forget() {
  steps_.clear();
  texts_.clear();
  root_ = kNone;
}

// False where one of its places is full.
bool LineShapes::insert() {
  uint32_t before = kNone;
  for (size_t i = 0; i < line_.size(); ++i) {
    uint32_t at = before == kNone ? root_ : steps_[before].next;
    uint32_t last = kNone;
    size_t others = 0;
    for (; at != kNone && !is_same(steps_[at], i); at = steps_[at].other, ++others) last = at;
    if (at == kNone) {
      if (others >= kMaxOthers) return false;
      at = make_step(keys_[i], line_[i]);
      if (last != kNone) {
        steps_[last].other = at;
      } else if (before != kNone) {
        steps_[before].next = at;
      } else {
        root_ = at;
      }
    }
    before = at;
  }
  return true;
}

// Whether a step is that of a member of the line that is being read.
bool LineShapes::is_same(const Step& step, size_t member) const {
  return step.closed == line_[member].closed && step.object == line_[member].object &&
         std::string_view(texts_).substr(step.text, step.size - 1) == keys_[member];
}

uint32_t LineShapes::make_step(std::string_view key, const Member& member) {
  Step step;
  static_cast<Member&>(step) = member;
  step.size = static_cast<uint32_t>(key.size() + 1);
  step.text = static_cast<uint32_t>(texts_.size());
  texts_ += key;
  texts_ += '"';
  const char* const text = texts_.data() + step.text;
  std::memcpy(&step.first, text, std::min<size_t>(step.size, sizeof(step.first)));
  if (step.size > sizeof(step.last)) step.last = load(text + step.size - sizeof(step.last));
  steps_.push_back(step);
  return static_cast<uint32_t>(steps_.size() - 1);
}

}  // namespace detectd

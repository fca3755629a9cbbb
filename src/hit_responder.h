// Who carries out what rules ask for. The pipeline gives it each hit before anything that may wait.
#pragma once

#include <vector>

#include "engine/event.h"
#include "engine/hit.h"

namespace detectd {

class HitResponder {
 public:
  virtual ~HitResponder() = default;

  // Every event, in order, before its hits.
  virtual void observe(const Event& event) = 0;
  // Does what the hit's rule asks for, and sets its outcome. True where that may still change: the hit comes back by
  // settle(), and is shown only then.
  virtual bool respond(Hit& hit) = 0;
  // Between two chunks: appends what there is to tell to `news`. At the end of a run (`last`) it waits for what is
  // open, a second at most.
  struct News {
    std::vector<Hit> settled;  // to be shown, and stored once more
    std::vector<Hit> changed;  // the outcome of one that was shown: only to be stored
    std::vector<Hit> health;   // about responding itself
  };
  virtual void settle(News& news, bool last) = 0;
};

}  // namespace detectd

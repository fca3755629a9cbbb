// A receiver of alerts. Each has a thread of its own (delivery.h), so that it may take its time, but never longer than
// its own time limit, and not once it is interrupted. Of that thread all signals are blocked: what writes to a receiver
// that is gone must get an error, not SIGPIPE.
#pragma once

#include <cstdint>
#include <string>

#include "src/alerts/alert.h"
#include "src/alerts/interrupt.h"

namespace detectd {

struct Delivered {
  enum class What : uint8_t {
    kDelivered,  // the receiver has it
    kTaken,      // it is under way: settle() says whether it arrived
    kAgain,      // not this time; so has nothing that was taken and not settled
    kRefused,    // this one will never be taken; others may be
  };
  What what = What::kDelivered;
  std::string why = {};  // for people, not escaped: it may hold what the receiver wrote
};

class Sink {
 public:
  virtual ~Sink() = default;

  virtual Delivered deliver(const Alert& alert, const Interrupt& interrupt) = 0;
  // Makes sure of all that was taken.
  virtual Delivered settle(const Interrupt&) { return {}; }
  // Somebody moved files (SIGHUP).
  virtual void reopen() {}
};

inline Delivered try_again(std::string why) { return {Delivered::What::kAgain, std::move(why)}; }

}  // namespace detectd

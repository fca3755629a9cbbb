// The receive thread. It takes events from the kernel and, of each exec, what a process takes along when it ends.
//
// Where the kernel tells of programs (ToldPrograms), there is no hurry: events are taken many at a time. Else it reads
// of them at once. Then it runs above all other threads, and nothing else may run in it: 100 microseconds more an event
// lose nine of ten command lines of short processes.
//
// After reading, the socket is drained: where a later exec of the same pid is queued already, or a fork that took the
// pid anew, what was read may be the later program's, and says so. A queued end alone says nothing: of a process that
// had ended nothing could have been read.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "src/clock.h"
#include "src/fd.h"
#include "src/live/grip.h"
#include "src/live/heartbeat.h"
#include "src/live/observation.h"
#include "src/live/spsc_queue.h"
#include "src/live/told_programs.h"
#include "src/sources/proc_connector.h"
#include "src/sources/thread_ends.h"

namespace detectd {

// How the receive thread is scheduled.
enum class Scheduling : uint8_t { kRealtime, kNice, kNormal };
std::string_view to_string(Scheduling scheduling);

class Receiver {
 public:
  // Where the kernel has not told of so many execs in a row, all are read at once, until it tells of one again.
  static constexpr unsigned kUntoldInARow = 8;
  // Real time is given back where it runs longer without a pause, and taken again at the next one.
  static constexpr int64_t kMaxRunNs = 3'000'000'000;

  struct Options {
    size_t queue_events = 32'768;  // a power of two
    size_t max_images = 4096;      // that may wait, and what they may hold together
    size_t max_image_bytes = size_t{24} << 20;
    int64_t max_run_ns = kMaxRunNs;
    size_t queue_grips = 4096;  // a power of two
    int tick_ms = 250;          // it looks so often at least
  };
  // Read by any thread.
  struct Counters {
    std::atomic<uint64_t> events{0};      // that the kernel gave
    std::atomic<uint64_t> lost{0};        // that it could not give
    std::atomic<uint64_t> queue_lost{0};  // that we could not keep
    std::atomic<uint64_t> forged{0};      // messages that were not the kernel's
    std::atomic<uint64_t> forks{0};       // of processes
    std::atomic<uint64_t> execs{0};
    std::atomic<uint64_t> images_read{0};   // of them with a command line
    std::atomic<uint64_t> images_told{0};   // of these by the kernel
    std::atomic<uint64_t> told_dropped{0};  // records of it that found no room
    std::atomic<uint64_t> silences{
        0};  // how often so many in a row were not told that it seemed to have ended
    std::atomic<uint64_t> images_skipped{0};  // for lack of room
    std::atomic<uint64_t> superseded{0};
    std::atomic<uint64_t> longest_backlog{0};
    std::atomic<uint64_t> failed_subscriptions{0};
    std::atomic<uint64_t> grips{0};          // taken
    std::atomic<uint64_t> grips_refused{0};  // no descriptor was to be had
    std::atomic<uint64_t> grips_lost{0};     // nobody took them from here
  };
  // What is read of a process at once.
  using ReadImage = std::function<void(uint32_t pid, ExecImage& image)>;

  // Of programs that `told` has nothing is read, and while nobody has to know at once, nobody is woken for them; null:
  // there are none.
  Receiver(std::unique_ptr<ProcEventSocket> socket, std::unique_ptr<ToldPrograms> told, ReadImage read_image,
           Heartbeat& heartbeat, Options options);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  void start();
  // What happened until then is still passed on.
  void stop();

  // The other thread's side.
  bool pop(Observation& observation) { return queue_.pop(observation); }
  void wait(int64_t timeout_ns) { queue_.wait_filled(timeout_ns); }
  void give_back(std::unique_ptr<ExecImage> image);
  size_t queued() const { return queue_.size(); }  // any thread
  bool ended() const { return ended_.load(); }     // nothing follows what is in the queue
  // Once it ended: losses that found no room in the queue.
  const std::vector<Loss>& losses_left() const { return losses_; }

  // Whether all events are taken as soon as they come, also where few do: for whoever hears of processes in another way,
  // too, and wants to know them then. From any thread.
  void read_promptly(bool wanted) {
    prompt_ = wanted;
    read_now();
  }
  // Nobody is woken for an exec, since what there is to know of it is known. What is not taken yet may be a quarter of a
  // second old: see empty_ns().
  bool rests() const;
  // Takes what there is now; see empty_ns(). Any thread.
  void read_now();
  // From now on a hold is taken of the process of such an event, while somebody may want to do something to it.
  // `max` bounds those that wait to be taken and those that were: hold_grips() says how many these are.
  void take_grips(GripOn events, size_t max) {
    max_grips_ = max;
    grip_on_ = events;
    read_now();
  }
  void hold_grips(size_t held) { grips_held_ = held; }
  // One other thread's: holds in the order of their events, before the events themselves.
  bool pop(Grip& grip) { return grips_.pop(grip); }

  // Nothing is on its way: the kernel's queue is empty, and all that came was pushed and popped.
  bool idle() const { return waiting_.load() && queue_.size() == 0; }
  // When it last found nothing more to be had (CLOCK_MONOTONIC): all from before has been taken. 0: not yet.
  int64_t empty_ns() const { return empty_ns_.load(); }
  Scheduling scheduling() const;
  // How often it ran longer than Options::max_run_ns in real time.
  uint64_t priority_losses() const;
  const Counters& counters() const { return counters_; }

 private:
  void run();
  void raise_priority();
  void pause_at_times(int64_t now_ns);
  void wait_for_events(bool rest);
  void rest_for_events();
  void take_wish();
  int rest_ms() const;
  bool drain();
  void handle(const ProcEvent& event);
  bool is_own_beat(const ProcEvent& event);
  void read_exec(const ProcEvent& event, Observation& observation);
  void note_told(const ProcEvent& event, bool told);
  void open_grip(uint32_t pid);
  void push_grip(const ProcEvent& event, const ExecImage* image);
  void note_arrived(const ProcEvent& event);
  void note_handled(const ProcEvent& event);
  bool is_superseded(uint32_t pid) const;
  std::unique_ptr<ExecImage> take_image();
  void push(Observation& observation);
  void check_losses(int64_t now_ns, int64_t period_ns);
  void follow_heartbeat(int64_t now_ns);
  void push_loss(const Loss& loss);

  std::unique_ptr<ProcEventSocket> socket_;
  std::unique_ptr<ToldPrograms> told_;
  ReadImage read_image_;
  Heartbeat& heartbeat_;
  Options options_;
  Fd wake_;  // an eventfd that ends the waiting
  SpscQueue<Observation> queue_;
  SpscQueue<std::unique_ptr<ExecImage>> free_images_;
  SpscQueue<Grip> grips_;
  std::atomic<GripOn> grip_on_{GripOn::kNothing};
  std::atomic<bool> prompt_{false};
  std::atomic<size_t> max_grips_{0};
  std::atomic<size_t> grips_held_{0};
  std::atomic<size_t> image_bytes_{0};  // that wait
  std::atomic<int64_t> stop_ns_{0};     // when stop() was called; 0: not yet
  std::atomic<bool> ended_{false};
  std::atomic<bool> waiting_{false};
  std::atomic<int64_t> empty_ns_{0};
  std::atomic<Scheduling> scheduling_{Scheduling::kNormal};
  std::atomic<pid_t> thread_id_{0};
  std::atomic<unsigned> untold_{0};  // execs in a row
  bool has_patient_ = false;         // ProcEventSocket::patient_descriptor(), from the start on
  uint64_t priority_losses_before_;
  Counters counters_;
  std::thread thread_;

  // The thread's own.
  std::vector<ProcEvent> backlog_;  // from next_ on
  size_t next_ = 0;
  uint32_t self_;
  int64_t made_ns_ = steady_clock_ns();
  uint64_t untold_dropped_ = 0;       // ToldPrograms::dropped() as of the exec before
  bool busy_ = false;                 // one came soon after another
  int64_t rested_ns_ = 0;             // when the last rest ended
  int64_t per_event_ns_ = INT64_MAX;  // from one event to the next, from that rest to the one before
  uint64_t events_before_rest_ = 0;
  int64_t got_ns_ = 0;                               // when something was there last
  int64_t taken_ns_ = 0;                             // what came before is in the backlog, or was passed on
  uint32_t beat_thread_ = 0;                         // the last thread of this process whose fork was heard
  std::unordered_map<uint32_t, uint32_t> programs_;  // by pid: how many in the backlog begin a program there
  std::unordered_map<uint32_t, uint32_t> ends_;      // the same: how many in the backlog end a leader there
  bool all_arrived_ = true;                          // the last drain() left nothing to the socket
  Grip grip_;
  ThreadEnds thread_ends_;
  size_t images_ = 0;  // made
  uint64_t told_lost_ = 0;
  int64_t lossy_until_ns_ = 0;
  uint64_t told_queue_lost_ = 0;
  int64_t losses_checked_ns_ = 0;
  int64_t blind_since_ns_ = 0;  // 0: not blind
  int64_t resubscribed_ns_ = 0;
  int64_t paused_ns_ = 0;     // when others had the processor last, for certain
  std::vector<Loss> losses_;  // that found no room in the queue yet
};

}  // namespace detectd

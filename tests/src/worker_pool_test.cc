#include "src/worker_pool.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace detectd;

TEST_CASE("every task is done once, by a worker of the pool, run after run", "[worker_pool][threads]") {
  for (const size_t threads : {1u, 2u, 4u}) {
    WorkerPool pool(threads);
    REQUIRE(pool.size() == threads);
    for (const size_t tasks : {0u, 1u, 2u, 3u, 100u}) {
      std::vector<std::atomic<int>> done(tasks);
      std::atomic<bool> known_worker = true;
      pool.run(tasks, [&](size_t task, size_t worker) {
        ++done[task];
        if (worker >= threads) known_worker = false;
      });
      CHECK(known_worker);
      for (const std::atomic<int>& times : done) CHECK(times == 1);
    }
  }
}

TEST_CASE("what a task throws reaches the caller, and the pool goes on", "[worker_pool][threads]") {
  for (const size_t threads : {1u, 3u}) {
    WorkerPool pool(threads);
    CHECK_THROWS_AS(pool.run(10,
                             [](size_t task, size_t) {
                               if (task == 5) throw std::runtime_error("five");
                             }),
                    std::runtime_error);
    std::atomic<size_t> done = 0;
    pool.run(10, [&](size_t, size_t) { ++done; });
    CHECK(done == 10);
  }
}

TEST_CASE("two callers' runs are both done, each number of a worker had by one thread at a time",
          "[worker_pool][threads]") {
  for (const size_t threads : {2u, 4u}) {
    WorkerPool pool(threads, 2);
    REQUIRE(pool.size() == threads);
    std::atomic<size_t> done = 0;
    std::atomic<bool> shared = false;
    const auto call = [&] {
      for (int round = 0; round < 50; ++round) {
        std::vector<std::atomic<bool>> taken(threads);
        pool.run(20, [&](size_t, size_t worker) {
          if (worker >= threads || taken[worker].exchange(true)) shared = true;
          ++done;
          taken[worker] = false;
        });
      }
    };
    std::thread other(call);
    call();
    other.join();
    CHECK(done == 2 * 50 * 20);
    CHECK_FALSE(shared);
  }
}

TEST_CASE("who waits for another thread does its tasks, and is woken when there are none",
          "[worker_pool][threads]") {
  WorkerPool pool(2, 2);
  CHECK_FALSE(pool.help());
  std::atomic<bool> helped = false;
  std::atomic<bool> ended = false;
  const std::thread::id waiting = std::this_thread::get_id();
  std::thread other([&] {
    // Of two tasks each waits for the other to have begun, so that both threads must come.
    std::atomic<int> begun = 0;
    pool.run(2, [&](size_t, size_t) {
      if (std::this_thread::get_id() == waiting) helped = true;
      ++begun;
      while (begun < 2) std::this_thread::yield();
    });
    ended = true;
    pool.wake();
  });
  pool.help_until([&] { return ended.load(); });
  CHECK(helped);
  other.join();
}

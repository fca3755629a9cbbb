#include "src/worker_pool.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <stdexcept>
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

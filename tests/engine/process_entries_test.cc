#include "engine/process_entries.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <map>
#include <random>

namespace detectd {

TEST_CASE("each pid has the entry it was given, whatever came and went around it", "[process_table]") {
  ProcessEntries entries;
  std::map<uint32_t, ProcessEntry*> known;
  std::mt19937 random(7);
  // Few pids, so that they come again; more than the table has room for at first.
  for (int step = 0; step < 60'000; ++step) {
    const uint32_t pid = random() % 4096;
    ProcessEntry* const entry = entries.find(1, pid);
    const auto found = known.find(pid);
    REQUIRE(entry == (found == known.end() ? nullptr : found->second));
    if (entry == nullptr) {
      known[pid] = &entries.add(1, pid);
    } else {
      entries.end(*entry, step);
      entries.drop_ended(step + 1, 0, 100);
      known.erase(found);
    }
    REQUIRE(entries.size() == known.size());
  }
  REQUIRE(known.size() > 1000);
  for (uint32_t pid = 0; pid < 4096; ++pid) {
    const ProcessEntry* const entry = entries.find(1, pid);
    CHECK((entry != nullptr) == known.contains(pid));
    if (entry != nullptr) CHECK(static_cast<uint32_t>(entry->key) == pid);
    CHECK(entries.find(2, pid) == nullptr);
  }
}

TEST_CASE("of the entries that have ended a bounded number stays, the last ones", "[process_table]") {
  ProcessEntries entries;
  for (uint32_t pid = 1; pid <= 20; ++pid) entries.end(entries.add(1, pid), pid);
  entries.revive(*entries.find(1, 1));
  entries.drop_ended(20, 100, 5);
  CHECK(entries.size() == 6);
  CHECK(entries.find(1, 1) != nullptr);
  CHECK(entries.find(1, 15) == nullptr);
  CHECK(entries.find(1, 16) != nullptr);
}

TEST_CASE("an entry that is used again has nothing of the process before", "[process_table]") {
  ProcessEntries entries;
  ProcessEntry& first = entries.add(1, 7);
  first.had_root = first.executed = true;
  entries.end(first, 5);
  entries.drop_ended(6, 0, 100);
  const ProcessEntry& second = entries.add(1, 8);
  CHECK_FALSE(second.ended);
  CHECK_FALSE(second.had_root);
  CHECK_FALSE(second.executed);
  CHECK(entries.running().empty());
}

}  // namespace detectd

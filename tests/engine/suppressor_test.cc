#include "engine/suppressor.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/stream.h"

namespace detectd {
namespace {

using testing::names_of;
using testing::Stream;

std::string rule(const std::string& suppress) {
  return "[[rule]]\nid = \"00000000-0000-4000-8000-000000000001\"\nname = \"su\"\ntitle = \"t\"\nlevel = "
         "\"low\"\n"
         "on = \"exec\"\n" +
         suppress + "\n[rule.detection]\ns.\"process.name\" = \"su\"\ncondition = \"s\"\n";
}

std::string su(const std::string& user) {
  return R"("process":{"name":"su","user":{"name":")" + user + "\"}}";
}

const std::string kByUser = "suppress = { by = [\"user.name\"], for = \"1m\" }";

}  // namespace

TEST_CASE("the first hit of a window is reported at once, repeats when it closes", "[suppressor]") {
  Stream stream(rule(kByUser));
  const auto first = stream.exec(0, su("eve"));
  CHECK(names_of(first) == "su");
  CHECK(names_of(stream.exec(10, su("eve"))) == "");
  CHECK(names_of(stream.exec(60, su("eve"))) == "");
  const auto fold = stream.exec(61, "\"process\":{\"name\":\"ls\"}");
  REQUIRE(names_of(fold) == "su x3");
  CHECK(fold[0].id == first[0].id);
  CHECK(fold[0].first_ns == first[0].first_ns);
  CHECK(fold[0].last_ns - fold[0].first_ns == 60'000'000'000);
  CHECK(stream.finish().empty());
}

TEST_CASE("a window that saw no repeat closes in silence", "[suppressor]") {
  Stream stream(rule(kByUser));
  stream.exec(0, su("eve"));
  CHECK(names_of(stream.exec(100, su("eve"))) == "su");
  CHECK(stream.finish().empty());
}

TEST_CASE("the end of the stream closes all windows, in the order in which they would have closed",
          "[suppressor]") {
  Stream stream(rule(kByUser));
  for (const char* user : {"eve", "bob", "bob", "eve", "eve"}) stream.exec(0, su(user));
  CHECK(names_of(stream.finish()) == "su x3 su x2");
  CHECK(stream.engine().counters().suppressor.folded == 3);
}

TEST_CASE("an absent value is one of its own", "[suppressor]") {
  Stream stream(rule(kByUser));
  CHECK(names_of(stream.exec(0, su(""))) == "su");
  CHECK(names_of(stream.exec(1, R"("process":{"name":"su"})")) == "su");
  CHECK(names_of(stream.exec(2, R"("process":{"name":"su"})")) == "");
}

TEST_CASE("without `by` a rule has one window", "[suppressor]") {
  Stream stream(rule("suppress = { for = \"1m\" }"));
  CHECK(names_of(stream.exec(0, su("eve"))) == "su");
  CHECK(names_of(stream.exec(1, su("bob"))) == "");
}

TEST_CASE("time that goes back by more than the window opens a new one", "[suppressor]") {
  Stream stream(rule(kByUser));
  stream.exec(1000, su("eve"));
  CHECK(names_of(stream.exec(950, su("eve"))) == "");
  CHECK(names_of(stream.exec(900, su("eve"))) == "su x2 su");
}

TEST_CASE("a response is never suppressed", "[suppressor]") {
  Stream stream(rule(kByUser + "\nresponse = { action = \"kill\" }"));
  CHECK(names_of(stream.exec(0, su("eve"))) == "su");
  CHECK(names_of(stream.exec(1, su("eve"))) == "su");
}

TEST_CASE("the digest of hits is over hits before suppression", "[suppressor]") {
  Stream folding(rule(kByUser));
  Stream plain(rule(""));
  for (int second = 0; second < 10; ++second) {
    folding.exec(second, su("eve"));
    plain.exec(second, su("eve"));
  }
  CHECK(folding.engine().hits_digest() == plain.engine().hits_digest());
  CHECK(folding.engine().counters().hits == 10);
}

TEST_CASE("a correlation is suppressed by its group for its timespan, unless it says otherwise",
          "[suppressor]") {
  const auto run = [](const std::string& suppress) {
    Stream stream(
        rule("") +
        "[[correlation]]\nid = \"ffffffff-0000-4000-8000-000000000001\"\nname = \"many\"\ntitle = \"t\"\n"
        "level = \"low\"\ntype = \"event_count\"\nrules = [\"su\"]\ngroup-by = [\"user.name\"]\n"
        "timespan = \"10s\"\ncondition = { gte = 2 }\n" +
        suppress);
    std::string names;
    for (int second = 0; second < 4; ++second) {
      for (const char* user : {"eve", "bob"}) names += names_of(stream.exec(second, su(user))) + ";";
    }
    for (const Hit& fold : stream.finish()) names += fold.group.front().value + std::to_string(fold.count);
    return names;
  };
  CHECK(run("") == ";;many;many;;;;;eve3bob3");
  CHECK(run("suppress = false") == ";;many;many;many;many;many;many;");
  CHECK(run("suppress = { for = \"10s\" }") == ";;many;;;;;;eve6");
  CHECK(run("response = { action = \"alert\" }") == ";;many;many;;;;;eve3bob3");
}

TEST_CASE("TRUST 79: windows are bounded; those that close early lose no repeat", "[suppressor]") {
  Stream stream(rule(kByUser), {.suppressor = {.max_windows = 10}});
  uint64_t reported = 0;
  const auto count = [&](const std::vector<Hit>& hits) {
    for (const Hit& hit : hits) reported += hit.fold ? hit.count - 1 : 1;
  };
  for (int round = 0; round < 3; ++round) {
    for (int user = 0; user < 100; ++user) {
      count(stream.exec(round, su(std::to_string(user))));
      count(stream.exec(round, su(std::to_string(user))));
    }
  }
  count(stream.finish());
  CHECK(reported == 600);
  CHECK(stream.engine().counters().suppressor.closed_early == 290);
}

TEST_CASE("windows are bounded in bytes", "[suppressor]") {
  Stream stream(rule(kByUser), {.suppressor = {.memory_bytes = 64 << 10}});
  for (int user = 0; user < 1000; ++user) stream.exec(0, su(std::to_string(user)));
  const Suppressor::Counters counters = stream.engine().counters().suppressor;
  CHECK(counters.windows < 64);
  CHECK(counters.closed_early == 1000 - counters.windows);
}

}  // namespace detectd

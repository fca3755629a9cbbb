// Correlations beyond Sigma's vectors: what a hit says, who falls silent, chains, new terms, bounds, reloads.
#include "engine/correlator.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "engine/rule_test.h"
#include "tests/support/stream.h"

namespace detectd {
namespace {

using testing::names_of;
using testing::Stream;

// A rule that holds for an exec whose process has that name.
std::string rule(const std::string& name, const std::string& more = "") {
  static const std::string kDigits = "0123456789abcdef";
  std::string id = "00000000-0000-4000-8000-000000000000";
  for (size_t i = 0; i < name.size() && i < 6; ++i) {
    id[24 + 2 * i] = kDigits[static_cast<unsigned char>(name[i]) >> 4];
    id[25 + 2 * i] = kDigits[static_cast<unsigned char>(name[i]) & 15];
  }
  return "[[rule]]\nid = \"" + id + "\"\nname = \"" + name +
         "\"\ntitle = \"t\"\nlevel = \"low\"\non = \"exec\"\n" + more +
         "\n[rule.detection]\ns.\"process.name\" = \"" + name + "\"\ncondition = \"s\"\n";
}

std::string correlation(const std::string& name, const std::string& rest, int number = 1) {
  return "[[correlation]]\nid = \"ffffffff-0000-4000-8000-00000000000" + std::to_string(number) +
         "\"\nname = \"" + name + "\"\ntitle = \"t\"\nlevel = \"high\"\n" + rest + "\n";
}

const std::string kThree =
    "type = \"event_count\"\nrules = [\"su\"]\ngroup-by = [\"user.name\"]\ntimespan = \"1m\"\ncondition = { "
    "gte = 3 }\n"
    "suppress = false\n";

std::string by(const std::string& process, const std::string& user) {
  return "\"process\":{\"name\":\"" + process + "\",\"user\":{\"name\":\"" + user + "\"}}";
}

}  // namespace

TEST_CASE("a correlation's hit names its parts in order of time, its group and its completing event",
          "[correlator]") {
  Stream stream(rule("su") + correlation("many", kThree));
  CHECK(stream.exec(0, by("su", "eve")).empty());
  CHECK(stream.exec(1, by("su", "bob")).empty());
  CHECK(stream.exec(2, by("su", "eve")).empty());
  const auto hits = stream.exec(3, by("su", "eve"));
  REQUIRE(names_of(hits) == "many");
  REQUIRE(hits[0].parts.size() == 3);
  CHECK(hits[0].parts[0].time_ns < hits[0].parts[1].time_ns);
  CHECK(hits[0].parts[2].time_ns == hits[0].event->time_ns);
  CHECK(hits[0].parts[0].rule->name == "su");
  CHECK(hits[0].parts[0].event->find(process_field(Leaf::kUserName)).text == "eve");
  CHECK(hits[0].parts_left_out == 0);
  REQUIRE(hits[0].group.size() == 1);
  CHECK(hits[0].group[0].field == "user.name");
  CHECK(hits[0].group[0].value == "eve");
}

TEST_CASE("parts carry the ids that the hits have, or would have had", "[correlator]") {
  const std::string generating = correlation("many", kThree + "generate = true\n");
  Stream reporting(rule("su") + generating);
  Stream silent(rule("su") + correlation("many", kThree));
  std::vector<HitId> reported;
  std::vector<Hit> last;
  for (int second = 0; second < 3; ++second) {
    for (const Hit& hit : reporting.exec(second, by("su", "eve"))) {
      if (hit.rule->name == "su") reported.push_back(hit.id);
    }
    last = silent.exec(second, by("su", "eve"));
  }
  REQUIRE(reported.size() == 3);
  REQUIRE(last.size() == 1);
  for (size_t i = 0; i < 3; ++i) CHECK(last[0].parts[i].id == reported[i]);
}

TEST_CASE("a rule falls silent for a correlation in its file or one that says so, and never with a response",
          "[correlator]") {
  const auto reported = [](const std::string& named, const std::string& naming) {
    Stream stream(named + naming);
    return names_of(stream.exec(0, by("su", "eve")));
  };
  CHECK(reported(rule("su"), correlation("many", kThree)) == "");
  CHECK(reported(rule("su"), correlation("many", kThree + "generate = true")) == "su");
  CHECK(reported(rule("su"), correlation("many", kThree + "generate = false")) == "");
  CHECK(reported(rule("su", "response = { action = \"kill\" }"),
                 correlation("many", kThree + "generate = false")) == "su");
}

TEST_CASE("a correlation of another file silences a rule only if it says so", "[correlator]") {
  const auto reported = [](const std::string& generate) {
    RuleDocument document = testing::read_document(rule("su"));
    RuleDocument other = testing::read_document(rule("su") + correlation("many", kThree + generate));
    document.rules.push_back(other.rules.back());
    Diagnostics diagnostics;
    Stream stream(RuleSet::compile(document, diagnostics), {});
    REQUIRE(diagnostics.errors() == 0);
    return names_of(stream.exec(0, by("su", "eve")));
  };
  CHECK(reported("") == "su");
  CHECK(reported("generate = true") == "su");
  CHECK(reported("generate = false") == "");
}

TEST_CASE("correlations count the hits of correlations", "[correlator]") {
  const std::string outer =
      "type = \"value_count\"\nrules = [\"many\"]\ntimespan = \"10m\"\ncondition = { field = \"user.name\", "
      "gte = 2 }\n"
      "suppress = false";
  Stream stream(rule("su") + correlation("wave", outer, 0) + correlation("many", kThree, 1));
  for (int second = 0; second < 3; ++second) CHECK(stream.exec(second, by("su", "eve")).empty());
  for (int second = 3; second < 5; ++second) CHECK(stream.exec(second, by("su", "bob")).empty());
  const auto hits = stream.exec(5, by("su", "bob"));
  REQUIRE(names_of(hits) == "wave");
  REQUIRE(hits[0].parts.size() == 2);
  CHECK(hits[0].parts[0].rule->name == "many");
}

TEST_CASE("a chained correlation may group by an alias of the inner one", "[correlator]") {
  const std::string inner =
      "type = \"temporal\"\nrules = [\"scan\", \"login\"]\ntimespan = \"1m\"\ngroup-by = [\"ip\"]\nsuppress "
      "= false\n"
      "aliases.ip = { scan = \"labels.to\", login = \"labels.from\" }\n";
  const std::string outer =
      "type = \"event_count\"\nrules = [\"pair\"]\ntimespan = \"1h\"\ngroup-by = [\"ip\"]\ncondition = { gte "
      "= 2 }\n"
      "suppress = false\n";
  Stream stream(rule("scan") + rule("login") + correlation("pair", inner, 1) +
                correlation("twice", outer, 2));
  const auto show = [&](int second, const char* name, const char* key, const char* ip) {
    return names_of(stream.exec(second, "\"process\":{\"name\":\"" + std::string(name) +
                                            "\"},\"labels\":{\"" + key + "\":\"" + ip + "\"}"));
  };
  CHECK(show(0, "scan", "to", "1") == "");
  CHECK(show(1, "login", "from", "1") == "");
  CHECK(show(2, "scan", "to", "2") == "");
  CHECK(show(3, "login", "from", "2") == "");
  CHECK(show(4, "login", "from", "2") == "twice");
}

TEST_CASE("in order means different events, one after the other", "[correlator]") {
  const std::string both =
      "[[rule]]\nid = \"00000000-0000-4000-8000-0000000000bb\"\nname = \"any\"\ntitle = \"t\"\nlevel = "
      "\"low\"\non = "
      "\"exec\"\n[rule.detection]\ns.\"process.name\" = [\"su\", \"sh\"]\ncondition = \"s\"\n";
  Stream stream(rule("su") + both +
                correlation("ordered",
                            "type = \"temporal_ordered\"\nrules = [\"su\", \"any\"]\ntimespan = \"1m\"\n"
                            "suppress = false"));
  CHECK(names_of(stream.exec(0, by("su", "eve"))) == "");
  CHECK(names_of(stream.exec(1, by("su", "eve"))) == "ordered");
  CHECK(names_of(stream.exec(2, by("sh", "eve"))) == "ordered");
}

TEST_CASE("an ordered correlation holds at the event that ends the order, not at noise behind it",
          "[correlator]") {
  Stream stream(rule("a") + rule("b") + rule("c") +
                correlation("two",
                            "type = \"temporal_ordered\"\nrules = [\"a\", \"b\", \"c\"]\ntimespan = \"1m\"\n"
                            "condition = { gte = 2 }\nsuppress = false"));
  CHECK(names_of(stream.exec(0, by("a", "x"))) == "");
  const auto hits = stream.exec(1, by("c", "x"));
  REQUIRE(names_of(hits) == "two");
  CHECK(hits[0].parts.size() == 2);
  CHECK(names_of(stream.exec(2, by("a", "x"))) == "");
  CHECK(names_of(stream.exec(3, by("b", "x"))) == "two");
  CHECK(names_of(stream.exec(64, by("b", "x"))) == "");
}

TEST_CASE("a new term is reported once, and only after the time of learning", "[correlator]") {
  Stream stream(rule("su") + correlation("first",
                                         "type = \"new_terms\"\nrules = [\"su\"]\nlearn = \"1h\"\n"
                                         "group-by = [\"user.name\", \"process.parent.name\"]"));
  const auto run = [&](int second, const char* user, const char* parent) {
    return names_of(stream.exec(second, "\"process\":{\"name\":\"su\",\"user\":{\"name\":\"" +
                                            std::string(user) + "\"},\"parent\":{\"name\":\"" + parent +
                                            "\"}}"));
  };
  // The time of learning begins with the stream, not with the first hit.
  stream.exec(0, "\"process\":{\"name\":\"ls\"}");
  CHECK(run(3599, "eve", "bash") == "");
  CHECK(run(3600, "eve", "bash") == "");
  CHECK(run(3601, "eve", "nginx") == "first");
  CHECK(run(3602, "eve", "nginx") == "");
  CHECK(run(3603, "bob", "nginx") == "first");
  CHECK(names_of(stream.exec(3604, by("su", "bob"))) == "");
}

TEST_CASE("what new_terms has seen is learnt by the next run, which goes on where the first ended",
          "[correlator]") {
  const auto rules = [](const std::string& learn) {
    return rule("su") + correlation("first", "type = \"new_terms\"\nrules = [\"su\"]\nlearn = \"" + learn +
                                                 "\"\ngroup-by = [\"user.name\"]");
  };
  Stream first(rules("1h"));
  first.exec(0, by("su", "eve"));
  first.exec(3500, by("su", "bob"));
  const std::vector<TermHistory> seen = first.engine().history();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].terms.size() == 2);
  SECTION("what is known is no hit, what is not is one, and the time of learning is not begun anew") {
    Stream next(rules("1h"));
    next.engine().learn(seen);
    CHECK(names_of(next.exec(3601, by("su", "eve"))) == "");
    CHECK(names_of(next.exec(3602, by("su", "amy"))) == "first");
    // The same as one run would have, in the same order.
    first.exec(3601, by("su", "eve"));
    CHECK(names_of(first.exec(3602, by("su", "amy"))) == "first");
    const auto once = first.engine().history(), twice = next.engine().history();
    CHECK(once[0].terms == twice[0].terms);
    CHECK(once[0].start_ns == twice[0].start_ns);
    CHECK(once[0].digest == twice[0].digest);
  }
  SECTION("also by a run that has seen something by then") {
    Stream next(rules("1h"));
    next.exec(3600, by("su", "eve"));
    next.engine().learn(seen);
    CHECK(names_of(next.exec(3601, by("su", "bob"))) == "");
    CHECK(names_of(next.exec(3602, by("su", "amy"))) == "first");
    CHECK(next.engine().history()[0].terms.size() == 3);
  }
  SECTION("another definition learns for itself") {
    Stream next(rules("2h"));
    next.engine().learn(seen);
    next.exec(3600, by("su", "eve"));
    REQUIRE(next.engine().history().size() == 1);
    CHECK(next.engine().history()[0].terms.size() == 1);
  }
  SECTION("without a history it is as it was") {
    Stream next(rules("1h"));
    CHECK(names_of(next.exec(3602, by("su", "amy"))) == "");
  }
}

TEST_CASE("TRUST 77: a history stays within the bounds of those who learn it", "[correlator]") {
  const std::string rules = rule("su") + correlation("first",
                                                     "type = \"new_terms\"\nrules = [\"su\"]\ngroup-by = "
                                                     "[\"user.name\"]");
  Stream first(rules);
  for (int i = 0; i < 50; ++i) first.exec(i, by("su", "user" + std::to_string(i)));
  const std::vector<TermHistory> seen = first.engine().history();
  Stream next(rules, {.correlator = {.max_groups = 10}});
  next.engine().learn(seen);
  const std::vector<TermHistory> kept = next.engine().history();
  REQUIRE(kept.size() == 1);
  // The newest.
  CHECK(kept[0].terms == std::vector<SeenTerm>(seen[0].terms.end() - 10, seen[0].terms.end()));
  CHECK(next.engine().counters().correlator.evicted_groups == 40);
}

TEST_CASE("an event that comes late is counted where it belongs", "[correlator]") {
  Stream stream(rule("su") + correlation("many", kThree));
  stream.exec(100, by("su", "eve"));
  stream.exec(130, by("su", "eve"));
  SECTION("within the window") { CHECK(names_of(stream.exec(71, by("su", "eve"))) == "many"); }
  SECTION("before the window") { CHECK(names_of(stream.exec(69, by("su", "eve"))) == ""); }
  SECTION("after time went back for good, what is in the future is forgotten") {
    CHECK(names_of(stream.exec(10, by("su", "eve"))) == "");
    CHECK(names_of(stream.exec(11, by("su", "eve"))) == "");
    CHECK(names_of(stream.exec(12, by("su", "eve"))) == "many");
  }
}

TEST_CASE("a hit of a large window names the newest parts and says how many it leaves out", "[correlator]") {
  Stream stream(rule("su") + correlation("many",
                                         "type = \"event_count\"\nrules = [\"su\"]\ntimespan = \"1h\"\n"
                                         "condition = { gte = 150 }\nsuppress = false"));
  for (int second = 0; second < 149; ++second) REQUIRE(stream.exec(second, by("su", "eve")).empty());
  const auto hits = stream.exec(149, by("su", "eve"));
  REQUIRE(hits.size() == 1);
  CHECK(hits[0].parts.size() == kMaxHitParts);
  CHECK(hits[0].parts_left_out == 50);
  CHECK(hits[0].parts.back().event != nullptr);
  CHECK(hits[0].parts.front().event == nullptr);
}

TEST_CASE("numbers that are none are left out of sums", "[correlator]") {
  Stream stream(rule("su") + correlation("sum",
                                         "type = \"value_sum\"\nrules = [\"su\"]\ntimespan = \"1h\"\n"
                                         "condition = { field = \"labels.n\", gt = 5 }\nsuppress = false"));
  const auto add = [&](int second, const char* n) {
    return names_of(
        stream.exec(second, "\"process\":{\"name\":\"su\"},\"labels\":{\"n\":" + std::string(n) + "}"));
  };
  CHECK(add(0, "5") == "");
  CHECK(add(1, "\"many\"") == "");
  CHECK(add(2, "null") == "");
  CHECK(add(3, "\"0.5\"") == "sum");
  CHECK(add(4, "-3") == "");
  CHECK(add(5, "1e300") == "sum");
  CHECK(add(6, "-1e300") == "");
}

TEST_CASE("TRUST 77: groups of random values stay within the memory bound, and what is dropped is counted",
          "[correlator]") {
  constexpr size_t kBound = 256 << 10;
  Stream stream(rule("su") + correlation("many", kThree), {.correlator = {.memory_bytes = kBound}});
  std::mt19937_64 random(7);
  for (int i = 0; i < 5000; ++i) stream.exec(0, by("su", std::to_string(random())));
  const Correlator::Counters counters = stream.engine().counters().correlator;
  CHECK(counters.bytes <= kBound);
  CHECK(counters.peak_bytes <= kBound);
  CHECK(counters.groups > 50);
  CHECK(counters.evicted_groups == 5000 - counters.groups);
}

TEST_CASE("a correlation that is flooded with random values does not empty the others", "[correlator]") {
  const std::string other =
      "type = \"event_count\"\nrules = [\"sudo\"]\ngroup-by = [\"user.name\"]\ntimespan = \"1m\"\n"
      "condition = { gte = 2 }\nsuppress = false";
  Stream stream(rule("su") + rule("sudo") + correlation("many", kThree) + correlation("two", other, 2),
                {.correlator = {.memory_bytes = 256 << 10}});
  stream.exec(0, by("sudo", "eve"));
  for (int i = 0; i < 1000; ++i) stream.exec(1, by("su", std::to_string(i)));
  CHECK(stream.engine().counters().correlator.evicted_groups > 0);
  CHECK(names_of(stream.exec(2, by("sudo", "eve"))) == "two");
}

TEST_CASE("groups whose window has passed are no loss and not counted", "[correlator]") {
  Stream stream(rule("su") + correlation("many", kThree));
  for (int i = 0; i < 100; ++i) stream.exec(0, by("su", std::to_string(i)));
  CHECK(stream.engine().counters().correlator.groups == 100);
  stream.exec(61, by("su", "eve"));
  const Correlator::Counters counters = stream.engine().counters().correlator;
  CHECK(counters.groups == 1);
  CHECK(counters.evicted_groups == 0);
}

TEST_CASE("a reload keeps what correlations remember that did not change, nor the rules they name",
          "[correlator]") {
  const std::string rules = rule("su") + rule("sudo");
  const std::string other =
      "type = \"event_count\"\nrules = [\"sudo\"]\ntimespan = \"1m\"\ncondition = { gte = 2 }\nsuppress = "
      "false";
  Stream stream(rules + correlation("many", kThree) + correlation("two", other, 2));
  for (int second = 0; second < 2; ++second) stream.exec(second, by("su", "eve"));
  stream.exec(2, by("sudo", "eve"));
  SECTION("prose, order and neighbours may change") {
    stream.reload(correlation("two", other, 2) + rule("new") + rules +
                  correlation("many", "description = \"new words\"\n" + kThree));
    CHECK(names_of(stream.exec(3, by("su", "eve"))) == "many");
    CHECK(names_of(stream.exec(4, by("sudo", "eve"))) == "two");
  }
  SECTION("a changed bound begins anew") {
    stream.reload(rules + correlation("many", kThree) +
                  correlation("two", other + "\ngroup-by = [\"user.name\"]", 2));
    CHECK(names_of(stream.exec(3, by("su", "eve"))) == "many");
    CHECK(names_of(stream.exec(4, by("sudo", "eve"))) == "");
  }
  SECTION("a changed rule begins anew") {
    stream.reload(rule("su", "suppress = { for = \"1s\" }") + rule("sudo") + correlation("many", kThree) +
                  correlation("two", other, 2));
    CHECK(names_of(stream.exec(3, by("su", "eve"))) == "");
    CHECK(names_of(stream.exec(4, by("sudo", "eve"))) == "two");
  }
}

TEST_CASE("hits of rules and correlations stand in the order of rule ids", "[correlator]") {
  const std::string generating =
      "type = \"event_count\"\nrules = [\"su\"]\ntimespan = \"1m\"\ncondition = { gte = 1 }\n"
      "generate = true\nsuppress = false";
  std::string early = correlation("early", generating);
  early.replace(early.find("ffffffff"), 8, "00000000");
  early.replace(early.find("-4000-8000-"), 11, "-4000-7000-");
  Stream stream(rule("su") + correlation("late", generating, 2) + early);
  CHECK(names_of(stream.exec(0, by("su", "eve"))) == "early su late");
}

TEST_CASE("a correlation's tests run with the events at their offsets", "[correlator]") {
  const auto rules = testing::compile_toml(
      rule("su") +
      correlation("many", kThree + "[[correlation.test]]\nname = \"three\"\nmatch = true\n"
                                   "events = [{ process.name = \"su\", user.name = \"a\" }, "
                                   "{ at = \"30s\", process.name = \"su\", user.name = \"a\" },"
                                   "{ at = \"60s\", process.name = \"su\", user.name = \"a\" }]\n"
                                   "[[correlation.test]]\nname = \"too slow\"\nmatch = false\n"
                                   "events = [{ process.name = \"su\", user.name = \"a\" }, "
                                   "{ at = \"30s\", process.name = \"su\", user.name = \"a\" },"
                                   "{ at = \"61s\", process.name = \"su\", user.name = \"a\" }]\n"));
  const auto results = run_rule_tests(rules);
  REQUIRE(results.size() == 2);
  for (const RuleTestResult& result : results) CHECK(result.passed());
}

}  // namespace detectd

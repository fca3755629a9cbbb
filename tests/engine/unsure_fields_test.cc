#include "engine/unsure_fields.h"

#include <catch2/catch.hpp>

#include "engine/matcher.h"
#include "tests/support/events.h"
#include "tests/support/stream.h"

namespace detectd {
namespace {

std::shared_ptr<const RuleSet> rules_with(const std::string& detection) {
  return testing::compile_toml(
      "[[rule]]\nid = \"00000000-0000-4000-8000-000000000001\"\ntitle = \"t\"\nlevel = \"low\"\non = "
      "\"exec\"\n"
      "[rule.detection]\nexe.\"process.executable\" = \"/bin/nc\"\nname.\"process.name\" = \"nc\"\n"
      "line.\"process.command_line|contains\" = \"-e\"\nroot.\"process.user.id\" = 0\nkeywords = [\"evil\"]\n"
      "ancestor.\"process.ancestors.name\" = \"sh\"\ncondition = \"" +
      detection + "\"\n");
}

}  // namespace

TEST_CASE("a rule holds surely where no field that could not be had decided it", "[response]") {
  struct Case {
    const char* condition;
    std::initializer_list<const char*> missing;
    bool sure;
  };
  const Case cases[] = {
      {"exe", {}, true},
      {"exe", {"process.command_line"}, true},
      // A path that is another file for us stands there, and is named as missing.
      {"exe", {"process.executable"}, false},
      {"exe and not root", {}, true},
      {"exe and not root", {"process.user.id"}, false},
      {"exe or line", {"process.command_line"}, true},
      {"exe and not line", {"process.command_line"}, false},
      // Each time it is asked for itself: to be careful costs a response, not a process.
      {"exe and (root or not root)", {"process.user.id"}, false},
      // A name may be the thread's where there is no executable.
      {"name", {}, true},
      {"name", {"process.executable"}, false},
      {"exe and not keywords", {}, true},
      {"exe and not keywords", {"process.command_line"}, false},
      {"exe and not ancestor", {}, true},
      {"exe and not ancestor", {"process.ancestors.name"}, false},
      {"exe and 1 of them", {"process.user.id", "process.command_line"}, true},
  };
  for (const Case& c : cases) {
    INFO(c.condition << " without " << (c.missing.size() == 0 ? "nothing" : *c.missing.begin()));
    const auto rules = rules_with(c.condition);
    Event event = test::exec(7, "/bin/nc").with("process.name", "nc");
    if (c.missing.size() != 0) {
      event.begin_list(field::kMissing);
      for (const char* const field : c.missing) event.append_text(field::kMissing, field);
    }
    Matcher matcher(*rules);
    CHECK(matcher.match_alone(0, event));
    CHECK(matcher.holds_surely(0, event) == c.sure);
  }
}

TEST_CASE("a rule that does not hold does not hold surely", "[response]") {
  const auto rules = rules_with("exe and root");
  Matcher matcher(*rules);
  const Event event = test::exec(7, "/bin/nc").with("process.user.id", 5);
  CHECK(!matcher.holds_surely(0, event));
}

}  // namespace detectd

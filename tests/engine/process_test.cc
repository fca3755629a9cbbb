#include "engine/process.h"

#include <catch2/catch.hpp>

using namespace detectd;

namespace {

std::shared_ptr<ProcessUsage> usage() { return std::make_shared<ProcessUsage>(); }

FieldView text(std::string_view value) {
  FieldView view;
  view.type = Type::kText;
  view.text = value;
  return view;
}

}  // namespace

TEST_CASE("attributes give back every value with its type, in any order of adding", "[process]") {
  Event event;
  event.clear();
  event.begin_list(process_field(Leaf::kArgs));
  event.append_text(process_field(Leaf::kArgs), "nc");
  event.append_text(process_field(Leaf::kArgs), "-e");
  event.set_integer(process_field(Leaf::kUserId), 1000);
  event.set_boolean(process_field(Leaf::kDeleted), true);
  event.set_real(process_field(Leaf::kInode), 5.0, "5.0");
  event.begin_list(process_field(Leaf::kCapabilities));

  Attributes::Builder builder(usage());
  for (const Leaf leaf :
       {Leaf::kInode, Leaf::kDeleted, Leaf::kCapabilities, Leaf::kUserId, Leaf::kArgs, Leaf::kMode}) {
    builder.add_from(leaf, event, process_field(leaf));
  }
  const auto attributes = builder.build();
  CHECK(attributes->find(Leaf::kArgs, 0).text == "nc");
  CHECK(attributes->find(Leaf::kArgs, 1).text == "-e");
  CHECK(attributes->find(Leaf::kArgs, 2).absent());
  CHECK(attributes->count(Leaf::kArgs) == 2);
  CHECK(attributes->find(Leaf::kUserId).number == 1000);
  CHECK(attributes->find(Leaf::kUserId).text == "1000");
  CHECK(attributes->find(Leaf::kDeleted).number == 1);
  CHECK(attributes->find(Leaf::kInode).real == 5.0);
  CHECK(attributes->find(Leaf::kInode).text == "5.0");
  CHECK(attributes->find(Leaf::kCapabilities).type == Type::kNull);
  CHECK(attributes->count(Leaf::kCapabilities) == 0);
  CHECK(attributes->find(Leaf::kMode).absent());
}

TEST_CASE("the first value of an attribute stays, and a builder is empty after building", "[process]") {
  Attributes::Builder builder(usage());
  builder.add(Leaf::kExecutable, text("/bin/a"));
  builder.add(Leaf::kExecutable, text("/bin/b"));
  const auto first = builder.build();
  CHECK(first->find(Leaf::kExecutable).text == "/bin/a");
  CHECK(first->count(Leaf::kExecutable) == 1);
  CHECK(builder.build()->find(Leaf::kExecutable).absent());
}

TEST_CASE("a process without a name is called by its executable, else by its thread", "[process]") {
  struct Case {
    const char* name;
    const char* executable;
    const char* thread;
    const char* want;
  };
  constexpr Case kCases[] = {
      {"told", "/usr/sbin/nginx", "worker", "told"}, {nullptr, "/usr/sbin/nginx", "worker", "nginx"},
      {nullptr, nullptr, "worker", "worker"},        {nullptr, "C:\\Windows\\cmd.exe", nullptr, "cmd.exe"},
      {nullptr, "relative", nullptr, "relative"},    {nullptr, nullptr, nullptr, ""},
  };
  for (const Case& c : kCases) {
    CAPTURE(c.want);
    const auto counted = usage();
    Attributes::Builder builder(counted);
    if (c.name != nullptr) builder.add(Leaf::kName, text(c.name));
    if (c.executable != nullptr) builder.add(Leaf::kExecutable, text(c.executable));
    if (c.thread != nullptr) builder.add(Leaf::kThreadName, text(c.thread));
    Process process(counted);
    process.attributes = builder.build();
    CHECK(process.find(Leaf::kName).text == c.want);
    CHECK(process.find(Leaf::kName).absent() == std::string_view(c.want).empty());
  }
}

TEST_CASE("the bytes of processes are counted for as long as anybody keeps them", "[process]") {
  const auto counted = usage();
  {
    Attributes::Builder builder(counted);
    builder.add(Leaf::kCommandLine, text(std::string(100'000, 'x')));
    Process process(counted);
    process.attributes = builder.build();
    CHECK(counted->bytes > 100'000);
    const auto kept = process.attributes;
  }
  CHECK(counted->bytes == 0);
}

TEST_CASE("a process knows who it is", "[process]") {
  const auto counted = usage();
  Process process(counted);
  process.attributes = Attributes::Builder(counted).build();
  CHECK(process.find(Leaf::kEntityId).absent());
  CHECK(process.find(Leaf::kStart).absent());
  process.set_pid(4'194'304);
  process.set_entity_id("mZ3xQ0Tn1vJ8yq5cW2a9Lg");
  process.set_start("2026-11-21T23:04:17.181923Z");
  CHECK(process.find(Leaf::kPid).number == 4'194'304);
  CHECK(process.find(Leaf::kPid).text == "4194304");
  CHECK(process.find(Leaf::kPid, 1).absent());
  CHECK(process.find(Leaf::kEntityId).text == "mZ3xQ0Tn1vJ8yq5cW2a9Lg");
  CHECK(process.find(Leaf::kStart).text == "2026-11-21T23:04:17.181923Z");
}

#include "engine/process.h"

#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

using namespace detectd;

namespace {

FieldView text(std::string_view value) {
  FieldView view;
  view.type = Type::kText;
  view.text = value;
  return view;
}

}  // namespace

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
    Attributes::Builder builder;
    if (c.name != nullptr) builder.add(Leaf::kName, text(c.name));
    if (c.executable != nullptr) builder.add(Leaf::kExecutable, text(c.executable));
    if (c.thread != nullptr) builder.add(Leaf::kThreadName, text(c.thread));
    Process process;
    process.attributes = builder.build();
    CHECK(process.find(Leaf::kName).text == c.want);
    CHECK(process.find(Leaf::kName).absent() == std::string_view(c.want).empty());
  }
}

TEST_CASE("a process knows who it is", "[process]") {
  Process process;
  process.attributes = Attributes::Builder().build();
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

TEST_CASE("an identity is worked out when asked for, the same for every version of a process", "[process]") {
  auto host = std::make_shared<ProcessHost>();
  host->host = "lab-1";
  host->boot_id = "7c9e";
  Process born;
  born.attributes = Attributes::Builder().build();
  born.set_pid(4711);
  born.key.birth_ns = 1'763'766'257'182'885'000;
  CHECK(born.entity_id().empty());  // without a host
  born.host = host;
  const Process before_asking(born);
  // printf of the parts' lengths and numbers as 8 bytes each, `sha256sum`, `basenc --base64url`, cut at 22.
  CHECK(born.entity_id() == "OQmWuS94Hyz-IMrRNmFd0m");
  const Process after_asking(born);
  CHECK(before_asking.entity_id() == born.entity_id());
  CHECK(after_asking.entity_id() == born.entity_id());
  CHECK(after_asking.find(Leaf::kEntityId).text == born.entity_id());

  Process other(born);
  other.key.birth_ns += 1;
  CHECK(other.entity_id() != born.entity_id());
  other.set_entity_id("of the capture");
  CHECK(Process(other).entity_id() == "of the capture");
}

TEST_CASE("threads that ask for an identity at the same time get the same", "[process][threads]") {
  auto host = std::make_shared<ProcessHost>();
  host->host = "lab-1";
  Process process;
  process.attributes = Attributes::Builder().build();
  process.set_pid(1);
  process.host = host;
  std::array<std::string, 4> ids;
  std::vector<std::thread> threads;
  for (std::string& id : ids) threads.emplace_back([&] { id = process.entity_id(); });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& id : ids) CHECK(id == Process(process).entity_id());
}

TEST_CASE("the leaves of a process are those that it can find", "[process]") {
  Process process;
  Attributes::Builder builder;
  const auto found = [&] {
    LeafMask mask = 0;
    for (size_t i = 0; i < kLeafCount; ++i) {
      if (!process.find(static_cast<Leaf>(i)).absent()) mask |= LeafMask{1} << i;
    }
    return mask;
  };
  process.set_pid(1);
  process.attributes = builder.build();
  CHECK(process.leaves() == found());
  builder.add(Leaf::kExecutable, text("/bin/sh"));
  process.attributes = builder.build();
  CHECK(process.leaves() == found());
  builder.add(Leaf::kThreadName, text("sh"));
  const std::string long_line(Attributes::kInlineBytes + 1, 'x');
  builder.add(Leaf::kCommandLine, text(long_line));
  process.attributes = builder.build();
  process.set_start("2026-11-21T23:04:17Z");
  process.host = std::make_shared<ProcessHost>();
  CHECK(process.leaves() == found());
  CHECK((process.leaves() & mask_of(Leaf::kName)) != 0);
  CHECK((process.leaves() & mask_of(Leaf::kEntityId)) != 0);
  CHECK((process.leaves() & mask_of(Leaf::kCommandLine)) != 0);
}

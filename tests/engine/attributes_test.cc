#include "engine/attributes.h"

#include <catch2/catch.hpp>
#include <string>

using namespace detectd;

namespace {

FieldView text(std::string_view value) {
  FieldView view;
  view.type = Type::kText;
  view.text = value;
  return view;
}

}  // namespace

TEST_CASE("attributes give back every value with its type, in any order of adding", "[attributes]") {
  Event event;
  event.clear();
  event.begin_list(process_field(Leaf::kArgs));
  event.append_text(process_field(Leaf::kArgs), "nc");
  event.append_text(process_field(Leaf::kArgs), "-e");
  event.set_integer(process_field(Leaf::kUserId), 1000);
  event.set_boolean(process_field(Leaf::kDeleted), true);
  event.set_real(process_field(Leaf::kInode), 5.0, "5.0");
  event.begin_list(process_field(Leaf::kCapabilities));

  Attributes::Builder builder;
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
  CHECK(attributes->find_integer(Leaf::kUserId) == 1000);
  CHECK(!attributes->find_integer(Leaf::kInode));
  CHECK(!attributes->find_integer(Leaf::kGroupId));
  CHECK(attributes->find(Leaf::kDeleted).number == 1);
  CHECK(attributes->find(Leaf::kInode).real == 5.0);
  CHECK(attributes->find(Leaf::kInode).text == "5.0");
  CHECK(attributes->find(Leaf::kCapabilities).type == Type::kNull);
  CHECK(attributes->count(Leaf::kCapabilities) == 0);
  CHECK(attributes->find(Leaf::kMode).absent());
}

TEST_CASE("the first value of an attribute stays, and a builder is empty after building", "[attributes]") {
  Attributes::Builder builder;
  builder.add(Leaf::kExecutable, text("/bin/a"));
  builder.add(Leaf::kExecutable, text("/bin/b"));
  const auto first = builder.build();
  CHECK(first->find(Leaf::kExecutable).text == "/bin/a");
  CHECK(first->count(Leaf::kExecutable) == 1);
  CHECK(builder.build()->find(Leaf::kExecutable).absent());
}

TEST_CASE("a long leaf is shared by all that follow, short ones are copied", "[attributes]") {
  Event event;
  event.clear();
  event.begin_list(process_field(Leaf::kArgs));
  for (int i = 0; i < 1000; ++i) {
    event.append_text(process_field(Leaf::kArgs), i % 3 == 0 ? "" : "an argument");
  }
  event.append_null(process_field(Leaf::kArgs));
  const std::string line(100'000, 'x');
  Attributes::Builder builder;
  builder.add(Leaf::kCommandLine, text(line));
  builder.add_from(Leaf::kArgs, event, process_field(Leaf::kArgs));
  builder.add(Leaf::kUserName, text("root"));
  const auto first = builder.build();
  for (const Leaf leaf : {Leaf::kUserName, Leaf::kCommandLine, Leaf::kArgs}) builder.add_from(leaf, *first);
  const auto second = builder.build();

  for (const auto& attributes : {first, second}) {
    CHECK(attributes->find(Leaf::kCommandLine).text == line);
    CHECK(attributes->find(Leaf::kCommandLine, 1).absent());
    CHECK(attributes->count(Leaf::kCommandLine) == 1);
    CHECK(attributes->count(Leaf::kArgs) == 1001);
    CHECK(attributes->find(Leaf::kArgs, 0).text.empty());
    CHECK(attributes->find(Leaf::kArgs, 998).text == "an argument");
    CHECK(attributes->find(Leaf::kArgs, 1000).type == Type::kNull);
    CHECK(attributes->find(Leaf::kArgs, 1001).absent());
    CHECK(attributes->find(Leaf::kUserName).text == "root");
    CHECK(attributes->size_bytes() < Attributes::kInlineBytes);
    REQUIRE(attributes->parts().size() == 2);
  }
  CHECK(first->parts()[0] == second->parts()[0]);
  CHECK(first->parts()[1] == second->parts()[1]);
}

TEST_CASE("a list keeps its nulls apart from being empty or null itself", "[attributes]") {
  struct Case {
    const char* name;
    int nulls;  // -1: null itself, without a list
    size_t count;
  };
  constexpr Case kCases[] = {{"null", -1, 0}, {"empty", 0, 0}, {"one null", 1, 1}, {"two nulls", 2, 2}};
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    Event event;
    event.clear();
    if (c.nulls < 0) {
      event.set_null(process_field(Leaf::kArgs));
    } else {
      event.begin_list(process_field(Leaf::kArgs));
    }
    for (int i = 0; i < c.nulls; ++i) event.append_null(process_field(Leaf::kArgs));
    Attributes::Builder builder;
    builder.add_from(Leaf::kArgs, event, process_field(Leaf::kArgs));
    const auto made = builder.build();
    builder.add_from(Leaf::kArgs, *made);
    for (const auto& attributes : {made, builder.build()}) {
      CHECK(attributes->count(Leaf::kArgs) == c.count);
      CHECK(attributes->count(Leaf::kArgs) == event.count(process_field(Leaf::kArgs)));
      CHECK(attributes->find(Leaf::kArgs).type == Type::kNull);
      CHECK(attributes->find(Leaf::kArgs, c.count > 0 ? c.count : 1).absent());
    }
  }
}

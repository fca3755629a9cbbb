#include "engine/process_bytes.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

using namespace detectd;

namespace {

std::shared_ptr<const Attributes> attributes_of(Leaf leaf, std::string_view text) {
  FieldView view;
  view.type = Type::kText;
  view.text = text;
  Attributes::Builder builder;
  builder.add(leaf, view);
  return builder.build();
}

std::shared_ptr<Process> process_with(std::shared_ptr<const Attributes> attributes) {
  auto process = std::make_shared<Process>();
  process->attributes = std::move(attributes);
  return process;
}

}  // namespace

TEST_CASE("what several processes share is counted once, and until the last of them is gone",
          "[process_bytes]") {
  const auto host = std::make_shared<ProcessHost>();
  const auto before = attributes_of(Leaf::kUserName, "root");
  const auto image = attributes_of(Leaf::kCommandLine, std::string(100'000, 'x'));
  const auto parent = process_with(before);
  const auto first = process_with(image), second = process_with(image);
  for (const auto& child : {first, second}) {
    child->host = host;
    child->previous = before;
    child->parent = parent;
  }
  ProcessBytes bytes;
  bytes.hold(*first);
  const size_t alone = bytes.total();
  CHECK(alone > 100'000);
  CHECK(alone < 102'000);
  bytes.hold(*second);
  CHECK(bytes.total() == alone + Process::size_bytes());
  bytes.hold(*second);
  CHECK(bytes.total() == alone + Process::size_bytes());

  bytes.release(*first);
  CHECK(bytes.total() == alone);
  bytes.release(*second);
  CHECK(bytes.total() == alone);
  bytes.release(*second);
  CHECK(bytes.total() == 0);
}

TEST_CASE("attributes that are held by themselves are counted with their long parts", "[process_bytes]") {
  const auto image = attributes_of(Leaf::kCommandLine, std::string(100'000, 'x'));
  Attributes::Builder builder;
  builder.add_from(Leaf::kCommandLine, *image);
  const auto later = builder.build();
  ProcessBytes bytes;
  bytes.hold(*image);
  const size_t alone = bytes.total();
  bytes.hold(*later);
  CHECK(bytes.total() == alone + later->size_bytes());
  bytes.release(*image);
  CHECK(bytes.total() > 100'000);
  bytes.release(*later);
  CHECK(bytes.total() == 0);
}

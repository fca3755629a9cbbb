#include "engine/json_writer.h"

#include <catch2/catch.hpp>

namespace detectd {

TEST_CASE("JSON is written with its commas, quotes and escapes", "[json_writer]") {
  JsonWriter json;
  json.begin_object();
  json.member("text", "a \"b\" \x1b ends in [");
  json.key("list");
  json.begin_array();
  json.number(-1);
  json.boolean(false);
  json.begin_object();
  json.end_object();
  json.begin_array();
  json.end_array();
  json.string("");
  json.end_array();
  json.member_number("number", 7);
  json.member_boolean("truth", true);
  json.end_object();
  CHECK(json.text() ==
        R"({"text":"a \"b\" \u001b ends in [","list":[-1,false,{},[],""],"number":7,"truth":true})");
}

}  // namespace detectd

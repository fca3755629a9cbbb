// JSON, written piece by piece: commas, quotes and escapes are its work, the order is the caller's.
//
//   JsonWriter json;
//   json.begin_object();
//   json.member("code", "D001");
//   json.key("notes"); json.begin_array(); ... json.end_array();
//   json.end_object();
//   json.text();
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace detectd {

class JsonWriter {
 public:
  void begin_object() { begin('{'); }
  void end_object() { end('}'); }
  void begin_array() { begin('['); }
  void end_array() { end(']'); }

  void key(std::string_view name);
  // A value, of an array or behind a key. Strings are escaped as escape.h says.
  void string(std::string_view text);
  void number(int64_t number);
  void boolean(bool truth);
  // A value that is valid JSON already, on one line; what must not reach a terminal is escaped.
  void raw(std::string_view json);

  void member(std::string_view name, std::string_view text);
  void member(std::string_view name, const char* text) { member(name, std::string_view(text)); }
  void member_number(std::string_view name, int64_t number);
  void member_boolean(std::string_view name, bool truth);

  const std::string& text() const { return text_; }

 private:
  void begin(char bracket);
  void end(char bracket);
  void separate();

  std::string text_;
};

}  // namespace detectd

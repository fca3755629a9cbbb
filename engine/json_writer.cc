#include "engine/json_writer.h"

#include "engine/escape.h"

namespace detectd {

void JsonWriter::separate() {
  if (text_.empty()) return;
  const char last = text_.back();
  if (last != '{' && last != '[' && last != ':') text_ += ',';
}

void JsonWriter::begin(char bracket) {
  separate();
  text_ += bracket;
}

void JsonWriter::end(char bracket) { text_ += bracket; }

void JsonWriter::key(std::string_view name) {
  string(name);
  text_ += ':';
}

void JsonWriter::string(std::string_view text) {
  separate();
  text_ += '"';
  append_json_escaped(text, text_);
  text_ += '"';
}

void JsonWriter::number(int64_t number) {
  separate();
  text_ += std::to_string(number);
}

void JsonWriter::boolean(bool truth) {
  separate();
  text_ += truth ? "true" : "false";
}

void JsonWriter::raw(std::string_view json) {
  separate();
  append_json_sanitized(json, text_);
}

void JsonWriter::member(std::string_view name, std::string_view text) {
  key(name);
  string(text);
}

void JsonWriter::member_number(std::string_view name, int64_t number_value) {
  key(name);
  number(number_value);
}

void JsonWriter::member_boolean(std::string_view name, bool truth) {
  key(name);
  boolean(truth);
}

}  // namespace detectd

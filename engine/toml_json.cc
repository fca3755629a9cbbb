#include "engine/toml_json.h"

#include <charconv>
#include <cmath>

#include "engine/escape.h"

namespace detectd {
namespace {

using Kind = TomlValue::Kind;

class JsonWriter {
 public:
  explicit JsonWriter(Reporter& reporter) : reporter_(reporter) {}

  void write(const TomlValue& value, std::string& out) {
    switch (value.kind) {
      case Kind::kString:
      case Kind::kDate: write_text(value.text, out); return;
      case Kind::kInteger: out += std::to_string(value.integer); return;
      case Kind::kReal: write_real(value, out); return;
      case Kind::kBoolean: out += value.boolean ? "true" : "false"; return;
      case Kind::kArray: write_array(value, out); return;
      case Kind::kTable: write_table(value, out); return;
    }
  }

 private:
  static void write_text(std::string_view text, std::string& out) {
    out += '"';
    append_json_escaped(text, out);
    out += '"';
  }

  void write_real(const TomlValue& value, std::string& out) {
    if (!std::isfinite(value.real)) {
      reporter_.error("D027", value.span, "an event has no infinity and no nan",
                      "JSON, and so a capture, can not hold them");
      return;
    }
    char digits[32];
    const auto [end, status] = std::to_chars(digits, digits + sizeof digits, value.real);
    const std::string_view text(digits, static_cast<size_t>(end - digits));
    out += text;
    if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
  }

  void write_array(const TomlValue& value, std::string& out) {
    out += '[';
    for (const TomlValue& element : value.elements) {
      if (&element != &value.elements.front()) out += ',';
      write(element, out);
    }
    out += ']';
  }

  void write_table(const TomlValue& value, std::string& out) {
    out += '{';
    for (const TomlMember& member : value.members) {
      if (&member != &value.members.front()) out += ',';
      write_text(member.key, out);
      out += ':';
      write(member.value, out);
    }
    out += '}';
  }

  Reporter& reporter_;
};

}  // namespace

std::string event_json(Reporter& reporter, const TomlValue& table) {
  const size_t errors_before = reporter.errors();
  std::string out;
  JsonWriter(reporter).write(table, out);
  return reporter.errors() == errors_before ? out : std::string();
}

}  // namespace detectd

#include "tests/support/rule_dump.h"

#include <sstream>

#include "engine/escape.h"

namespace detectd::test {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string quoted(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += quoted(text) + " ";
  return out + "]";
}

std::string dump_scalar(const Scalar& scalar) {
  struct Writer {
    std::string operator()(std::monostate) const { return "null"; }
    std::string operator()(const std::string& text) const { return quoted(text); }
    std::string operator()(int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const {
      std::ostringstream out;
      out << std::hexfloat << number;
      return out.str();
    }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
  };
  return std::visit(Writer(), scalar.value);
}

std::string dump_value(const TomlValue& value) {
  switch (value.kind) {
    case TomlValue::Kind::kString: return quoted(value.text);
    case TomlValue::Kind::kDate: return "date " + value.text;
    case TomlValue::Kind::kInteger: return dump_scalar({value.integer, {}});
    case TomlValue::Kind::kReal: return dump_scalar({value.real, {}});
    case TomlValue::Kind::kBoolean: return dump_scalar({value.boolean, {}});
    case TomlValue::Kind::kArray: {
      std::string out = "[";
      for (const TomlValue& element : value.elements) out += dump_value(element) + " ";
      return out + "]";
    }
    case TomlValue::Kind::kTable: {
      std::string out = "{";
      for (const TomlMember& member : value.members)
        out += quoted(member.key) + ":" + dump_value(member.value) + " ";
      return out + "}";
    }
  }
  return {};
}

std::string dump_item(const Item& item) {
  std::string out = quoted(item.field) + quoted(item.modifiers) + (item.list ? "[" : "=");
  for (const Scalar& value : item.values) out += dump_scalar(value) + " ";
  return out;
}

std::string dump_response(const Response& response) {
  return std::string(to_string(response.action)) + " " + quoted(response.target) + " " +
         (response.fallback ? std::string(to_string(*response.fallback)) : "-");
}

std::string dump_prose(const Prose& prose) {
  std::string out;
  for (const std::string* text : {&prose.author, &prose.license, &prose.date, &prose.modified})
    out += quoted(*text) + "\n";
  out += quoted(prose.references) + quoted(prose.falsepositives) + "\n";
  for (const Related& other : prose.related) out += "related " + quoted(other.id) + quoted(other.type) + "\n";
  for (const TomlMember& member : prose.custom)
    out += "custom " + quoted(member.key) + ":" + dump_value(member.value) + "\n";
  return out;
}

}  // namespace

std::string dump_detection(const Detection& detection) {
  std::string out;
  for (const Selection& selection : detection.selections) {
    out += "selection " + quoted(selection.name) + "\n";
    for (const auto& items : selection.alternatives) {
      out += " or\n";
      for (const Item& item : items) out += "  " + dump_item(item) + "\n";
    }
  }
  for (const Scalar& condition : detection.conditions) out += "condition " + dump_scalar(condition) + "\n";
  return out;
}

std::string dump_rule(const Rule& rule) {
  std::string out;
  for (const std::string* text : {&rule.id, &rule.name, &rule.title, &rule.description})
    out += quoted(*text) + "\n";
  out += std::string(to_string(rule.level)) + " " + std::string(to_string(rule.status)) + "\n";
  out += dump_prose(rule.prose) + quoted(rule.tags) + "\non " + to_string(rule.on) + "\n";
  if (rule.logsource) {
    const Logsource& source = *rule.logsource;
    out += "logsource " + quoted({source.category, source.product, source.service, source.definition}) + "\n";
  }
  out += rule.sigma_taxonomy ? "sigma\n" : "";
  if (rule.response) out += "response " + dump_response(*rule.response) + "\n";
  if (rule.suppress)
    out += "suppress " + quoted(rule.suppress->by) + std::to_string(rule.suppress->for_ns) + "\n";
  out += dump_detection(rule.detection);
  for (const RuleTest& test : rule.tests)
    out += "test " + quoted(test.name) + (test.match ? " yes " : " no ") + test.event_json + "\n";
  return out;
}

}  // namespace detectd::test

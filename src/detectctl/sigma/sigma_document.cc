#include "src/detectctl/sigma/sigma_document.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/digest.h"
#include "engine/escape.h"
#include "engine/prose_parser.h"
#include "src/detectctl/sigma/sigma_detection.h"
#include "src/detectctl/sigma/toml_of_yaml.h"

namespace detectd {
namespace {

using Kind = YamlValue::Kind;

bool all_scalars(const YamlValue& list) {
  return std::all_of(list.elements.begin(), list.elements.end(),
                     [](const YamlValue& element) { return element.is_scalar(); });
}

// A text, or a list of them; numbers and the like count as their text.
bool is_texts(const YamlValue& value) {
  return value.is_scalar() || (value.is(Kind::kList) && all_scalars(value));
}

bool is_related(const YamlValue& value) {
  return value.is(Kind::kList) &&
         std::all_of(value.elements.begin(), value.elements.end(), [](const YamlValue& other) {
           return other.is(Kind::kMap) &&
                  std::all_of(other.members.begin(), other.members.end(), [](const YamlMember& member) {
                    return member.value.is_scalar() && (member.key == "id" || member.key == "type");
                  });
         });
}

TomlValue texts_of(const YamlValue& value) {
  TomlValue texts;
  texts.kind = TomlValue::Kind::kArray;
  texts.span = value.span;
  for (const YamlValue& element : value.elements)
    texts.elements.push_back(toml_text_value(element.text, element.span));
  return texts;
}

// `1w` is not a duration here.
std::string timespan_of(const std::string& text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (text.substr(digits) != "w" || digits == 0 || digits > 4) return text;
  return std::to_string(std::stol(text) * 7) + "d";
}

class DocumentConverter {
 public:
  DocumentConverter(Reporter& reporter, const std::map<std::string, std::string>& ids_by_name)
      : reporter_(reporter), ids_by_name_(ids_by_name) {}

  std::optional<SigmaTable> convert(const YamlValue& document) {
    const size_t errors_before = reporter_.errors();
    result_.table.kind = TomlValue::Kind::kTable;
    result_.table.span = document.span;
    if (!document.is(Kind::kMap)) return refuse(document.span, "a document is a map of a rule's keys");
    if (document.find("correlation") != nullptr) {
      result_.kind = SigmaKind::kCorrelation;
    } else if (document.find("filter") != nullptr) {
      result_.kind = SigmaKind::kFilter;
    } else if (document.find("detection") == nullptr) {
      return refuse(document.span, "this has no `detection`, `correlation` or `filter`: it is no Sigma");
    }
    for (const YamlMember& member : document.members) convert_member(member);
    add_what_is_missing(document);
    if (reporter_.errors() != errors_before) return std::nullopt;
    return std::move(result_);
  }

 private:
  std::optional<SigmaTable> refuse(const Span& span, std::string message) {
    reporter_.error("D604", span, std::move(message));
    return std::nullopt;
  }

  void put(const YamlMember& member, TomlValue value) { put(member.key, member.span, std::move(value)); }
  void put(std::string key, const Span& span, TomlValue value) {
    result_.table.members.push_back({.key = std::move(key), .span = span, .value = std::move(value)});
  }
  void keep(const YamlMember& member) {
    custom_.push_back({.key = member.key, .span = member.span, .value = toml_of_yaml(member.value)});
  }

  // What a filter has no key for is kept with its custom ones.
  bool has_key(std::string_view key) const {
    constexpr std::array<std::string_view, 6> kNotOfFilters = {"level",          "status",  "tags",
                                                               "falsepositives", "license", "related"};
    return result_.kind != SigmaKind::kFilter ||
           std::find(kNotOfFilters.begin(), kNotOfFilters.end(), key) == kNotOfFilters.end();
  }

  void convert_member(const YamlMember& member) {
    const std::string& key = member.key;
    const YamlValue& value = member.value;
    if (value.is(Kind::kNull)) return;
    if (!has_key(key)) return keep(member);
    if (key == "id" || key == "title" || key == "level" || key == "status") {
      put(member, value.is_scalar() ? toml_text_value(value.text, value.span) : toml_of_yaml(value));
    } else if (key == "name") {
      convert_name(member);
    } else if (key == "description" || key == "author" || key == "license") {
      value.is_scalar() ? put(member, toml_text_value(value.text, value.span)) : keep(member);
    } else if (key == "date" || key == "modified") {
      is_date(value.text) ? put(member, toml_text_value(value.text, value.span)) : keep(member);
    } else if (key == "references" || key == "falsepositives" || key == "tags") {
      convert_texts(member);
    } else if (key == "related") {
      is_related(value) ? put(member, toml_of_yaml(value, ScalarsAs::kTexts)) : keep(member);
    } else if (key == "taxonomy") {
      other_taxonomy_ = value.text != "sigma";
      if (other_taxonomy_) keep(member);
    } else if (key == "logsource" && result_.kind != SigmaKind::kCorrelation) {
      convert_logsource(member);
    } else if (key == "detection" && result_.kind == SigmaKind::kRule) {
      put(member, convert_sigma_detection(reporter_, value));
    } else if (key == "correlation" || (key == "filter" && result_.kind == SigmaKind::kFilter)) {
      result_.kind == SigmaKind::kFilter ? convert_filter(member) : convert_correlation(member);
    } else {
      keep(member);
    }
  }

  void convert_name(const YamlMember& member) {
    const bool fits = member.value.is_scalar() && is_rule_name(member.value.text);
    fits ? put(member, toml_text_value(member.value.text, member.value.span)) : keep(member);
  }

  void convert_texts(const YamlMember& member) {
    if (member.value.is_scalar()) {
      put(member, toml_text_value(member.value.text, member.value.span));
    } else {
      is_texts(member.value) ? put(member, texts_of(member.value)) : keep(member);
    }
  }

  void convert_logsource(const YamlMember& member) {
    if (!member.value.is(Kind::kMap)) return put(member, toml_of_yaml(member.value));
    YamlMember rest{.key = "logsource", .span = member.span, .value = {}};
    rest.value.kind = Kind::kMap;
    TomlValue source;
    source.span = member.value.span;
    for (const YamlMember& part : member.value.members) {
      const bool known = part.key == "category" || part.key == "product" || part.key == "service" ||
                         part.key == "definition";
      if (part.value.is(Kind::kNull)) continue;
      if (known && part.value.is_scalar()) {
        source.members.push_back(
            {.key = part.key, .span = part.span, .value = toml_text_value(part.value.text, part.value.span)});
      } else {
        rest.value.members.push_back(part);
      }
    }
    put(member, std::move(source));
    if (!rest.value.members.empty()) keep(rest);
  }

  std::string reference(const std::string& text) const {
    const auto found = ids_by_name_.find(text);
    return found == ids_by_name_.end() ? text : found->second;
  }

  TomlValue references_of(const YamlValue& value) const {
    if (value.is_scalar()) return toml_text_value(reference(value.text), value.span);
    TomlValue references = is_texts(value) ? texts_of(value) : toml_of_yaml(value);
    for (TomlValue& element : references.elements) element.text = reference(element.text);
    return references;
  }

  void convert_filter(const YamlMember& member) {
    if (!member.value.is(Kind::kMap)) {
      reporter_.error("D605", member.value.span, "`filter` is a map: rules, selections, a condition");
      return;
    }
    YamlValue detection;
    detection.kind = Kind::kMap;
    detection.span = member.span;
    for (const YamlMember& part : member.value.members) {
      if (part.key == "rules") {
        put(part, references_of(part.value));
      } else {
        detection.members.push_back(part);
      }
    }
    put("detection", member.span, convert_sigma_detection(reporter_, detection));
  }

  void convert_correlation(const YamlMember& member) {
    if (!member.value.is(Kind::kMap)) {
      reporter_.error("D605", member.value.span, "`correlation` is a map: type, rules, timespan ...");
      return;
    }
    for (const YamlMember& part : member.value.members) {
      if (part.value.is(Kind::kNull)) continue;
      if (part.key == "rules") {
        put(part, references_of(part.value));
      } else if (part.key == "timespan" && part.value.is_scalar()) {
        put(part, toml_text_value(timespan_of(part.value.text), part.value.span));
      } else if (part.key == "aliases") {
        put(part, aliases_of(part.value));
      } else if (is_correlation_key(part.key)) {
        put(part, toml_of_yaml(part.value));
      } else {
        reporter_.error("D605", part.span, "`correlation` has no key `" + escape_text(part.key) + "`");
      }
    }
    // Sigma's default, which is not ours where the rules stand in another file.
    if (member.value.find("generate") == nullptr) put("generate", member.span, toml_boolean_value(false));
  }

  static bool is_correlation_key(std::string_view key) {
    return key == "type" || key == "group-by" || key == "condition" || key == "generate";
  }

  // name: { rule: field }
  TomlValue aliases_of(const YamlValue& value) const {
    TomlValue aliases = toml_of_yaml(value);
    for (TomlMember& alias : aliases.members) {
      for (TomlMember& field : alias.value.members) field.key = reference(field.key);
    }
    return aliases;
  }

  void add_what_is_missing(const YamlValue& document) {
    const auto add = [&](const char* key, std::string text) {
      const YamlMember* const member = document.find(key);
      if (member == nullptr || member->value.is(Kind::kNull))
        put(key, document.span, toml_text_value(std::move(text), document.span));
    };
    add("id", sigma_id(document));
    if (result_.kind != SigmaKind::kFilter) {
      add("status", "experimental");
      add("level", "medium");
    }
    if (!other_taxonomy_) put("taxonomy", document.span, toml_text_value("sigma", document.span));
    if (custom_.empty()) return;
    TomlValue custom;
    custom.members = std::move(custom_);
    put("custom", document.span, std::move(custom));
  }

  Reporter& reporter_;
  const std::map<std::string, std::string>& ids_by_name_;
  SigmaTable result_;
  std::vector<TomlMember> custom_;
  bool other_taxonomy_ = false;
};

}  // namespace

std::optional<SigmaTable> convert_sigma_document(Reporter& reporter, const YamlValue& document,
                                                 const std::map<std::string, std::string>& ids_by_name) {
  return DocumentConverter(reporter, ids_by_name).convert(document);
}

bool is_rule_name(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

std::string sigma_id(const YamlValue& document) {
  for (const char* key : {"id", "name", "title"}) {
    const YamlMember* const member = document.find(key);
    if (member == nullptr || !member->value.is_scalar()) continue;
    return std::string_view(key) == "id" ? member->value.text : derived_id(member->value.text);
  }
  return {};
}

std::string derived_id(std::string_view text) {
  Sha256Hasher hasher;
  hasher.add_part("detectctl import sigma");
  hasher.add_part(text);
  std::string id = hex(hasher.finish()).substr(0, 32);
  id[12] = '8';  // RFC 9562: version 8, the user's own way; variant 10
  id[16] = "89ab"[static_cast<size_t>(id[16]) % 4];
  for (const size_t dash : {size_t{8}, size_t{13}, size_t{18}, size_t{23}}) id.insert(dash, 1, '-');
  return id;
}

}  // namespace detectd

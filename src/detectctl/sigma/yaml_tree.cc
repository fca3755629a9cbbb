#include "src/detectctl/sigma/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "engine/escape.h"
#include "engine/toml_text.h"
#include "engine/utf8.h"

namespace detectd {
namespace {

using Kind = YamlValue::Kind;

struct Mistake {
  std::string code;
  Span span;
  std::string message;
  std::string help;
};

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<int64_t> read_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  std::string_view digits = text.substr(negative || text.starts_with('+') ? 1 : 0);
  const bool hexadecimal = digits.starts_with("0x");
  if (hexadecimal) {
    digits.remove_prefix(2);
    if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) return std::nullopt;
  } else if (!is_digits(digits) || (digits[0] == '0' && digits.size() > 1)) {
    return std::nullopt;
  }
  const std::string number = (negative ? "-" : "") + std::string(digits);
  int64_t value = 0;
  const auto [end, status] =
      std::from_chars(number.data(), number.data() + number.size(), value, hexadecimal ? 16 : 10);
  if (status != std::errc() || end != number.data() + number.size()) return std::nullopt;
  return value;
}

std::optional<double> read_real(std::string_view text) {
  const std::string_view number = text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
  const size_t point = number.find('.');
  const std::string_view whole = number.substr(0, point);
  if (point == std::string_view::npos || !is_digits(whole) || (whole[0] == '0' && whole.size() > 1))
    return std::nullopt;
  double value = 0;
  const std::string_view unsigned_text = text.substr(text.starts_with('+') ? 1 : 0);
  const char* const last = unsigned_text.data() + unsigned_text.size();
  const auto [end, status] = std::from_chars(unsigned_text.data(), last, value);
  if (status != std::errc() || end != last) return std::nullopt;
  return value;
}

void resolve_plain(YamlValue& value) {
  const std::string& text = value.text;
  value.kind = Kind::kText;
  if (text == "true" || text == "True" || text == "TRUE" || text == "false" || text == "False" ||
      text == "FALSE") {
    value.kind = Kind::kBoolean;
    value.boolean = text[0] == 't' || text[0] == 'T';
  } else if (const auto integer = read_integer(text)) {
    value.kind = Kind::kInteger;
    value.integer = *integer;
  } else if (const auto real = read_real(text)) {
    value.kind = Kind::kReal;
    value.real = *real;
  }
}

// Where in the text a value stands.
class Places {
 public:
  explicit Places(const SourceFile& file) : file_(file), map_(file) {}

  // yaml-cpp counts lines and bytes of a line from 0; a byte order mark is not counted.
  size_t offset(const YAML::Mark& mark) const {
    if (mark.line < 0) return file_.text.size();
    const size_t line = map_.offset(static_cast<uint32_t>(mark.line) + 1, 1);
    return std::min(line + static_cast<size_t>(std::max(mark.column, 0)), file_.text.size());
  }
  Span span(const YAML::Mark& mark) const { return map_.span(offset(mark), offset(mark) + 1); }

  // Of a scalar: with its quotes, or its first line. Throws where its quotes are never closed, which yaml-cpp
  // takes for the end of the text.
  Span scalar(const YAML::Mark& mark, std::string_view value) const {
    const std::string_view text = file_.text;
    const size_t begin = offset(mark);
    const char first = begin < text.size() ? text[begin] : '\0';
    if (first == '"' || first == '\'') return map_.span(begin, quotes_end(begin));
    if (first == '|' || first == '>') return map_.span(begin, begin + 1);
    return map_.span(begin, begin + std::min(value.size(), value.find('\n')));
  }

 private:
  size_t quotes_end(size_t begin) const {
    const std::string_view text = file_.text;
    const char quote = text[begin];
    for (size_t at = begin + 1; at < text.size(); ++at) {
      if (quote == '"' && text[at] == '\\') {
        ++at;
      } else if (text[at] == quote) {
        if (quote == '"' || at + 1 >= text.size() || text[at + 1] != '\'') return at + 1;
        ++at;
      }
    }
    throw Mistake{"D600", map_.span(begin, begin + 1), "this string is not closed", ""};
  }

  const SourceFile& file_;
  TextMap map_;
};

class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const SourceFile& file) : places_(file) {}

  std::vector<YamlValue>& documents() { return documents_; }
  const Places& places() const { return places_; }

  void OnDocumentStart(const YAML::Mark&) override {
    anchors_.clear();
    root_ = YamlValue();
  }
  void OnDocumentEnd() override {
    if (!root_.is(Kind::kNull)) documents_.push_back(std::move(root_));
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlValue value;
    value.span = places_.span(mark);
    add(std::move(value), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw Mistake{"D601", places_.span(mark), "this alias stands inside of what it names", ""};
    YamlValue copy = found->second.value;
    copy.span = places_.span(mark);
    count(mark, found->second.values, found->second.text_bytes);
    take(std::move(copy));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    YamlValue value;
    value.kind = Kind::kText;
    value.text = text;
    value.span = places_.scalar(mark, text);
    if (tag == "?" || tag == "tag:yaml.org,2002:int" || tag == "tag:yaml.org,2002:float" ||
        tag == "tag:yaml.org,2002:bool") {
      resolve_plain(value);
    } else if (tag != "!" && tag != "tag:yaml.org,2002:str") {
      refuse_tag(mark, tag);
    }
    add(std::move(value), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    if (tag != "?" && tag != "!" && tag != "tag:yaml.org,2002:seq") refuse_tag(mark, tag);
    open(Kind::kList, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    if (tag != "?" && tag != "!" && tag != "tag:yaml.org,2002:map") refuse_tag(mark, tag);
    open(Kind::kMap, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  // A list or map that is being read.
  struct Open {
    YamlValue value;
    YAML::anchor_t anchor = 0;
    std::optional<YamlMember> key;  // of a map: read, its value not yet
    std::set<std::string> keys;
    size_t values_before = 0;
    size_t text_before = 0;
  };
  struct Anchored {
    YamlValue value;
    size_t values = 0;
    size_t text_bytes = 0;
  };

  [[noreturn]] void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    throw Mistake{"D603", places_.span(mark), "a value of type `" + escape_text(tag) + "`",
                  "Sigma has texts, numbers, booleans, lists and maps"};
  }

  void count(const YAML::Mark& mark, size_t values, size_t text_bytes) {
    values_ += values;
    text_bytes_ += text_bytes;
    if (values_ > kMaxYamlValues)
      throw Mistake{"D601", places_.span(mark), "more than 100,000 values, with aliases followed", ""};
    if (text_bytes_ > kMaxYamlTextBytes)
      throw Mistake{"D601", places_.span(mark), "more than 8 MiB of text, with aliases followed", ""};
  }

  void open(Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (open_.size() == kMaxYamlDepth)
      throw Mistake{"D601", places_.span(mark), "nested deeper than 32 levels", ""};
    Open& opened = open_.emplace_back();
    opened.values_before = values_;
    opened.text_before = text_bytes_;
    count(mark, 1, 0);
    opened.value.kind = kind;
    opened.value.span = places_.span(mark);
    opened.anchor = anchor;
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (done.anchor != 0)
      anchors_[done.anchor] = {done.value, values_ - done.values_before, text_bytes_ - done.text_before};
    take(std::move(done.value));
  }

  void add(YamlValue value, YAML::anchor_t anchor) {
    const size_t bytes = value.text.size();
    // The place of the last value read is near enough.
    YAML::Mark mark;
    mark.line = static_cast<int>(value.span.line) - 1;
    count(mark, 1, bytes);
    if (anchor != 0) anchors_[anchor] = {value, 1, bytes};
    take(std::move(value));
  }

  void take(YamlValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& parent = open_.back();
    if (parent.value.is(Kind::kList)) {
      parent.value.elements.push_back(std::move(value));
    } else if (!parent.key) {
      take_key(parent, value);
    } else {
      parent.key->value = std::move(value);
      parent.value.members.push_back(*std::move(parent.key));
      parent.key.reset();
    }
  }

  void take_key(Open& parent, const YamlValue& value) const {
    if (!value.is_scalar())
      throw Mistake{"D603", value.span, "a key that is " + std::string(kind_name(value.kind)),
                    "keys are texts"};
    if (value.text == "<<")
      throw Mistake{"D603", value.span, "a merge key: YAML 1.2 and Sigma do not have them",
                    "write out what is merged"};
    if (!parent.keys.insert(value.text).second)
      throw Mistake{"D602", value.span, "the key `" + escape_text(value.text) + "` is given twice", ""};
    parent.key.emplace();
    parent.key->key = value.text;
    parent.key->span = value.span;
  }

  Places places_;
  std::vector<YamlValue> documents_;
  YamlValue root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  size_t values_ = 0;
  size_t text_bytes_ = 0;
};

// The first byte that is not UTF-8, or a control character that YAML forbids.
std::optional<Mistake> find_bad_byte(const SourceFile& file) {
  const std::string_view text = file.text;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = decode_utf8(text.substr(at));
    if (point.size == 0)
      return Mistake{"D008", TextMap(file).span(at, at + 1), "the text is not UTF-8", "save it as UTF-8"};
    const bool control =
        (point.value < 0x20 && point.value != '\n' && point.value != '\t' && point.value != '\r') ||
        point.value == 0x7F;
    if (control)
      return Mistake{"D009", TextMap(file).span(at, at + 1), "a control character in the text", ""};
    at += point.size;
  }
  return std::nullopt;
}

std::optional<Mistake> find_unreadable(const SourceFile& file) {
  if (file.text.size() > kMaxYamlFileBytes) return Mistake{"D601", {}, "the file is larger than 1 MiB", ""};
  return find_bad_byte(file);
}

}  // namespace

const YamlMember* YamlValue::find(std::string_view key) const {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const YamlMember& member) { return member.key == key; });
  return found == members.end() ? nullptr : &*found;
}

std::string_view kind_name(Kind kind) {
  constexpr std::array<std::string_view, 7> kNames = {"nothing", "a boolean", "a number", "a number",
                                                      "a text",  "a list",    "a map"};
  return kNames[static_cast<size_t>(kind)];
}

YamlFile parse_yaml(const SourcePtr& file) {
  YamlFile parsed;
  std::optional<Mistake> mistake = find_unreadable(*file);
  if (!mistake) {
    TreeBuilder builder(*file);
    try {
      std::istringstream in(file->text);
      YAML::Parser parser(in);
      while (parser.HandleNextDocument(builder)) {
      }
    } catch (const Mistake& found) {
      mistake = found;
    } catch (const YAML::Exception& error) {
      mistake = {"D600", builder.places().span(error.mark), escape_text(error.msg), ""};
    }
    parsed.documents = std::move(builder.documents());
  }
  if (mistake) {
    Diagnostic& diagnostic = parsed.mistake.emplace();
    diagnostic.code = std::move(mistake->code);
    diagnostic.file = file;
    diagnostic.span = mistake->span;
    diagnostic.message = std::move(mistake->message);
    diagnostic.help = std::move(mistake->help);
  }
  return parsed;
}

}  // namespace detectd

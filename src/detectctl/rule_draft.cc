#include "src/detectctl/rule_draft.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>
#include <vector>

#include "engine/event_codec.h"
#include "engine/json_writer.h"

namespace detectd {
namespace {

constexpr size_t kMaxArguments = 3;
constexpr size_t kMaxArgumentBytes = 60;
constexpr size_t kMaxTestArguments = 16;
// What a test puts in the place of something else.
constexpr std::string_view kOtherText = "something-else";
constexpr int64_t kOtherNumber = 64999;

// As a value of a rule: `*`, `?` and a backslash mean themselves.
std::string as_literal(std::string_view text) {
  std::string literal;
  for (const char c : text) {
    if (c == '*' || c == '?' || c == '\\') literal += '\\';
    literal += c;
  }
  return literal;
}

// What an event says, whether it carries it or its lineage knows it.
class Facts {
 public:
  explicit Facts(const Event& event) : event_(event) {
    for (size_t i = 0; i < kFieldCount; ++i) schema_.want(FieldId(static_cast<uint16_t>(i)));
    std::string line(event.raw());
    const size_t size = line.size();
    line.resize(size + EventDecoder::kPadding);
    LineNotes notes;
    if (EventDecoder(schema_).decode(std::string_view(line).substr(0, size), carried_, notes))
      carried_.clear();
  }

  FieldView find(std::string_view name, size_t index = 0) const {
    const FieldId field = find_table_field(name).value();
    const FieldView view = carried_.find_carried(field, index);
    return view.has_value() ? view : event_.find(field, index);
  }
  size_t count(std::string_view name) const {
    const FieldId field = find_table_field(name).value();
    return std::max(carried_.count(field), event_.count(field));
  }

 private:
  const Event& event_;
  Schema schema_;
  Event carried_;
};

// A test's event, put together of dotted names.
class TestEventWriter {
 public:
  void set(const std::string& name, std::string json) {
    for (auto& [known, value] : members_) {
      if (known == name) {
        value = std::move(json);
        return;
      }
    }
    members_.emplace_back(name, std::move(json));
  }

  std::string json() const { return object("", members_); }

 private:
  using Members = std::vector<std::pair<std::string, std::string>>;

  static std::string object(const std::string& prefix, const Members& members) {
    std::string text = "{";
    std::vector<std::string> seen;
    for (const auto& [name, value] : members) {
      if (!name.starts_with(prefix)) continue;
      const std::string rest = name.substr(prefix.size());
      const std::string head = rest.substr(0, rest.find('.'));
      if (std::find(seen.begin(), seen.end(), head) != seen.end()) continue;
      seen.push_back(head);
      text += (seen.size() == 1 ? "\"" : ",\"") + head + "\":";
      text += head == rest ? value : object(prefix + head + ".", members);
    }
    return text + "}";
  }

  Members members_;
};

std::string json_text(std::string_view text) {
  JsonWriter json;
  json.string(text);
  return json.text();
}

std::string json_texts(const std::vector<std::string>& texts) {
  std::string json = "[";
  for (const std::string& text : texts) json += (json.size() == 1 ? "" : ",") + json_text(text);
  return json + "]";
}

// One thing that the rule looks for, in a selection of its own, and what makes an event that lacks it.
struct Clue {
  std::string selection;
  Item item;
  std::string test;                                            // the name of the test that lacks it
  std::vector<std::pair<std::string, std::string>> otherwise;  // fields and their JSON there
};

Scalar text_value(std::string text) {
  Scalar value;
  value.value = std::move(text);
  return value;
}

class Draft {
 public:
  explicit Draft(const Event& event) : kind_(event.kind), facts_(event) {}

  Result<Rule> rule(const DraftOptions& options) {
    add_program();
    if (kind_ == EventKind::kExec || kind_ == EventKind::kExecCheck) add_arguments();
    add_text("parent", "process.parent.name", "somebody else starts it");
    add_text("target", "Target.process.name", "another process is the target");
    add_number("port", "destination.port", "another port");
    if (kind_ == EventKind::kUidChange) add_number("became", "process.user.id", "it becomes another user");
    add_number("exit", "process.exit_code", "another exit code");
    add_text("reason", "event.reason", "for another reason");
    if (clues_.empty()) {
      return Error{Errc::kInput,
                   "the event names neither a program nor anything else that a rule could look for"};
    }
    Rule rule;
    rule.id = options.id;
    rule.name = options.name;
    rule.status = RuleStatus::kExperimental;
    rule.description = description();
    rule.on.add(kind_);
    add_detection(rule);
    add_tests(rule);
    return rule;
  }

 private:
  void add_clue(Clue clue, std::string_view field, const std::string& json) {
    whole_.set(std::string(field), json);
    clues_.push_back(std::move(clue));
  }

  void add_text(const std::string& selection, const std::string& field, std::string test) {
    const FieldView view = facts_.find(field);
    if (view.type != Type::kText || view.text.empty()) return;
    Item item;
    item.field = field;
    item.values = {text_value(as_literal(view.text))};
    add_clue({selection, std::move(item), std::move(test), {{field, json_text(kOtherText)}}}, field,
             json_text(view.text));
  }

  void add_number(const std::string& selection, const std::string& field, std::string test) {
    const FieldView view = facts_.find(field);
    if (view.type != Type::kInteger) return;
    Item item;
    item.field = field;
    Scalar value;
    value.value = view.number;
    item.values = {value};
    const int64_t other = view.number == kOtherNumber ? kOtherNumber - 1 : kOtherNumber;
    add_clue({selection, std::move(item), std::move(test), {{field, std::to_string(other)}}}, field,
             std::to_string(view.number));
  }

  void add_program() {
    const FieldView executable = facts_.find("process.executable");
    if (executable.type == Type::kText) whole_.set("process.executable", json_text(executable.text));
    const size_t before = clues_.size();
    add_text("program", "process.name", "another program");
    if (clues_.size() == before) {
      add_text("program", "process.executable", "another program");
    } else if (executable.type == Type::kText) {
      clues_.back().otherwise.emplace_back("process.executable",
                                           json_text("/usr/bin/" + std::string(kOtherText)));
    }
  }

  static bool is_telling(const std::string& argument) {
    return argument.size() > 1 && argument.size() <= kMaxArgumentBytes &&
           std::all_of(argument.begin(), argument.end(), [](unsigned char c) { return c > ' ' && c < 0x7F; });
  }

  // Options, without their values; where there are none, the first word that is neither a path nor a number.
  static std::vector<std::string> telling(const std::vector<std::string>& arguments) {
    std::vector<std::string> found;
    for (size_t i = 1; i < arguments.size() && found.size() < kMaxArguments; ++i) {
      const std::string& argument = arguments[i];
      if (!is_telling(argument) || argument[0] != '-' ||
          std::isdigit(static_cast<unsigned char>(argument[1])))
        continue;
      const size_t value = argument.find('=');
      std::string pattern = as_literal(argument.substr(0, value));
      if (value != std::string::npos) pattern += "=*";
      if (std::find(found.begin(), found.end(), pattern) == found.end()) found.push_back(std::move(pattern));
    }
    for (size_t i = 1; i < arguments.size() && found.empty(); ++i) {
      if (is_telling(arguments[i]) && std::isalpha(static_cast<unsigned char>(arguments[i][0])) &&
          arguments[i].find_first_of("/.:") == std::string::npos)
        found.push_back(as_literal(arguments[i]));
    }
    return found;
  }

  void add_arguments() {
    std::vector<std::string> arguments;
    for (size_t i = 0; i < std::min(facts_.count("process.args"), kMaxTestArguments); ++i)
      arguments.emplace_back(facts_.find("process.args", i).text);
    if (arguments.empty()) return;
    const std::vector<std::string> patterns = telling(arguments);
    if (patterns.empty()) {
      whole_.set("process.args", json_texts(arguments));
      return;
    }
    Item item;
    item.field = "process.args";
    item.list = patterns.size() > 1;
    if (item.list) item.modifiers = {"all"};
    for (const std::string& pattern : patterns) item.values.push_back(text_value(pattern));
    add_clue({"arguments",
              std::move(item),
              "without such arguments",
              {{"process.args", json_texts({arguments.front()})}}},
             "process.args", json_texts(arguments));
    for (const std::string& pattern : patterns) with_ += (with_.empty() ? "" : " ") + pattern;
  }

  std::string description() const {
    const FieldView program = facts_.find("process.name");
    const FieldView parent = facts_.find("process.parent.name");
    std::string text = parent.type == Type::kText ? std::string(parent.text) + ": " : "";
    text += program.type == Type::kText ? std::string(program.text) : "a process";
    if (!with_.empty()) text += " " + with_;
    return text + " (" + std::string(to_string(kind_)) + ")";
  }

  void add_detection(Rule& rule) const {
    std::string condition;
    for (const Clue& clue : clues_) {
      Selection selection;
      selection.name = clue.selection;
      selection.alternatives = {{clue.item}};
      rule.detection.selections.push_back(std::move(selection));
      condition += (condition.empty() ? "" : " and ") + clue.selection;
    }
    rule.detection.conditions = {text_value(condition)};
  }

  void add_tests(Rule& rule) const {
    RuleTest positive;
    positive.name = "the event that it was written from";
    positive.match = true;
    positive.event_json = whole_.json();
    rule.tests.push_back(std::move(positive));
    for (const Clue& clue : clues_) {
      RuleTest negative;
      negative.name = clue.test;
      TestEventWriter event = whole_;
      for (const auto& [field, json] : clue.otherwise) event.set(field, json);
      negative.event_json = event.json();
      rule.tests.push_back(std::move(negative));
    }
  }

  EventKind kind_;
  Facts facts_;
  TestEventWriter whole_;
  std::vector<Clue> clues_;
  std::string with_;
};

// `web_shell` is `Web shell`.
std::string title_of(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '_' || c == '-'; }, ' ');
  if (!name.empty()) name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
  return name;
}

}  // namespace

Result<Rule> draft_rule(const Event& event, const DraftOptions& options) {
  auto rule = Draft(event).rule(options);
  if (rule) rule->title = title_of(options.name);
  return rule;
}

Rule draft_example(const DraftOptions& options) {
  Rule rule;
  rule.id = options.id;
  rule.name = options.name;
  rule.title = title_of(options.name);
  rule.status = RuleStatus::kExperimental;
  rule.on.add(EventKind::kExec);
  const auto add = [&](const char* selection, const char* field, std::vector<Scalar> values) {
    Item item;
    item.field = field;
    item.list = values.size() > 1;
    item.values = std::move(values);
    Selection made;
    made.name = selection;
    made.alternatives = {{std::move(item)}};
    rule.detection.selections.push_back(std::move(made));
  };
  add("program", "process.name", {text_value("ncat"), text_value("socat")});
  add("parent", "process.parent.name", {text_value("bash"), text_value("dash")});
  rule.detection.conditions = {text_value("program and parent")};
  struct Test {
    const char* name;
    bool match;
    const char* event;
  };
  for (const Test& test :
       {Test{"a shell starts ncat", true, R"({"process":{"name":"ncat","parent":{"name":"bash"}}})"},
        {"another program", false, R"({"process":{"name":"ls","parent":{"name":"bash"}}})"},
        {"somebody else starts it", false, R"({"process":{"name":"ncat","parent":{"name":"cron"}}})"}}) {
    RuleTest made;
    made.name = test.name;
    made.match = test.match;
    made.event_json = test.event;
    rule.tests.push_back(std::move(made));
  }
  return rule;
}

}  // namespace detectd

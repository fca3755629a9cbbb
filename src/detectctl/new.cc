// detectctl new: a rule to begin with.
#include <sys/random.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <system_error>

#include "engine/digest.h"
#include "engine/escape.h"
#include "engine/rule_parser.h"
#include "engine/rule_test.h"
#include "engine/rule_writer.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/hits_options.h"
#include "src/detectctl/judged_event.h"
#include "src/detectctl/rule_draft.h"
#include "src/log.h"
#include "src/replace_file.h"
#include "src/text.h"

namespace detectd {
namespace {

struct NewOptions {
  std::string from_event;
  std::string from_hit;
  std::string db = kDefaultDatabase;
  std::string id;
  std::string output;
};

constexpr std::string_view kGroup = "Options";

constexpr OptionRow kTable[] = {
    {.group = kGroup,
     .name = "from-event",
     .value = "FILE:LINE",
     .help = "write it from an event of a capture",
     .manual = "Write the rule, and its tests, from this line of a capture.\n",
     .apply = assign<&NewOptions::from_event>},
    {.group = kGroup,
     .name = "from-hit",
     .value = "HIT",
     .help = "write it from a stored hit, by its number or id",
     .manual = "Write the rule, and its tests, from the event of a stored hit, given by its number or id.\n",
     .apply = assign<&NewOptions::from_hit>},
    {.group = kGroup,
     .name = "db",
     .value = "FILE",
     .help = "where a hit is stored, instead of\n/var/lib/detectd/hits.db",
     .manual = "The database of the hit; the default is\n.Pa /var/lib/detectd/hits.db .\n",
     .apply = assign<&NewOptions::db>},
    {.group = kGroup,
     .name = "id",
     .value = "UUID",
     .help = "the id of the rule, instead of one made by chance",
     .manual = "The id of the rule, instead of one made by chance.\n",
     .apply = assign<&NewOptions::id>},
    {.group = kGroup,
     .letter = 'o',
     .name = "output",
     .value = "FILE",
     .help = "where to write it, - for standard output\n(default: NAME.toml)",
     .manual = "The file to write, or\n.Sq -\nfor standard output; the default is\n.Ar NAME Ns Pa .toml .\n",
     .apply = assign<&NewOptions::output>},
};

// Version 4 of RFC 9562.
Result<std::string> make_uuid() {
  std::array<unsigned char, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return Error{Errc::kSystem, "make an id: " + std::generic_category().message(errno)};
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0Fu) | 0x40u);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3Fu) | 0x80u);
  std::string text = hex(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  for (const size_t dash : {size_t{20}, size_t{16}, size_t{12}, size_t{8}}) text.insert(dash, 1, '-');
  return text;
}

Status check_name(const std::string& name) {
  const bool good = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
  if (good && !name.empty()) return {};
  return Error{
      Errc::kUsage,
      quoted(name) + " can not be the name of a rule: only a to z, 0 to 9, _ and - can stand in one"};
}

// Whatever the parser of rules takes for one.
Status check_id(const std::string& id) {
  size_t digits = 0, dashes = 0;
  for (const char c : id) {
    digits += std::isxdigit(static_cast<unsigned char>(c)) != 0 ? 1 : 0;
    dashes += c == '-' ? 1 : 0;
  }
  if (digits == 32 && dashes == 4 && id.size() == 36) return {};
  return Error{Errc::kUsage, "--id: " + quoted(id) + " is not a UUID; without --id one is made"};
}

std::shared_ptr<const RuleSet> compile(const std::string& text, Diagnostics& diagnostics) {
  RuleDocument document;
  parse_rules(std::make_shared<const SourceFile>(SourceFile{"new rule", text}), document, diagnostics);
  check_document(document, diagnostics);
  return RuleSet::compile(document, diagnostics);
}

// That the rule can be read, and its tests pass. What is wrong has been told.
Status check_rule(const std::string& text) {
  Diagnostics diagnostics;
  const auto rules = compile(text, diagnostics);
  log::show(diagnostics);
  if (diagnostics.errors() != 0) return Error{Errc::kInput, "no rule can be written from that event"};
  for (const RuleTestResult& result : run_rule_tests(rules)) {
    if (!result.passed())
      return Error{Errc::kInput, "no rule can be written from that event: its test " +
                                     quoted(result.test->name) + " fails"};
  }
  return {};
}

// Both the rule and where it comes from; empty for an example.
struct Source {
  Rule rule;
  std::string place;
};
Result<Source> draft_from(const EventWord& word, const NewOptions& options, const DraftOptions& draft) {
  const EventQuestion question{.event = word, .db = options.db, .on = {}};
  Diagnostics none;
  const auto judged = judge_event(question, RuleSet::compile({}, none));
  if (!judged) return Error{judged.error().code, {}};
  auto rule = draft_rule(judged->event, draft);
  if (!rule) {
    log::error(judged->place + ": " + rule.error().message);
    return Error{rule.error().code, {}};
  }
  return Source{*std::move(rule), judged->place};
}

// What `options` ask for. What is wrong has been told, if the error has no message.
Result<Source> draft(const NewOptions& options, const DraftOptions& draft) {
  if (!options.from_event.empty() && !options.from_hit.empty())
    return Error{Errc::kUsage, "--from-event and --from-hit exclude each other"};
  if (options.from_event.empty() && options.from_hit.empty()) return Source{draft_example(draft), {}};
  const bool is_hit = options.from_event.empty();
  const std::string& given = is_hit ? options.from_hit : options.from_event;
  const auto word = parse_event_word(given);
  if (!word || word->hit.empty() == is_hit) {
    return Error{Errc::kUsage, quoted(given) + (is_hit ? " is neither the number of a hit nor an id"
                                                       : " is no event of a capture: give FILE:LINE")};
  }
  return draft_from(*word, options, draft);
}

std::string rule_text(const Source& source) {
  const std::string head =
      (source.place.empty() ? "# An example to be written over.\n"
                            : "# Written from " + source.place + ", to be made wider or narrower.\n") +
      "# Say what it finds (title, description), how bad that is (level), what harmless looks like it\n"
      "# (falsepositives), and which technique it is (tags).\n";
  return head + write_rule(source.rule);
}

ExitStatus new_rule(const NewOptions& options, Call& call) {
  if (call.arguments.size() != 1)
    return fail_usage(call, call.arguments.empty() ? "no name is given" : "one name is to be given");
  const std::string& name = call.arguments[0];
  if (Status status = check_name(name); !status) return fail_usage(call, status.error().message);
  if (!options.id.empty()) {
    if (Status status = check_id(options.id); !status) return fail_usage(call, status.error().message);
  }
  const auto id = options.id.empty() ? make_uuid() : Result<std::string>(options.id);
  if (!id) return fail(id.error());
  const auto source = draft(options, {.id = *id, .name = name});
  if (!source) {
    if (source.error().message.empty()) return exit_status_of(source.error());
    return source.error().code == Errc::kUsage ? fail_usage(call, source.error().message)
                                               : fail(source.error());
  }
  const std::string text = rule_text(*source);
  if (Status status = check_rule(text); !status) return fail(status.error());
  if (options.output == "-") {
    call.output.write(text);
    return ExitStatus::kDone;
  }
  const std::string path = options.output.empty() ? name + ".toml" : options.output;
  if (Status status = create_file(path, text); !status) return fail(status.error());
  if (!call.common.quiet) {
    call.output.write(escape_text(path) + " written, with " + plural(source->rule.tests.size(), "test") +
                      "\n");
  }
  return ExitStatus::kDone;
}

}  // namespace

constexpr Command kNewCommand = {
    .name = "new",
    .arguments = "NAME",
    .summary = "write a rule with tests to begin with",
    .manual =
        "Write a rule with tests, to begin with, into a file that is not there yet.\n"
        "From an event it looks for the program, its options, who started it and what else tells such an "
        "event "
        "apart;\n"
        "one test holds for the event, and one for each of these has something else and does not.\n"
        "It passes\n"
        ".Ic check\n"
        "and\n"
        ".Ic test\n"
        "as written.\n"
        "Without an event it is an example.\n"
        "Techniques of ATT&CK are not guessed: tags are for the author.\n",
    .options = kTable,
    .run = run_command<NewOptions, new_rule>,
};

}  // namespace detectd

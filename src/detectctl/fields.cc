// detectctl fields: what an event can say, from the table that the engine reads.
#include <algorithm>
#include <vector>

#include "engine/fields.h"
#include "engine/json_writer.h"
#include "src/detectctl/commands.h"
#include "src/report/hit_view.h"
#include "src/text.h"

namespace detectd {
namespace {

struct FieldsOptions {
  bool json = false;
};

constexpr OptionRow kTable[] = {
    {.group = "Options",
     .name = "json",
     .help = "a JSON object a field",
     .manual = "Print each field as a JSON object on a line of its own.\n",
     .apply = enable<&FieldsOptions::json>},
};

// As [fields] of a rule file spells it.
std::string_view to_string(FieldType type) {
  switch (type) {
    case FieldType::kText: return "string";
    case FieldType::kInteger: return "integer";
    case FieldType::kReal: return "number";
    case FieldType::kBoolean: return "boolean";
    case FieldType::kIp: return "ip";
    case FieldType::kTime: return "time";
    case FieldType::kAny: return "any";
  }
  return {};
}

std::string_view to_string(Trust trust) { return trust == Trust::kKernel ? "kernel" : "process"; }

std::string type_text(const FieldInfo& info) {
  return (info.many ? "list of " : "") + std::string(to_string(info.type));
}

// ` (end)`: the kinds that carry it, in the fewest words; empty if all do but `lost`, which has no process.
std::string kinds_text(const FieldInfo& info) {
  const KindSet missing = KindSet::all().without(info.kinds);
  if (KindSet{EventKind::kLost}.contains(missing)) return {};
  const std::string kinds = detectd::to_string(KindSet::all().without(missing));
  const std::string but = "all but " + detectd::to_string(missing);
  return " (" + std::min(kinds, but, [](const auto& a, const auto& b) { return a.size() < b.size(); }) + ")";
}

std::string json_line(const FieldInfo& info) {
  JsonWriter json;
  json.begin_object();
  json.member("name", info.name);
  json.member("type", to_string(info.type));
  json.member_boolean("list", info.many);
  json.member("trust", to_string(info.trust));
  json.key("kinds");
  json.begin_array();
  for (size_t kind = 0; kind < kEventKindCount; ++kind) {
    const auto each = static_cast<EventKind>(kind);
    if (KindSet::all().has(each) && info.kinds.has(each)) json.string(detectd::to_string(each));
  }
  json.end_array();
  json.member("meaning", info.meaning);
  json.end_object();
  return json.text() + '\n';
}

// The facts of a process stand three times in the table.
bool repeats(FieldId id) {
  const Subject subject = place_of(id).subject;
  return index_of(id) < 3 * kLeafCount && (subject == Subject::kParent || subject == Subject::kTarget);
}

// All of those that somebody asks for; to a person who asks for none, the repeated ones are only told of.
bool shows_all(const FieldsOptions& options, const Call& call) {
  return options.json || !call.arguments.empty();
}

std::vector<const FieldInfo*> chosen_fields(const FieldsOptions& options, const Call& call) {
  const std::vector<std::string>& words = call.arguments;
  std::vector<const FieldInfo*> chosen;
  for (size_t i = 0; i < kFieldCount; ++i) {
    const FieldId id{static_cast<uint16_t>(i)};
    const FieldInfo& info = table_info(id);
    const bool named = words.empty() || std::any_of(words.begin(), words.end(), [&](const std::string& word) {
                         return info.name.find(word) != std::string_view::npos;
                       });
    if (named && (shows_all(options, call) || !repeats(id))) chosen.push_back(&info);
  }
  return chosen;
}

std::string text_of(const std::vector<const FieldInfo*>& fields) {
  size_t name_columns = 0, type_columns = 0;
  for (const FieldInfo* info : fields) {
    name_columns = std::max(name_columns, info->name.size());
    type_columns = std::max(type_columns, type_text(*info).size());
  }
  std::string text;
  for (const FieldInfo* info : fields) {
    text += fit(info->name, name_columns) + "  " + fit(type_text(*info), type_columns) + "  " +
            fit(to_string(info->trust), 7) + "  " + std::string(info->meaning) + kinds_text(*info) + "\n";
  }
  return text;
}

ExitStatus fields(const FieldsOptions& options, Call& call) {
  const auto chosen = chosen_fields(options, call);
  if (chosen.empty()) {
    return fail({Errc::kUsage, "no field has " + quoted(call.arguments.front()) + " in its name"});
  }
  if (options.json) {
    for (const FieldInfo* info : chosen) call.output.write(json_line(*info));
    return ExitStatus::kDone;
  }
  call.output.write(text_of(chosen));
  if (!shows_all(options, call) && !call.common.quiet) {
    call.output.write(
        "\nWhat stands under process. stands under process.parent. too, and of ptrace under Target.process.\n"
        "Trust: the kernel vouches for it, or it is the process's own word.\n");
  }
  return ExitStatus::kDone;
}

}  // namespace

constexpr Command kFieldsCommand = {
    .name = "fields",
    .arguments = "[WORD...]",
    .summary = "the fields of events: type, trust, meaning",
    .manual =
        "Print the fields that rules can name, with their type, who vouches for them, what they mean, and "
        "the kinds of events that carry them.\n"
        "With\n"
        ".Ar WORD Ns s\n"
        "only those that have one of them in their name.\n"
        "What anybody can write, such as a command line, is the\n"
        ".Sq process Ns 's\n"
        "own word; a rule that responds needs something that the\n"
        ".Sq kernel\n"
        "vouches for.\n",
    .options = kTable,
    .run = run_command<FieldsOptions, fields>,
};

}  // namespace detectd

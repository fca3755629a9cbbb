#include "engine/rule_fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "engine/text_fold.h"

namespace detectd {
namespace {

// From SigmaHQ's pySigma-backend-elasticsearch (pipelines macos.py, windows.py); `own.` has no ECS
// name.
constexpr std::array<std::pair<std::string_view, std::string_view>, 22> kSigmaFields = {{
    {"CommandLine", "process.command_line"},
    {"Company", "process.pe.company"},
    {"CurrentDirectory", "process.working_directory"},
    {"Description", "process.pe.description"},
    {"DestinationHostname", "destination.domain"},
    {"DestinationIp", "destination.ip"},
    {"DestinationPort", "destination.port"},
    {"FileVersion", "process.pe.file_version"},
    {"GrandParentImage", "own.grandparent_executable"},
    {"Hashes", "own.hashes"},
    {"Image", "process.executable"},
    {"IntegrityLevel", "own.integrity_level"},
    {"LogonId", "own.logon_id"},
    {"OriginalFileName", "process.pe.original_file_name"},
    {"ParentCommandLine", "process.parent.command_line"},
    {"ParentImage", "process.parent.executable"},
    {"ParentProcessId", "process.parent.pid"},
    {"ParentUser", "process.parent.user.name"},
    {"ProcessId", "process.pid"},
    {"Product", "process.pe.product"},
    {"TargetFilename", "file.path"},
    {"User", "process.user.name"},
}};

std::string describe(const Logsource& logsource) {
  std::string text;
  for (const auto& [key, value] : {std::pair{"category", &logsource.category},
                                   {"product", &logsource.product},
                                   {"service", &logsource.service}}) {
    if (value->empty()) continue;
    if (!text.empty()) text += ", ";
    text += std::string(key) + " " + *value;
  }
  return text;
}

bool is_auditd(const Logsource& logsource) {
  return logsource.category.empty() && logsource.service == "auditd" &&
         (logsource.product.empty() || folded(logsource.product) == "linux");
}

// The N of `aN`.
std::optional<uint32_t> argument_number(std::string_view field) {
  uint32_t number = 0;
  if (field.size() < 2 || field.size() > 6 || field[0] != 'a' || (field[1] == '0' && field.size() > 2))
    return std::nullopt;
  const auto [end, status] = std::from_chars(field.data() + 1, field.data() + field.size(), number);
  if (status != std::errc() || end != field.data() + field.size()) return std::nullopt;
  return number;
}

bool is_execve_type(const Item& item) {
  return item.field == "type" && item.modifiers.empty() &&
         std::all_of(item.values.begin(), item.values.end(), [](const Scalar& value) {
           return value.text() != nullptr && folded(*value.text()) == "execve";
         });
}

bool asks_for_arguments_only(const Detection& detection) {
  for (const Selection& selection : detection.selections) {
    for (const auto& items : selection.alternatives) {
      const bool arguments = std::all_of(items.begin(), items.end(), [](const Item& item) {
        return argument_number(item.field) || is_execve_type(item);
      });
      if (!arguments) return false;
    }
  }
  return true;
}

Item translate_audit_item(const Item& item) {
  Item translated = item;
  if (const auto number = argument_number(item.field)) {
    translated.field = "process.args";
    translated.element = number;
  } else if (is_execve_type(item)) {
    translated.field = "event.action";
    for (Scalar& value : translated.values) value.value = std::string(to_string(EventKind::kExec));
  }
  return translated;
}

}  // namespace

LogsourceKinds kinds_of(const Rule& rule) {
  using enum EventKind;
  const Logsource& logsource = *rule.logsource;
  if (rule.sigma_taxonomy && is_auditd(logsource)) {
    if (asks_for_arguments_only(rule.detection)) return {{kExec}, {}};
    return {{}, "no source has more of the audit log than EXECVE and a0, a1 ..."};
  }
  if (logsource.service.empty()) {
    if (logsource.category == "process_creation") return {{kExec}, {}};
    if (logsource.category == "process_termination") return {{kEnd}, {}};
    if (logsource.category == "process_access") return {{kPtrace}, {}};
    if (logsource.category == "network_connection") {
      return {{kConnectionAttempted, kConnectionAccepted}, {}};
    }
  }
  return {{}, "no source feeds the logsource " + describe(logsource)};
}

std::string_view translate_sigma_field(std::string_view name) {
  const auto found = std::find_if(kSigmaFields.begin(), kSigmaFields.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  return found == kSigmaFields.end() ? name : found->second;
}

Item translate_sigma_item(const Item& item, const std::optional<Logsource>& logsource) {
  if (logsource && is_auditd(*logsource)) return translate_audit_item(item);
  if (item.field != "Initiated" || !item.modifiers.empty()) return item;
  Item translated = item;
  translated.field = "event.action";
  for (Scalar& scalar : translated.values) {
    const bool* const flag = std::get_if<bool>(&scalar.value);
    const std::string text = scalar.text() != nullptr ? folded(*scalar.text()) : "";
    const bool attempted = flag != nullptr ? *flag : text == "true";
    if (flag == nullptr && !attempted && text != "false") return item;
    scalar.value =
        std::string(to_string(attempted ? EventKind::kConnectionAttempted : EventKind::kConnectionAccepted));
  }
  return translated;
}

FieldLookup look_up_field(std::string_view name, const RuleDocument& document, Schema& schema) {
  if (const auto id = find_table_field_or_alias(name)) return {.id = id};
  std::optional<FieldId> id;
  const auto declared = document.fields.find(std::string(name));
  if (declared != document.fields.end()) {
    id = schema.add(name, declared->second.type, declared->second.many);
  } else if (name.starts_with("labels.")) {
    id = schema.add(name, FieldType::kAny, true);
  } else {
    return {};
  }
  return {.id = id, .full = !id};
}

std::string why_not_run(const Rule& rule) {
  if (!rule.enabled) {
    const Place place = rule.origin("enabled");
    return "disabled in " + place.file->path + ":" + std::to_string(place.span.line);
  }
  if (rule.status == RuleStatus::kDeprecated) return "its status is deprecated";
  if (rule.status == RuleStatus::kUnsupported) return "its status is unsupported";
  return {};
}

std::string suggest_field(std::string_view name) {
  std::vector<std::string_view> names;
  names.reserve(kFieldCount);
  for (size_t i = 0; i < kFieldCount; ++i) {
    names.push_back(table_info(FieldId(static_cast<uint16_t>(i))).name);
  }
  return did_you_mean(name, names);
}

}  // namespace detectd

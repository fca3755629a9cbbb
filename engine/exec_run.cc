#include "engine/exec_run.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "engine/carried.h"
#include "engine/process.h"

namespace detectd {
namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::vector<std::string> args_of_command_line(std::string_view line) {
  const size_t option = line.find(" -c ");
  const std::string_view called = last_path_part(line.substr(0, line.find(' ')));
  const bool shell = called.ends_with("sh") || called == "busybox";
  if (!shell || option == std::string_view::npos) return split(line);
  std::vector<std::string> args = split(line.substr(0, option));
  args.emplace_back("-c");
  args.emplace_back(line.substr(option + 4));
  return args;
}

// What goes with the file that runs.
constexpr std::array kOfFile = {
    Leaf::kSha256, Leaf::kDeleted, Leaf::kMemfd, Leaf::kDevice, Leaf::kInode,
    Leaf::kLinks,  Leaf::kOwner,   Leaf::kMode,  Leaf::kSetuid, Leaf::kEffectiveExecutable};
constexpr std::array kOfArgs = {Leaf::kArgsCount, Leaf::kCommandLine, Leaf::kArgv0,
                                Leaf::kEffectiveExecutable};

void set_args(Event& event, FieldOf field, std::span<const std::string> args) {
  for (const Leaf leaf : kOfArgs) event.unset(field(leaf));
  event.begin_list(field(Leaf::kArgs));
  for (const std::string& arg : args) event.append_text(field(Leaf::kArgs), arg);
  event.derived = false;
}

void set_program(Event& event, FieldOf field, const std::string& executable) {
  for (const Leaf leaf : kOfFile) event.unset(field(leaf));
  event.set_text(field(Leaf::kExecutable), executable);
  event.set_text(field(Leaf::kName), last_path_part(executable));
  event.derived = false;
}

void set_run(Event& event, FieldOf field, const ExecRun& run) {
  set_program(event, field, run.executable);
  set_args(event, field, run.args);
}

std::vector<std::string> texts(const Event& event, FieldId field) {
  std::vector<std::string> values;
  if (!event.carries(field)) return values;
  for (size_t i = 0; i < event.count(field); ++i) values.emplace_back(event.find_carried(field, i).text);
  return values;
}

void set_texts(Event& event, FieldId field, const std::vector<std::string>& values) {
  event.begin_list(field);
  for (const std::string& value : values) event.append_text(field, value);
}

// What identifies the parent, where the event says so: another process has another.
void renumber(Event& event, FieldOf field, size_t number) {
  constexpr int64_t kFirstPid = 4'000'000;
  if (event.carries(field(Leaf::kPid)))
    event.set_integer(field(Leaf::kPid), kFirstPid + static_cast<int64_t>(number));
  if (event.carries(field(Leaf::kEntityId)))
    event.set_text(field(Leaf::kEntityId), "between-" + std::to_string(number));
  event.unset(field(Leaf::kStart));
}

struct AncestorField {
  FieldId list;
  FieldId of_parent;
};
const std::array kAncestors = {
    AncestorField{field::kAncestorsName, parent_field(Leaf::kName)},
    AncestorField{field::kAncestorsExecutable, parent_field(Leaf::kExecutable)},
};

}  // namespace

std::string ExecRun::called() const { return std::string(last_path_part(args.front())); }

std::optional<ExecRun> exec_run_of(const Event& event) {
  ExecRun run;
  run.executable = carried_text(event, process_field(Leaf::kExecutable));
  run.name = carried_text(event, process_field(Leaf::kName));
  run.args = texts(event, process_field(Leaf::kArgs));
  if (run.args.empty())
    run.args = args_of_command_line(carried_text(event, process_field(Leaf::kCommandLine)));
  if (run.args.empty()) {
    const std::string_view argv0 = carried_text(event, process_field(Leaf::kArgv0));
    if (!argv0.empty()) run.args.emplace_back(argv0);
  }
  if (run.name.empty()) run.name = last_path_part(run.executable);
  if (run.name.empty() && !run.args.empty()) run.name = run.called();
  if (run.name.empty()) return std::nullopt;
  if (run.executable.empty()) run.executable = "/usr/bin/" + run.name;
  if (run.args.empty()) run.args.push_back(run.executable);
  return run;
}

void set_args(Event& event, std::span<const std::string> args) { set_args(event, process_field, args); }

void set_program(Event& event, const std::string& executable) {
  set_program(event, process_field, executable);
}

Event with_run(const Event& event, const ExecRun& run) {
  Event changed = event;
  set_run(changed, process_field, run);
  return changed;
}

void put_between(Event& event, const ExecRun& between, size_t number) {
  for (const auto& [list, of_parent] : kAncestors) {
    std::vector<std::string> names = texts(event, list);
    if (names.empty() && event.carries(of_parent)) names = texts(event, of_parent);
    const bool is_name = list == field::kAncestorsName;
    names.insert(names.begin(), is_name ? between.name : between.executable);
    set_texts(event, list, names);
  }
  for (const FieldId list : {field::kAncestorsCommandLine, field::kAncestorsPid, field::kAncestorsEntityId})
    event.unset(list);
  renumber(event, parent_field, number);
  set_run(event, parent_field, between);
}

void set_only_parent(Event& event, const ExecRun& parent, size_t number) {
  for (const auto& [list, of_parent] : kAncestors) {
    const bool is_name = list == field::kAncestorsName;
    set_texts(event, list, {is_name ? parent.name : parent.executable});
  }
  for (const FieldId list : {field::kAncestorsCommandLine, field::kAncestorsPid, field::kAncestorsEntityId})
    event.unset(list);
  renumber(event, parent_field, number);
  set_run(event, parent_field, parent);
}

Event child_with_run(const Event& event, const ExecRun& parent, const ExecRun& run, size_t number) {
  Event child = with_run(event, run);
  put_between(child, parent, number);
  renumber(child, process_field, number + 1);
  return child;
}

bool cut_args(std::vector<std::string>& args) {
  constexpr size_t kHead = size_t{128} << 10, kTail = kHead / 8;
  constexpr size_t kMaxArgs = 4096, kLast = kMaxArgs / 8;
  bool cut = false;
  std::string joined;
  for (const std::string& arg : args) joined.append(arg).push_back('\0');
  if (joined.size() > kHead + kTail) {
    joined = joined.substr(0, kHead) + '\0' + joined.substr(joined.size() - kTail);
    args.clear();
    for (size_t begin = 0; begin < joined.size();) {
      const size_t end = std::min(joined.find('\0', begin), joined.size());
      args.push_back(joined.substr(begin, end - begin));
      begin = end + 1;
    }
    cut = true;
  }
  if (args.size() > kMaxArgs) {
    const auto begin = args.begin();
    args.erase(begin + (kMaxArgs - kLast), args.end() - static_cast<std::ptrdiff_t>(kLast));
    cut = true;
  }
  return cut;
}

}  // namespace detectd

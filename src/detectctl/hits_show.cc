// detectctl hits show, hits tree, hits ack: one hit.
#include <unistd.h>

#include "engine/digest.h"
#include "engine/escape.h"
#include "src/clock.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/hit_columns.h"
#include "src/detectctl/hits_options.h"
#include "src/detectctl/pretty_json.h"
#include "src/detectctl/process_tree.h"
#include "src/report/hit_view.h"
#include "src/report/time_zone.h"
#include "src/store/acknowledge.h"
#include "src/store/stored_hit_json.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr size_t kNameColumns = 14;
// Hits of a tree, and lines of it.
constexpr size_t kMaxRelatives = 2000;
constexpr size_t kMaxTreeLines = 200;

// `name          value`, the value on several lines where it is wider than the terminal.
std::string property(std::string_view name, std::string value, size_t columns) {
  if (value.empty()) return {};
  std::string text;
  std::string head = fit(name, kNameColumns);
  const size_t room = columns == 0 ? 0 : columns - kNameColumns;
  while (room != 0 && display_width(value) > room) {
    std::string part = cut(value, room + 1);
    // Without the ellipsis of cut().
    part.resize(part.size() - 3);
    text += head + part + "\n";
    value.erase(0, part.size());
    head = std::string(kNameColumns, ' ');
  }
  return text + head + value + "\n";
}

std::string describe(const StoredHit& hit, const std::vector<StoredAncestor>& ancestors, size_t columns) {
  const HitRecord& record = hit.record;
  const RuleRecord& rule = *record.rule;
  std::string text;
  const auto add = [&](std::string_view name, const std::string& value) {
    text += property(name, value, columns);
  };
  add("hit", std::to_string(hit.n));
  add("id", to_string(record.id));
  add("time", format_time(record.time_ns, 9));
  if (record.count > 1) {
    add("count", with_separators(record.count) + ", from " + format_time(record.first_ns) + " to " +
                     format_time(record.last_ns));
  }
  add("level", std::string(to_string(rule.level)));
  add("rule", rule_text(rule));
  add("title", escape_text(rule.title));
  add("rule id", escape_text(rule.id));
  add("tags", escape_text(rule.tags));
  add("definition", rule.digest.empty() ? "" : "sha256:" + escape_text(rule.digest));
  add("host", escape_text(record.host));
  add("kind", escape_text(record.kind));
  add("process", process_text(record));
  add("user", user_text(record));
  add("command", escape_text(record.command_line));
  add("executable", escape_text(record.executable));
  for (size_t i = 0; i < ancestors.size(); ++i) {
    const StoredAncestor& a = ancestors[i];
    add(i == 0 ? "started by" : "",
        (a.name.empty() ? "?" : a.name) + (a.pid ? "(" + std::to_string(*a.pid) + ")" : "") +
            (a.user.empty() ? "" : " " + a.user) + (a.command_line.empty() ? "" : ": " + a.command_line));
  }
  if (!record.response.empty()) {
    add("response", escape_text(record.response) + " " + escape_text(record.response_target) + ": " +
                        escape_text(record.response_outcome));
  }
  if (record.capture_line != 0) {
    add("capture", escape_text(record.capture_file) + ":" + std::to_string(record.capture_line));
  }
  if (hit.acknowledged_ns) add("acknowledged", format_time(*hit.acknowledged_ns));
  add("note", escape_text(hit.note));
  if (!record.grouping.empty()) add("group", escape_text(record.grouping));
  return text + "event\n" + pretty_json(record.event, "  ");
}

// What both show and tree need.
struct Asked {
  HitQuery query;
  StoredHit hit;
};
Result<Asked> ask(const HitsOptions& options, const Call& call) {
  if (call.arguments.size() != 1) {
    fail_usage(call, "one hit is to be named, by its number or id");
    return Error{Errc::kUsage, {}};
  }
  Result<HitQuery> query = open_query(options);
  if (!query) return std::move(query).error();
  Result<StoredHit> hit = query->reader.find(call.arguments[0]);
  if (!hit) {
    fail_store(hit.error());
    return std::move(hit).error();
  }
  return Asked{*std::move(query), *std::move(hit)};
}

ExitStatus not_there(const Error& error) {
  return error.code == Errc::kNotFound ? ExitStatus::kNo : exit_status_of(error);
}

ExitStatus show(const HitsOptions& options, Call& call) {
  const auto asked = ask(options, call);
  if (!asked) return not_there(asked.error());
  if (options.json) {
    call.output.write(json_line(asked->hit));
    return ExitStatus::kDone;
  }
  const auto ancestors = asked->query.reader.ancestors(asked->hit);
  if (!ancestors) return fail_store(ancestors.error());
  call.output.write(
      describe(asked->hit, *ancestors, inspect_terminal(STDOUT_FILENO, call.common.color).columns));
  return tell_completeness(asked->query, options, call, 1);
}

ExitStatus tree(const HitsOptions& options, Call& call) {
  auto asked = ask(options, call);
  if (!asked) return not_there(asked.error());
  auto relatives = asked->query.reader.relatives(asked->hit, kMaxRelatives);
  if (!relatives) return fail_store(relatives.error());
  std::vector<ProcessTree::Member> members;
  for (StoredHit& hit : *relatives) {
    auto ancestors = asked->query.reader.ancestors(hit);
    if (!ancestors) return fail_store(ancestors.error());
    members.push_back({std::move(hit), *std::move(ancestors)});
  }
  const ProcessTree tree(members, asked->hit.n);
  if (options.json) {
    call.output.write(tree.json());
  } else {
    const size_t lines = options.limit == 0 ? kMaxTreeLines : static_cast<size_t>(options.limit);
    call.output.write(tree.text(inspect_terminal(STDOUT_FILENO, call.common.color), lines));
  }
  return tell_completeness(asked->query, options, call, members.size());
}

ExitStatus acknowledge_hits(const HitsOptions& options, Call& call) {
  if (call.arguments.empty()) return fail_usage(call, "the hits are to be named, by their numbers or ids");
  const Result<uint64_t> changed = acknowledge(options.db, call.arguments, options.note, wall_clock_ns());
  if (!changed) {
    fail_store(changed.error());
    return not_there(changed.error());
  }
  if (!call.common.quiet) call.output.write(plural(*changed, "hit") + " acknowledged\n");
  return ExitStatus::kDone;
}

}  // namespace

const Command kHitsShowCommand = {
    .name = "hits show",
    .arguments = "HIT",
    .summary = "all that is known of a hit",
    .manual =
        "Show all that is known of one hit, given by its number or id.\nThe exit status is 1 if there is "
        "none.\n",
    .options = one_hit_options(),
    .run = run_command<HitsOptions, show>,
};

const Command kHitsTreeCommand = {
    .name = "hits tree",
    .arguments = "HIT",
    .summary = "the processes around a hit",
    .manual =
        "Show the processes around one hit: those that started it, and what else of them and their "
        "descendants hit, "
        "whether they still run or not.\n"
        "Behind each stand its rule and its number.\n"
        "A process that replaced its program and hit again has a line\n.Sq then .\n",
    .options = tree_options(),
    .run = run_command<HitsOptions, tree>,
};

const Command kHitsAckCommand = {
    .name = "hits ack",
    .arguments = "HIT...",
    .summary = "note that somebody has seen to hits",
    .manual =
        "Note that somebody has seen to these hits.\n"
        "They stay, and\n.Fl Fl open\nleaves them out of lists.\n"
        "This writes to the database.\n",
    .options = ack_options(),
    .run = run_command<HitsOptions, acknowledge_hits>,
};

}  // namespace detectd

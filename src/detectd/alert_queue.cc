#include "src/detectd/alert_queue.h"

#include <algorithm>
#include <utility>

#include "engine/digest.h"
#include "engine/escape.h"
#include "engine/json_writer.h"
#include "engine/timestamp.h"
#include "src/store/stored_hit_json.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr size_t kMaxTextBytes = 1000;
constexpr size_t kMaxBatchBytes = size_t{4} << 20;
constexpr size_t kRulesInText = 3;

// A JSON array of strings without escapes that matter: tags are of letters, digits, dots and hyphens.
std::vector<std::string> split_tags(std::string_view json) {
  std::vector<std::string> tags;
  for (size_t begin = json.find('"'); begin != std::string_view::npos; begin = json.find('"', begin)) {
    const size_t end = json.find('"', begin + 1);
    if (end == std::string_view::npos) break;
    tags.emplace_back(json.substr(begin + 1, end - begin - 1));
    begin = end + 1;
  }
  return tags;
}

bool fits(std::string_view wanted, std::string_view value) {
  if (wanted.ends_with('*')) return value.starts_with(wanted.substr(0, wanted.size() - 1));
  return wanted == value;
}

bool fits_any(const std::vector<std::string>& wanted, std::string_view value) {
  return std::any_of(wanted.begin(), wanted.end(),
                     [value](const std::string& one) { return fits(one, value); });
}

std::string shown_name(const RuleRecord& rule) { return rule.name.empty() ? rule.title : rule.name; }

std::string process_text(const std::string& name, const std::optional<int64_t>& pid) {
  if (name.empty() && !pid) return {};
  return (name.empty() ? "?" : name) + (pid ? "(" + std::to_string(*pid) + ")" : "");
}

// `high web_shell: nginx(812) > sh(9921) www-data: sh -c id`. The columns of a record are escaped.
std::string text_of(const HitRecord& record) {
  std::string text =
      std::string(to_string(record.rule->level)) + " " + escape_text(shown_name(*record.rule)) + ":";
  const std::string parent = process_text(record.parent_name, record.parent_pid);
  if (!parent.empty()) text += " " + parent + " >";
  if (const std::string self = process_text(record.name, record.pid); !self.empty()) text += " " + self;
  const std::string& user = record.user_name.empty() ? record.user_id : record.user_name;
  if (!user.empty()) text += " " + user;
  if (!record.command_line.empty()) text += ": " + record.command_line;
  if (text.size() > kMaxTextBytes) {
    size_t end = kMaxTextBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end) + "...";
  }
  if (!record.response_outcome.empty() && record.response_outcome != "replay")
    text += " [" + record.response_outcome + "]";
  return text;
}

void write_rules(const Outbox::Overview& overview, JsonWriter& json) {
  json.key("rules");
  json.begin_array();
  for (const Outbox::RuleCount& rule : overview.rules) {
    json.begin_object();
    json.member("id", rule.id);
    json.member("name", rule.name);
    json.member("level", to_string(rule.level));
    json.member_number("hits", static_cast<int64_t>(rule.hits));
    json.member_number("repeats", static_cast<int64_t>(rule.repeats));
    if (rule.muted != 0) json.member_number("muted", static_cast<int64_t>(rule.muted));
    json.member("first", format_rfc3339(rule.first_ns));
    json.member("last", format_rfc3339(rule.last_ns));
    json.end_object();
  }
  json.end_array();
  if (overview.rules_left_out != 0)
    json.member_number("rules_left_out", static_cast<int64_t>(overview.rules_left_out));
}

// `3 web_shell (high), 1 nc_reverse (critical) and 4 other rules`
std::string rules_text(const Outbox::Overview& overview) {
  std::string text;
  for (size_t i = 0; i < std::min(kRulesInText, overview.rules.size()); ++i) {
    const Outbox::RuleCount& rule = overview.rules[i];
    text += (i == 0 ? "" : ", ") + std::to_string(rule.hits) + " " + escape_text(rule.name) + " (" +
            std::string(to_string(rule.level)) + ")";
  }
  const size_t others =
      overview.rules.size() - std::min(kRulesInText, overview.rules.size()) + overview.rules_left_out;
  if (others != 0) text += " and " + plural(others, "other rule");
  return text;
}

std::string seconds_text(int64_t length_ns) {
  const int64_t tenths = (length_ns + 99'999'999) / 100'000'000;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

class StoredAlertQueue final : public AlertQueue {
 public:
  explicit StoredAlertQueue(AlertQueueOptions options)
      : options_(std::move(options)), outbox_(options_.database) {}

  Result<SinkState> load() override;
  Status save(const SinkState& state) override;
  Result<Batch> read(int64_t after, size_t max, int64_t now_ns) override;
  Result<Alert> fold(int64_t after, int64_t now_ns) override;
  Result<Alert> digest(int64_t begin_ns, int64_t end_ns) override;
  Alert notice(AlertKind kind, Level level, const std::string& text, int64_t now_ns) override;

 private:
  Alert make(AlertKind kind, Level level, std::string text, int64_t time_ns, int64_t mark) const;
  void begin(const Alert& alert, JsonWriter& json) const;

  AlertQueueOptions options_;
  Outbox outbox_;
};

Result<SinkState> StoredAlertQueue::load() {
  const Result<SinkRecord> record = outbox_.find(options_.sink);
  if (!record) return record.error();
  SinkState state;
  state.since_ns = record->since_ns;
  state.settled_n = record->settled_n;
  state.delivered = record->delivered;
  state.folded = record->folded;
  state.refused = record->refused;
  state.expired = record->expired;
  state.delivered_ns = record->delivered_ns;
  state.failing_since_ns = record->failing_since_ns;
  state.failure = record->failure;
  state.digest_ns = record->digest_ns;
  return state;
}

Status StoredAlertQueue::save(const SinkState& state) {
  SinkRecord record;
  record.name = options_.sink;
  record.settled_n = state.settled_n;
  record.delivered = state.delivered;
  record.folded = state.folded;
  record.refused = state.refused;
  record.expired = state.expired;
  record.delivered_ns = state.delivered_ns;
  record.failing_since_ns = state.failing_since_ns;
  record.failure = state.failure;
  record.digest_ns = state.digest_ns;
  return outbox_.save(record);
}

Result<AlertQueue::Batch> StoredAlertQueue::read(int64_t after, size_t max, int64_t now_ns) {
  Batch batch;
  size_t bytes = 0;
  const auto take = [&](StoredHit& hit) {
    if (batch.alerts.size() == max || bytes > kMaxBatchBytes) return false;
    if (!options_.selection.has(*hit.record.rule)) return true;
    batch.alerts.push_back(to_alert(hit));
    bytes += batch.alerts.back().json.size();
    return true;
  };
  const auto read = outbox_.read(
      {.after = after, .min_level = options_.selection.level, .now_ns = now_ns, .always = kSelftestRule},
      take);
  if (!read) return read.error();
  batch.looked_to = read->looked_to;
  batch.taken_away = read->taken_away;
  batch.more = read->more;
  batch.waits = read->waits;
  batch.is_new = read->is_new;
  return batch;
}

// The same of what is told again: from when it is, and about what.
Alert StoredAlertQueue::make(AlertKind kind, Level level, std::string text, int64_t time_ns,
                             int64_t mark) const {
  Sha256Hasher hasher;
  for (const std::string_view part :
       {std::string_view(options_.sink), to_string(kind), std::string_view(text)})
    hasher.add_part(part);
  hasher.add_number(mark);
  Alert alert;
  alert.kind = kind;
  alert.level = level;
  alert.time_ns = alert.stored_ns = time_ns;
  alert.id = hex(hasher.finish()).substr(0, 32);
  alert.host = options_.host;
  alert.text = std::move(text);
  return alert;
}

void StoredAlertQueue::begin(const Alert& alert, JsonWriter& json) const {
  json.begin_object();
  json.member("type", to_string(alert.kind));
  json.member("id", alert.id);
  json.member("@timestamp", format_rfc3339(alert.time_ns));
  json.member("level", to_string(alert.level));
  if (!alert.host.empty()) json.member("host", alert.host);
  json.member("message", alert.text);
}

Alert StoredAlertQueue::notice(AlertKind kind, Level level, const std::string& text, int64_t now_ns) {
  Alert alert = make(kind, level, text, now_ns, now_ns);
  JsonWriter json;
  begin(alert, json);
  json.end_object();
  alert.json = json.text();
  return alert;
}

Result<Alert> StoredAlertQueue::fold(int64_t after, int64_t now_ns) {
  const Result<uint64_t> behind = outbox_.behind(after);
  if (!behind) return behind.error();
  const int64_t last = after + static_cast<int64_t>(*behind);
  const auto wanted = [this](const RuleRecord& rule) { return options_.selection.has(rule); };
  const auto overview = outbox_.fold(after, last, wanted);
  if (!overview) return overview.error();
  const Level level = overview->rules.empty() ? Level::kInformational : overview->rules.front().level;
  Alert alert = make(
      AlertKind::kFold, level,
      plural(overview->hits, "more hit") + " came too fast to be told one by one: " + rules_text(*overview),
      now_ns, last);
  alert.n = last;
  alert.count = overview->hits;
  JsonWriter json;
  begin(alert, json);
  json.member_number("hits", static_cast<int64_t>(overview->hits));
  json.member_number("after_n", after);
  json.member_number("until_n", last);
  write_rules(*overview, json);
  json.end_object();
  alert.json = json.text();
  return alert;
}

Result<Alert> StoredAlertQueue::digest(int64_t begin_ns, int64_t end_ns) {
  const std::vector<Outbox::NamedRule> running =
      options_.running ? options_.running() : std::vector<Outbox::NamedRule>();
  const auto overview = outbox_.overview({begin_ns, end_ns}, running);
  if (!overview) return overview.error();
  const Result<uint64_t> last = outbox_.behind(0);
  if (!last) return last.error();
  const Level level = overview->rules.empty() ? Level::kInformational : overview->rules.front().level;
  uint64_t muted = 0;
  for (const Outbox::RuleCount& rule : overview->rules) muted += rule.muted;
  const uint64_t silent = overview->silent.size() + overview->silent_left_out;
  std::string text = plural(overview->hits, "hit") + " since " + format_rfc3339(begin_ns, 0);
  if (overview->hits != 0) text += ": " + rules_text(*overview);
  if (muted != 0) text += "; " + std::to_string(muted) + " of them muted";
  text += overview->gaps == 0 ? "; never blind"
                              : "; blind or lossy " + plural(overview->gaps, "time") + ", for " +
                                    seconds_text(overview->blind_ns);
  if (silent != 0) text += "; " + plural(silent, "rule") + " never hit";
  Alert alert = make(AlertKind::kDigest, level, std::move(text), end_ns, begin_ns);
  alert.n = static_cast<int64_t>(*last);
  alert.count = overview->hits;
  JsonWriter json;
  begin(alert, json);
  json.member("begin", format_rfc3339(begin_ns));
  json.member("end", format_rfc3339(end_ns));
  json.member_number("hits", static_cast<int64_t>(overview->hits));
  json.member_number("muted", static_cast<int64_t>(muted));
  write_rules(*overview, json);
  json.member_number("gaps", static_cast<int64_t>(overview->gaps));
  json.member_number("blind_ms", overview->blind_ns / 1'000'000);
  json.member_number("lost_events", static_cast<int64_t>(overview->lost));
  json.member_number("uncounted_gaps", static_cast<int64_t>(overview->uncounted_gaps));
  json.key("never_hit");
  json.begin_array();
  for (const std::string& rule : overview->silent) json.string(rule);
  json.end_array();
  if (overview->silent_left_out != 0)
    json.member_number("never_hit_left_out", static_cast<int64_t>(overview->silent_left_out));
  json.end_object();
  alert.json = json.text();
  return alert;
}

}  // namespace

bool AlertSelection::has(const RuleRecord& rule) const {
  if (rule.name == kSelftestRule) return true;
  if (std::find(silent_rules.begin(), silent_rules.end(), rule.name) != silent_rules.end()) return false;
  if (rule.level < level) return false;
  if (!rules.empty() && !fits_any(rules, rule.name) && !fits_any(rules, rule.id)) return false;
  if (tags.empty()) return true;
  const std::vector<std::string> carried = split_tags(rule.tags);
  return std::any_of(carried.begin(), carried.end(),
                     [this](const std::string& tag) { return fits_any(tags, tag); });
}

Alert to_alert(const StoredHit& hit) {
  const HitRecord& record = hit.record;
  Alert alert;
  alert.kind = AlertKind::kHit;
  alert.n = hit.n;
  alert.id = to_string(record.id);
  alert.time_ns = record.time_ns;
  alert.stored_ns = record.time_ns;
  alert.level = record.rule->level;
  alert.text = text_of(record);
  alert.json = json_line(hit);
  alert.json.pop_back();
  alert.rule_id = record.rule->id;
  alert.rule_name = record.rule->name;
  alert.rule_title = record.rule->title;
  alert.tags = split_tags(record.rule->tags);
  alert.host = record.host;
  alert.pid = record.pid;
  alert.parent_pid = record.parent_pid;
  alert.name = record.name;
  alert.parent_name = record.parent_name;
  alert.executable = record.executable;
  alert.command_line = record.command_line;
  alert.user_id = record.user_id;
  alert.user_name = record.user_name;
  alert.response = record.response;
  alert.response_outcome = record.response_outcome;
  alert.count = record.count;
  alert.event = record.event;
  return alert;
}

std::unique_ptr<AlertQueue> make_alert_queue(AlertQueueOptions options) {
  return std::make_unique<StoredAlertQueue>(std::move(options));
}

}  // namespace detectd

#include "engine/rule_set.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>

#include "engine/correlation_compiler.h"
#include "engine/event_codec.h"
#include "engine/response_check.h"
#include "engine/rule_digest.h"
#include "engine/rule_fields.h"
#include "engine/rule_keys.h"
#include "engine/text_fold.h"

namespace detectd {
namespace {

// A rule's program may have this many instructions: SigmaHQ's largest has some 50, and one item
// with a thousand values is one instruction.
constexpr size_t kMaxInstructions = 20'000;

// Regexes: from this cost on a term is better found by its keys than evaluated, whichever rule asks it.
constexpr int kDearFrom = 10;
// But keys that most events have say little.
constexpr double kCommonFrom = 0.5;

}  // namespace

// Compiles the rules of a document one by one into a RuleSet.
class RuleCompiler {
 public:
  RuleCompiler(const RuleDocument& document, Diagnostics& diagnostics)
      : document_(document), diagnostics_(diagnostics) {}

  std::shared_ptr<const RuleSet> compile();

 private:
  // What is known of the rule being compiled.
  struct Draft {
    const Rule& rule;
    KindSet kinds;
    // What is being compiled: the rule itself, or a filter that a site has put on it.
    const Filter* filter = nullptr;
    std::string inactive = {};  // why it can not run; empty: it can
    bool broken = false;
    std::vector<Alternatives> selections = {};
    std::vector<SelectionTrust> trust = {};
    std::optional<Condition> condition = {};

    const SourcePtr& file() const { return filter != nullptr ? filter->file : rule.file; }
    bool sigma_taxonomy() const {
      return rule.sigma_taxonomy || (filter != nullptr && filter->sigma_taxonomy);
    }
    // Whether a field that nobody knows makes the rule inactive, as in what was imported.
    bool imported() const { return rule.logsource && (filter == nullptr || filter->logsource); }
  };

  void compile_rule(const Rule& rule);
  void compile_selection(const Selection& selection, Draft& draft);
  void compile_alternative(const std::vector<Item>& items, Draft& draft, Alternatives& alternatives,
                           SelectionTrust& trust);
  std::shared_ptr<const CompiledItem> compile_item(const Item& written, Draft& draft);
  void compile_conditions(Draft& draft);
  std::optional<Condition> compile_condition(const Detection& detection, Draft& draft);
  std::optional<FieldId> resolve_field(std::string_view name, const Span& span, Draft& draft);
  void warn_of_any_value(const Item& item, const Draft& draft);

  void index_rules();
  uint32_t add_term(Term term);
  uint32_t emit(const Draft& draft, uint32_t node, uint32_t if_holds, uint32_t otherwise);
  uint32_t emit_selection(const Alternatives& selection, uint32_t if_holds, uint32_t otherwise);
  int cost_of(const Draft& draft, uint32_t node) const;
  int cost_of(const std::vector<uint32_t>& terms) const;

  void report(Severity severity, std::string code, const Draft& draft, const Span& span, std::string message,
              std::string help = {});

  const RuleDocument& document_;
  Diagnostics& diagnostics_;
  std::shared_ptr<RuleSet> set_ = std::make_shared<RuleSet>();
  std::unordered_map<std::string, uint32_t> term_by_key_;
  RuleKeys keys_{set_->terms_};
  std::vector<std::optional<std::vector<uint32_t>>> terms_needed_;  // by rule: RuleKeys::choose
  std::vector<KindSet> kinds_of_term_;                              // of the rules that ask it
  size_t program_limit_ = 0;                                        // for the rule being compiled
  std::map<std::string, Sha256> digests_;                           // of the active rules, by id
};

std::shared_ptr<const RuleSet> RuleSet::compile(const RuleDocument& document, Diagnostics& diagnostics) {
  return RuleCompiler(document, diagnostics).compile();
}

std::shared_ptr<const RuleSet> RuleCompiler::compile() {
  want_always(set_->schema_);
  std::vector<const Rule*> by_id;
  by_id.reserve(document_.rules.size());
  for (const Rule& rule : document_.rules) by_id.push_back(&rule);
  std::stable_sort(by_id.begin(), by_id.end(), [](const Rule* a, const Rule* b) { return a->id < b->id; });
  for (const Rule* rule : by_id) {
    if (!rule->correlation) compile_rule(*rule);
  }

  index_rules();
  compile_correlations(document_, *set_, digests_, diagnostics_);
  Sha256Hasher hasher;
  for (const auto& [id, digest] : digests_) hasher.add_part(hex(digest));
  set_->digest_ = hasher.finish();
  return set_;
}

void RuleCompiler::index_rules() {
  set_->rules_of_term_.resize(set_->terms_.size());
  set_->indexed_.resize(set_->terms_.size());
  kinds_of_term_.resize(set_->terms_.size());
  std::map<FieldId, std::vector<uint32_t>> terms_by_field;
  std::map<FieldId, KindSet> kinds_by_field;
  const auto add_to_index = [&](uint32_t term) {
    if (set_->indexed_[term]) return;
    set_->indexed_[term] = true;
    const FieldId field = keys_.keys(term)->field;
    terms_by_field[field].push_back(term);
    kinds_by_field[field] = kinds_by_field[field].with(kinds_of_term_[term]);
  };
  for (uint32_t i = 0; i < set_->rules_.size(); ++i) {
    const KindSet kinds = set_->rules_[i].kinds;
    for (size_t kind = 0; kind < kEventKindCount; ++kind) {
      if (!kinds.has(static_cast<EventKind>(kind))) continue;
      set_->by_kind_[kind].rules.push_back(i);
      if (!terms_needed_[i]) set_->by_kind_[kind].unkeyed.push_back(i);
    }
    if (!terms_needed_[i]) continue;
    for (const uint32_t term : *terms_needed_[i]) {
      add_to_index(term);
      set_->rules_of_term_[term].push_back(i);
    }
  }
  for (uint32_t term = 0; term < set_->terms_.size(); ++term) {
    if (set_->terms_[term].cost < kDearFrom) continue;
    const auto& keys = keys_.keys(term);
    if (keys && keys->frequency < kCommonFrom) add_to_index(term);
  }
  for (const auto& [field, terms] : terms_by_field) {
    for (size_t kind = 0; kind < kEventKindCount; ++kind) {
      if (!kinds_by_field[field].has(static_cast<EventKind>(kind))) continue;
      set_->by_kind_[kind].fields.push_back(static_cast<uint32_t>(set_->field_indices_.size()));
    }
    FieldIndex& index = set_->field_indices_.emplace_back();
    index.field = field;
    for (const uint32_t term : terms) {
      for (const TextKey& key : keys_.keys(term)->any_of) index.terms.add(key, term);
    }
    index.terms.build();
  }
}

void RuleCompiler::compile_rule(const Rule& rule) {
  Draft draft{.rule = rule, .kinds = rule.on};
  if (rule.logsource) {
    LogsourceKinds fed = kinds_of(rule);
    draft.kinds = fed.kinds;
    draft.inactive = std::move(fed.reason);
    if (!rule.logsource->product.empty()) set_->schema_.want(field::kHostOsType);
  }
  compile_conditions(draft);
  if (draft.broken) return;
  const size_t errors_before = diagnostics_.errors();
  const bool vouched = rests_on_vouched(*draft.condition, draft.trust);
  check_response(rule, draft.kinds, vouched, diagnostics_);
  if (diagnostics_.errors() != errors_before) return;

  if (const std::string reason = why_not_run(rule); !reason.empty()) draft.inactive = reason;
  auto shared = std::make_shared<const Rule>(rule);
  if (!draft.inactive.empty()) {
    set_->inactive_.push_back({std::move(shared), std::move(draft.inactive)});
    return;
  }
  CompiledRule compiled;
  compiled.kinds = draft.kinds;
  compiled.vouched = vouched;
  compiled.silent = rule.feeds_only;
  if (rule.logsource) fold(rule.logsource->product, compiled.product);
  const size_t program_before = set_->program_.size();
  program_limit_ = program_before + kMaxInstructions;
  compiled.entry = emit(draft, static_cast<uint32_t>(draft.condition->nodes().size() - 1), kAccept, kReject);
  if (set_->program_.size() > program_limit_) {
    set_->program_.resize(program_before);
    report(Severity::kError, "D054", draft, rule.detection.span, "the rule is too large",
           "its condition names selections so often that it becomes more than " +
               std::to_string(kMaxInstructions) + " steps; split the rule");
    return;
  }
  kinds_of_term_.resize(set_->terms_.size());
  for (size_t at = program_before; at < set_->program_.size(); ++at) {
    KindSet& kinds = kinds_of_term_[set_->program_[at].term];
    kinds = kinds.with(draft.kinds);
  }
  compiled.digest = definition_digest(rule, document_);
  digests_.emplace(rule.id, compiled.digest);
  terms_needed_.push_back(keys_.choose(*draft.condition, draft.selections));
  compiled.rule = std::move(shared);
  set_->rules_.push_back(std::move(compiled));
}

void RuleCompiler::compile_selection(const Selection& selection, Draft& draft) {
  Alternatives& alternatives = draft.selections.emplace_back();
  SelectionTrust& trust = draft.trust.emplace_back();
  for (const auto& items : selection.alternatives) {
    compile_alternative(items, draft, alternatives, trust);
  }
  std::stable_sort(alternatives.begin(), alternatives.end(),
                   [&](const auto& a, const auto& b) { return cost_of(a) < cost_of(b); });
}

void RuleCompiler::compile_alternative(const std::vector<Item>& items, Draft& draft,
                                       Alternatives& alternatives, SelectionTrust& trust) {
  std::vector<uint32_t> terms;
  Term ancestors;
  bool vouched = false;
  for (const Item& written : items) {
    auto item = compile_item(written, draft);
    if (item == nullptr) continue;
    const std::optional<FieldId> id = item->field();
    vouched |= id && vouches(*id) && item->positive() && !item->asks_presence() && !item->matches_any_value();
    if (id && place_of(*id).subject == Subject::kAncestors) {
      ancestors.cost += item->cost();
      ancestors.items.push_back(std::move(item));
    } else {
      Term term;
      term.cost = item->cost();
      term.items.push_back(std::move(item));
      terms.push_back(add_term(std::move(term)));
    }
  }
  // A single item is that of any multi-valued field.
  ancestors.one_ancestor = ancestors.items.size() > 1;
  if (!ancestors.items.empty()) terms.push_back(add_term(std::move(ancestors)));
  std::stable_sort(terms.begin(), terms.end(),
                   [&](uint32_t a, uint32_t b) { return set_->terms_[a].cost < set_->terms_[b].cost; });
  alternatives.push_back(std::move(terms));
  trust.vouched_alternatives.push_back(vouched);
}

std::shared_ptr<const CompiledItem> RuleCompiler::compile_item(const Item& written, Draft& draft) {
  Item item = written;
  if (draft.sigma_taxonomy()) item = translate_sigma_item(item, draft.rule.logsource);
  std::optional<FieldId> id;
  if (!item.field.empty()) {
    id = resolve_field(item.field, item.span, draft);
    if (!id) return nullptr;
  }
  ItemContext context{
      set_->schema_, document_.lists, draft.file(), diagnostics_,
      [&](std::string_view name, const Span& span) { return resolve_field(name, span, draft); }};
  auto compiled = CompiledItem::compile(item, id, context);
  if (compiled == nullptr) {
    // A field reference to an unknown field makes an imported rule inactive, as any unknown field
    // does.
    draft.broken |= draft.inactive.empty();
    return nullptr;
  }
  if (compiled->matches_any_value()) warn_of_any_value(item, draft);
  return compiled;
}

void RuleCompiler::warn_of_any_value(const Item& item, const Draft& draft) {
  const bool responds = draft.rule.response && draft.rule.response->action != ResponseAction::kAlert;
  report(responds ? Severity::kError : Severity::kWarning, "D033", draft, item.span,
         "this matches every value that is present",
         "to ask whether the field is there, write `\"" + item.field + "|exists\" = true`");
}

std::optional<FieldId> RuleCompiler::resolve_field(std::string_view name, const Span& span, Draft& draft) {
  const std::string_view known = draft.sigma_taxonomy() ? translate_sigma_field(name) : name;
  const FieldLookup found = look_up_field(known, document_, set_->schema_);
  const std::optional<FieldId> id = found.id;
  if (found.full) {
    draft.broken = true;
    report(Severity::kError, "D055", draft, span,
           "the rules name more than " + std::to_string(Schema::kMaxFields) + " fields");
    return std::nullopt;
  }
  if (!id && draft.imported()) {
    if (draft.inactive.empty()) draft.inactive = "no source knows the field " + std::string(name);
    return std::nullopt;
  }
  if (!id) {
    draft.broken = true;
    std::string help = suggest_field(known);
    if (help.empty()) help = "declare it under [fields] if captures carry it";
    report(Severity::kError, "D051", draft, span, "unknown field `" + std::string(name) + "`", help);
    return std::nullopt;
  }
  const KindSet carriers = set_->schema_.info(*id).kinds;
  const KindSet never = draft.kinds.without(carriers);
  // A filter for any rule need not fit each of them.
  const bool must_fit = draft.filter == nullptr || !draft.filter->any_rule;
  if (must_fit && draft.rule.on == never && !draft.rule.on.empty()) {
    draft.broken = true;
    report(Severity::kError, "D050", draft, span,
           "field `" + std::string(name) + "` is not available for " + to_string(never) + " events",
           "it comes with " + to_string(carriers));
    return std::nullopt;
  }
  return id;
}

// `(rule) and (filter) and (filter)`, over the selections of all of them.
void RuleCompiler::compile_conditions(Draft& draft) {
  std::vector<Condition> conditions;
  const auto compile_detection = [&](const Detection& detection) {
    const auto first = static_cast<uint32_t>(draft.selections.size());
    for (const Selection& selection : detection.selections) compile_selection(selection, draft);
    if (const auto condition = compile_condition(detection, draft))
      conditions.push_back(condition->shifted(first));
  };
  compile_detection(draft.rule.detection);
  for (const auto& filter : draft.rule.filters) {
    draft.filter = filter.get();
    compile_detection(filter->detection);
  }
  draft.filter = nullptr;
  if (!draft.broken) draft.condition = Condition::all_of(conditions);
}

std::optional<Condition> RuleCompiler::compile_condition(const Detection& detection, Draft& draft) {
  std::vector<std::string> names;
  names.reserve(detection.selections.size());
  for (const Selection& selection : detection.selections) names.push_back(selection.name);
  std::vector<Condition> conditions;
  for (const Scalar& written : detection.conditions) {
    const std::string text = written.text() != nullptr ? *written.text() : std::string();
    auto parsed = Condition::parse(text, names);
    if (const auto* error = std::get_if<ConditionError>(&parsed)) {
      draft.broken = true;
      const Span span = draft.file() ? span_inside(*draft.file(), written.span, error->offset, error->length)
                                     : written.span;
      report(Severity::kError, error->code, draft, span, error->message, error->help);
      continue;
    }
    conditions.push_back(std::get<Condition>(std::move(parsed)));
  }
  if (!conditions.empty()) return Condition::any_of(conditions);
  draft.broken = true;
  return std::nullopt;
}

uint32_t RuleCompiler::add_term(Term term) {
  std::vector<std::string> keys;
  for (const auto& item : term.items) keys.push_back(item->key());
  std::sort(keys.begin(), keys.end());
  std::string key = term.one_ancestor ? "ancestor" : "";
  for (const std::string& part : keys) key += std::to_string(part.size()) + ":" + part;
  const auto [entry, fresh] =
      term_by_key_.try_emplace(std::move(key), static_cast<uint32_t>(set_->terms_.size()));
  if (fresh) set_->terms_.push_back(std::move(term));
  return entry->second;
}

int RuleCompiler::cost_of(const std::vector<uint32_t>& terms) const {
  // What an AND costs is mostly what its first term costs: it seldom holds.
  return terms.empty() ? 0 : set_->terms_[terms.front()].cost;
}

int RuleCompiler::cost_of(const Draft& draft, uint32_t node_index) const {
  const Condition::Node& node = draft.condition->nodes()[node_index];
  if (node.op == Condition::Op::kConstant) return 0;
  if (node.op == Condition::Op::kSelection) {
    int cost = 0;
    for (const auto& terms : draft.selections[node.selection]) cost += cost_of(terms);
    return cost;
  }
  int cost = node.op == Condition::Op::kAnd ? 1 << 20 : 0;
  for (const uint32_t child : node.children) {
    const int child_cost = cost_of(draft, child);
    cost = node.op == Condition::Op::kAnd ? std::min(cost, child_cost) : cost + child_cost;
  }
  return cost;
}

uint32_t RuleCompiler::emit_selection(const Alternatives& selection, uint32_t if_holds, uint32_t otherwise) {
  uint32_t entry = otherwise;
  for (auto terms = selection.rbegin(); terms != selection.rend(); ++terms) {
    if (set_->program_.size() > program_limit_) return kReject;
    const uint32_t next_alternative = entry;
    entry = if_holds;
    for (auto term = terms->rbegin(); term != terms->rend(); ++term) {
      set_->program_.push_back({.term = *term, .if_holds = entry, .otherwise = next_alternative});
      entry = static_cast<uint32_t>(set_->program_.size() - 1);
    }
  }
  return entry;
}

// Emits the instructions of a node behind those of whatever follows it, and returns where it
// begins.
uint32_t RuleCompiler::emit(const Draft& draft, uint32_t node_index, uint32_t if_holds, uint32_t otherwise) {
  const Condition::Node& node = draft.condition->nodes()[node_index];
  if (set_->program_.size() > program_limit_) return kReject;
  switch (node.op) {
    case Condition::Op::kConstant: return node.constant ? if_holds : otherwise;
    case Condition::Op::kNot: return emit(draft, node.children.front(), otherwise, if_holds);
    case Condition::Op::kSelection:
      return emit_selection(draft.selections[node.selection], if_holds, otherwise);
    case Condition::Op::kAnd:
    case Condition::Op::kOr: break;
  }
  std::vector<uint32_t> children = node.children;
  std::stable_sort(children.begin(), children.end(),
                   [&](uint32_t a, uint32_t b) { return cost_of(draft, a) < cost_of(draft, b); });
  const bool all = node.op == Condition::Op::kAnd;
  uint32_t entry = all ? if_holds : otherwise;
  for (auto child = children.rbegin(); child != children.rend(); ++child) {
    entry = all ? emit(draft, *child, entry, otherwise) : emit(draft, *child, if_holds, entry);
  }
  return entry;
}

void RuleCompiler::report(Severity severity, std::string code, const Draft& draft, const Span& span,
                          std::string message, std::string help) {
  Diagnostic diagnostic;
  diagnostic.code = std::move(code);
  diagnostic.severity = severity;
  diagnostic.file = draft.file();
  diagnostic.span = span;
  diagnostic.message = std::move(message);
  diagnostic.help = std::move(help);
  diagnostics_.add(std::move(diagnostic));
}

}  // namespace detectd

#include "engine/correlation_compiler.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "engine/response_check.h"
#include "engine/rule_digest.h"
#include "engine/rule_fields.h"
#include "engine/site_changes.h"
#include "engine/table_reader.h"

namespace detectd {

class CorrelationCompiler {
 public:
  CorrelationCompiler(const RuleDocument& document, RuleSet& set, std::map<std::string, Sha256>& digests,
                      Diagnostics& diagnostics)
      : document_(document), set_(set), digests_(digests), diagnostics_(diagnostics), names_(document) {}

  void compile();

 private:
  // A correlation of the document, with the rules it names as indices into document.rules.
  struct Draft {
    const Rule* rule = nullptr;
    std::vector<size_t> named = {};
    std::vector<size_t> waits_for_it = {};  // drafts
    size_t waits_for = 0;                   // how many drafts
    std::string inactive = {};
    bool broken = false;
  };
  // What an input's hits are.
  struct Source {
    const Rule* rule = nullptr;
    KindSet kinds;
    bool vouched = false;
    Sha256 digest{};
  };

  void collect();
  void resolve(Draft& draft);
  void compile_in_order();
  void compile(Draft& draft);
  bool add_input(Draft& draft, size_t named, CompiledCorrelation& compiled);
  bool add_sources(Draft& draft, const std::vector<std::string>& names, const CorrelationInput& input,
                   size_t named, std::vector<GroupSource>& sources);
  std::optional<GroupSource> find_source(Draft& draft, const std::string& name, const CorrelationInput& input,
                                         size_t named);
  std::optional<std::string> alias_field(Draft& draft, const std::string& name, size_t named);
  void check_aliases(Draft& draft);
  void check_target(Draft& draft, CompiledCorrelation& compiled);
  Source source_of(const CorrelationInput& input) const;
  bool silences(const Rule& correlation, const Rule& named) const;

  struct FieldUse {
    std::string_view name;
    bool sigma_taxonomy = false;
    bool imported = false;  // an unknown field makes the rule inactive
    KindSet kinds;
    Place place;
  };
  std::optional<FieldId> find_field(const FieldUse& use, std::string& inactive);

  void compile_suppress(CompiledRule& compiled);
  void compile_suppress(CompiledCorrelation& compiled);
  std::optional<CompiledSuppress> explicit_suppress(const Rule& rule, KindSet kinds,
                                                    const std::vector<std::string>& group_by);
  void connect();

  Reporter reporter(const Rule& rule) { return {rule.file, diagnostics_}; }

  const RuleDocument& document_;
  RuleSet& set_;
  std::map<std::string, Sha256>& digests_;
  Diagnostics& diagnostics_;
  RuleNames names_;
  std::vector<Draft> drafts_;                      // by id
  std::map<std::string_view, size_t> draft_of_;    // by id
  std::map<std::string_view, uint32_t> compiled_;  // active correlations by id
};

namespace {

bool responds(const Rule& rule) { return detectd::responds(rule.response); }

std::string called(const Rule& rule) { return "`" + (rule.name.empty() ? rule.id : rule.name) + "`"; }

}  // namespace

void CorrelationCompiler::compile() {
  collect();
  for (Draft& draft : drafts_) resolve(draft);
  compile_in_order();
  for (CompiledRule& rule : set_.rules_) compile_suppress(rule);
  for (CompiledCorrelation& correlation : set_.correlations_) compile_suppress(correlation);
  connect();
  std::sort(set_.inactive_.begin(), set_.inactive_.end(),
            [](const InactiveRule& a, const InactiveRule& b) { return a.rule->id < b.rule->id; });
}

void CorrelationCompiler::collect() {
  for (const Rule& rule : document_.rules) {
    if (rule.correlation) drafts_.push_back({.rule = &rule});
  }
  std::stable_sort(drafts_.begin(), drafts_.end(),
                   [](const Draft& a, const Draft& b) { return a.rule->id < b.rule->id; });
  for (size_t i = 0; i < drafts_.size(); ++i) draft_of_.emplace(drafts_[i].rule->id, i);
}

void CorrelationCompiler::resolve(Draft& draft) {
  draft.inactive = why_not_run(*draft.rule);
  for (const RuleReference& reference : draft.rule->correlation->rules) {
    const auto index = names_.find(reference, draft.rule->file, diagnostics_);
    if (!index) {
      draft.broken = true;
      continue;
    }
    if (std::find(draft.named.begin(), draft.named.end(), *index) != draft.named.end()) {
      reporter(*draft.rule).error("D080", reference.span, "`" + reference.text + "` is named twice");
      draft.broken = true;
      continue;
    }
    draft.named.push_back(*index);
    const Rule& named = document_.rules[*index];
    if (!named.correlation) continue;
    Draft& inner = drafts_[draft_of_.at(named.id)];
    inner.waits_for_it.push_back(static_cast<size_t>(&draft - drafts_.data()));
    ++draft.waits_for;
  }
}

void CorrelationCompiler::compile_in_order() {
  std::deque<size_t> ready;
  for (size_t i = 0; i < drafts_.size(); ++i) {
    if (drafts_[i].waits_for == 0) ready.push_back(i);
  }
  while (!ready.empty()) {
    Draft& draft = drafts_[ready.front()];
    ready.pop_front();
    compile(draft);
    for (const size_t waiting : draft.waits_for_it) {
      if (--drafts_[waiting].waits_for == 0) ready.push_back(waiting);
    }
  }
  for (const Draft& draft : drafts_) {
    if (draft.waits_for == 0) continue;
    reporter(*draft.rule)
        .error("D081", draft.rule->origin("rules").span,
               "the correlation waits for itself: it names one that leads back to it",
               "correlations may name others, but not in a circle");
  }
}

void CorrelationCompiler::compile(Draft& draft) {
  const Rule& rule = *draft.rule;
  CompiledCorrelation compiled;
  compiled.silent = rule.feeds_only;
  check_aliases(draft);
  std::vector<CorrelatedRule> named;
  for (const size_t index : draft.named) {
    if (!add_input(draft, index, compiled)) continue;
    const Source source = source_of(compiled.inputs.back());
    named.push_back({.digest = source.digest, .silenced = silences(rule, *source.rule)});
  }
  if (draft.broken) return;
  auto shared = std::make_shared<const Rule>(rule);
  if (!draft.inactive.empty()) {
    set_.inactive_.push_back({std::move(shared), std::move(draft.inactive)});
    return;
  }
  check_target(draft, compiled);
  if (draft.broken) return;
  compiled.rule = std::move(shared);
  compiled.digest = correlation_digest(rule, named);
  digests_.emplace(rule.id, compiled.digest);
  compiled_.emplace(compiled.rule->id, static_cast<uint32_t>(set_.correlations_.size()));
  set_.correlations_.push_back(std::move(compiled));
}

// False where the named rule does not run.
bool CorrelationCompiler::add_input(Draft& draft, size_t named, CompiledCorrelation& compiled) {
  const Rule& rule = document_.rules[named];
  CorrelationInput input;
  const auto active =
      std::lower_bound(set_.rules_.begin(), set_.rules_.end(), rule.id,
                       [](const CompiledRule& r, const std::string& id) { return r.rule->id < id; });
  const auto chained = compiled_.find(rule.id);
  if (active != set_.rules_.end() && active->rule->id == rule.id) {
    input.source = static_cast<uint32_t>(active - set_.rules_.begin());
  } else if (chained != compiled_.end()) {
    input.source = chained->second;
    input.is_correlation = true;
  } else {
    const bool inactive = std::any_of(set_.inactive_.begin(), set_.inactive_.end(),
                                      [&](const InactiveRule& r) { return r.rule->id == rule.id; });
    if (inactive && draft.inactive.empty())
      draft.inactive = "the rule " + called(rule) + " that it names is inactive";
    draft.broken |= !inactive;  // its own mistake has been told
    return false;
  }
  const bool found =
      add_sources(draft, draft.rule->correlation->group_by, input, named, input.group) &&
      add_sources(draft, draft.rule->correlation->condition.fields, input, named, input.values);
  if (found) compiled.inputs.push_back(std::move(input));
  return found;
}

bool CorrelationCompiler::add_sources(Draft& draft, const std::vector<std::string>& names,
                                      const CorrelationInput& input, size_t named,
                                      std::vector<GroupSource>& sources) {
  for (const std::string& name : names) {
    const auto source = find_source(draft, name, input, named);
    if (!source) return false;
    sources.push_back(*source);
  }
  return true;
}

std::optional<GroupSource> CorrelationCompiler::find_source(Draft& draft, const std::string& name,
                                                            const CorrelationInput& input, size_t named) {
  const Rule& rule = *draft.rule;
  const std::optional<std::string> field = alias_field(draft, name, named);
  if (!field) return std::nullopt;
  const Source source = source_of(input);
  if (input.is_correlation) {
    const auto& inner = source.rule->correlation->group_by;
    const auto group = std::find(inner.begin(), inner.end(), *field);
    if (group != inner.end()) return GroupSource{.group = static_cast<uint32_t>(group - inner.begin())};
  }
  const bool grouping = std::find(rule.correlation->group_by.begin(), rule.correlation->group_by.end(),
                                  name) != rule.correlation->group_by.end();
  const auto id = find_field({.name = *field,
                              .sigma_taxonomy = rule.sigma_taxonomy || source.rule->sigma_taxonomy,
                              .imported = source.rule->logsource.has_value(),
                              .kinds = source.kinds,
                              .place = rule.origin(grouping ? "group-by" : "condition")},
                             draft.inactive);
  if (!id) {
    draft.broken |= draft.inactive.empty();
    return std::nullopt;
  }
  return GroupSource{.field = *id};
}

// What `name` is called in the events of a rule; nothing, and a mistake, where the alias lacks that rule.
std::optional<std::string> CorrelationCompiler::alias_field(Draft& draft, const std::string& name,
                                                            size_t named) {
  const Rule& rule = document_.rules[named];
  for (const CorrelationAlias& alias : draft.rule->correlation->aliases) {
    if (alias.name != name) continue;
    for (const CorrelationAlias::Field& field : alias.fields) {
      if (field.rule.text == rule.id || field.rule.text == rule.name) return field.field;
    }
    reporter(*draft.rule)
        .error("D083", alias.span,
               "the alias `" + name + "` does not say what it is in the events of " + called(rule),
               "name a field for each rule of the correlation");
    draft.broken = true;
    return std::nullopt;
  }
  return name;
}

void CorrelationCompiler::check_aliases(Draft& draft) {
  const Correlation& correlation = *draft.rule->correlation;
  const auto uses = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const CorrelationAlias& alias : correlation.aliases) {
    if (!uses(correlation.group_by, alias.name) && !uses(correlation.condition.fields, alias.name)) {
      reporter(*draft.rule)
          .error("D083", alias.span, "nothing uses the alias `" + alias.name + "`",
                 "name it in `group-by`, or leave it out");
      draft.broken = true;
    }
    for (const CorrelationAlias::Field& field : alias.fields) {
      const bool named = std::any_of(draft.named.begin(), draft.named.end(), [&](size_t index) {
        const Rule& rule = document_.rules[index];
        return field.rule.text == rule.id || field.rule.text == rule.name;
      });
      if (named || draft.broken) continue;
      reporter(*draft.rule)
          .error("D083", field.rule.span,
                 "`" + field.rule.text + "` is not one of the rules of this correlation");
      draft.broken = true;
    }
  }
}

CorrelationCompiler::Source CorrelationCompiler::source_of(const CorrelationInput& input) const {
  if (input.is_correlation) {
    const CompiledCorrelation& source = set_.correlations_[input.source];
    return {source.rule.get(), source.kinds, source.vouched, source.digest};
  }
  const CompiledRule& source = set_.rules_[input.source];
  return {source.rule.get(), source.kinds, source.vouched, digests_.at(source.rule->id)};
}

// Settles at which events it can hold, and D120 to D122 with that.
void CorrelationCompiler::check_target(Draft& draft, CompiledCorrelation& compiled) {
  const Rule& rule = *draft.rule;
  const Correlation& correlation = *rule.correlation;
  const bool ordered = correlation.type == CorrelationType::kTemporalOrdered;
  const bool ends_with_last = ordered && correlation.condition.bounds.empty();
  compiled.vouched = true;
  for (size_t i = ends_with_last ? compiled.inputs.size() - 1 : 0; i < compiled.inputs.size(); ++i) {
    const Source source = source_of(compiled.inputs[i]);
    for (size_t kind = 0; kind < kEventKindCount; ++kind) {
      if (source.kinds.has(static_cast<EventKind>(kind))) compiled.kinds.add(static_cast<EventKind>(kind));
    }
    compiled.vouched = compiled.vouched && source.vouched;
  }
  if (!responds(rule)) return;
  const size_t errors_before = diagnostics_.errors();
  const std::string& target = rule.response->target;
  if (target == "process" || target == "parent") {
    check_response(rule, compiled.kinds, compiled.vouched, diagnostics_);
  } else {
    const auto input = std::find_if(draft.named.begin(), draft.named.end(), [&](size_t index) {
      return document_.rules[index].id == target || document_.rules[index].name == target;
    });
    if (ordered && input != draft.named.end()) {
      const Source source = source_of(compiled.inputs[static_cast<size_t>(input - draft.named.begin())]);
      check_response(rule, source.kinds, source.vouched, diagnostics_);
    } else {
      const Place place = rule.origin("response");
      Reporter(place.file, diagnostics_)
          .error("D021", place.span, "`" + target + "` is not a target",
                 "process, parent or, with `type = \"temporal_ordered\"`, one of the rules that it names");
    }
  }
  draft.broken |= diagnostics_.errors() != errors_before;
}

bool CorrelationCompiler::silences(const Rule& correlation, const Rule& named) const {
  if (responds(named)) return false;
  return !correlation.correlation->generate.value_or(correlation.file != named.file);
}

std::optional<FieldId> CorrelationCompiler::find_field(const FieldUse& use, std::string& inactive) {
  const std::string_view known = use.sigma_taxonomy ? translate_sigma_field(use.name) : use.name;
  const FieldLookup found = look_up_field(known, document_, set_.schema_);
  Reporter report(use.place.file, diagnostics_);
  const std::string name(use.name);
  if (found.full) {
    report.error("D055", use.place.span,
                 "the rules name more than " + std::to_string(Schema::kMaxFields) + " fields");
    return std::nullopt;
  }
  if (!found.id && use.imported) {
    if (inactive.empty()) inactive = "no source knows the field " + name;
    return std::nullopt;
  }
  if (!found.id) {
    std::string help = suggest_field(known);
    if (help.empty()) help = "declare it under [fields] if captures carry it";
    report.error("D051", use.place.span, "unknown field `" + name + "`", help);
    return std::nullopt;
  }
  const KindSet carriers = set_.schema_.info(*found.id).kinds;
  if (use.kinds.without(carriers) == use.kinds) {
    report.error("D050", use.place.span,
                 "field `" + name + "` is not available for " + to_string(use.kinds) + " events",
                 "it comes with " + to_string(carriers));
    return std::nullopt;
  }
  set_.schema_.want(*found.id);
  return found.id;
}

void CorrelationCompiler::compile_suppress(CompiledRule& compiled) {
  if (const auto suppress = explicit_suppress(*compiled.rule, compiled.kinds, {}))
    compiled.suppress = *suppress;
}

void CorrelationCompiler::compile_suppress(CompiledCorrelation& compiled) {
  const Correlation& correlation = *compiled.rule->correlation;
  if (const auto suppress = explicit_suppress(*compiled.rule, compiled.kinds, correlation.group_by)) {
    compiled.suppress = *suppress;
    return;
  }
  if (compiled.rule->suppress || responds(*compiled.rule)) return;
  compiled.suppress.for_ns = correlation.timespan_ns;
  for (uint32_t i = 0; i < correlation.group_by.size(); ++i) compiled.suppress.by.push_back({.group = i});
}

// Nothing where none is written, where it has a mistake, and for a rule that responds.
std::optional<CompiledSuppress> CorrelationCompiler::explicit_suppress(
    const Rule& rule, KindSet kinds, const std::vector<std::string>& group_by) {
  if (!rule.suppress || responds(rule)) return std::nullopt;
  CompiledSuppress suppress;
  suppress.for_ns = rule.suppress->for_ns;
  for (const std::string& name : rule.suppress->by) {
    const auto group = std::find(group_by.begin(), group_by.end(), name);
    if (group != group_by.end()) {
      suppress.by.push_back({.group = static_cast<uint32_t>(group - group_by.begin())});
      continue;
    }
    std::string inactive;
    const auto id = find_field({.name = name,
                                .sigma_taxonomy = rule.sigma_taxonomy,
                                .imported = false,
                                .kinds = kinds,
                                .place = rule.origin("suppress")},
                               inactive);
    if (!id) return std::nullopt;
    suppress.by.push_back({.field = *id});
  }
  return suppress;
}

// Tells the rules whose input they are, and which of them fall silent.
void CorrelationCompiler::connect() {
  set_.feeds_of_rule_.resize(set_.rules_.size());
  set_.feeds_of_correlation_.resize(set_.correlations_.size());
  for (uint32_t i = 0; i < set_.correlations_.size(); ++i) {
    const CompiledCorrelation& correlation = set_.correlations_[i];
    for (uint32_t input = 0; input < correlation.inputs.size(); ++input) {
      const CorrelationInput& named = correlation.inputs[input];
      const bool silent = silences(*correlation.rule, *source_of(named).rule);
      auto& feeds = named.is_correlation ? set_.feeds_of_correlation_ : set_.feeds_of_rule_;
      feeds[named.source].push_back({.correlation = i, .input = input});
      (named.is_correlation ? set_.correlations_[named.source].silent : set_.rules_[named.source].silent) |=
          silent;
    }
  }
}

void compile_correlations(const RuleDocument& document, RuleSet& set, std::map<std::string, Sha256>& digests,
                          Diagnostics& diagnostics) {
  CorrelationCompiler(document, set, digests, diagnostics).compile();
}

}  // namespace detectd

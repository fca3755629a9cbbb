#include "src/detectctl/sigma/sigma_import.h"

#include <array>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "engine/correlation_parser.h"
#include "engine/escape.h"
#include "engine/rule_parser.h"
#include "engine/rule_set.h"
#include "engine/rule_table.h"
#include "engine/rule_writer.h"
#include "engine/site_parser.h"
#include "src/detectctl/sigma/declared_fields.h"
#include "src/detectctl/sigma/sigma_collection.h"
#include "src/detectctl/sigma/sigma_document.h"
#include "src/detectctl/sigma/yaml_tree.h"

namespace detectd {
namespace {

constexpr std::string_view kHeader = "# Imported from ";
constexpr std::string_view kListsHeader = "# Imported lists";

using Converted = std::variant<Rule, Filter>;

struct InputFile {
  const SigmaFile* file;
  std::vector<YamlValue> documents;
  std::vector<Converted> converted;
};

// Whether a rule compiles. Warnings are not of interest here: `check` tells them.
bool compiles(const Rule& rule, const std::map<std::string, ListDefinition>& lists, SigmaImport& import) {
  RuleDocument document;
  document.lists = lists;
  NamedFields fields;
  collect_unknown_fields(rule, fields);
  for (const std::string& name : fields.names) document.fields.emplace(name, FieldDefinition{});
  document.rules.push_back(rule);
  Diagnostics diagnostics;
  const auto set = RuleSet::compile(document, diagnostics);
  if (diagnostics.errors() == 0) {
    for (const InactiveRule& inactive : set->inactive()) ++import.inactive_reasons[inactive.reason];
    import.inactive += set->inactive().size();
    return true;
  }
  for (Diagnostic diagnostic : diagnostics.all()) {
    if (diagnostic.severity != Severity::kError) continue;
    if (diagnostic.code == "D038") diagnostic.help = "give its values: --list NAME=FILE";
    import.diagnostics.add(std::move(diagnostic));
  }
  return false;
}

// A filter's detection as that of a rule, to be compiled.
Rule rule_of(const Filter& filter) {
  Rule rule;
  rule.id = filter.id;
  rule.file = filter.file;
  rule.span = filter.span;
  rule.on = KindSet::all();
  if (filter.logsource) {
    rule.on = {};
    rule.logsource = filter.logsource;
  }
  rule.sigma_taxonomy = filter.sigma_taxonomy;
  rule.detection = filter.detection;
  return rule;
}

class Importer {
 public:
  Importer(const std::vector<SigmaFile>& files, const std::map<std::string, ListDefinition>& lists)
      : files_(files), lists_(lists) {}

  SigmaImport run() {
    for (const SigmaFile& file : files_) read(file);
    note_names();
    for (InputFile& input : inputs_) {
      for (const YamlValue& document : input.documents) convert(input, document);
    }
    for (const InputFile& input : inputs_) {
      if (!input.converted.empty()) keep(input, write(input));
    }
    return std::move(import_);
  }

 private:
  void read(const SigmaFile& file) {
    InputFile& input = inputs_.emplace_back();
    input.file = &file;
    YamlFile parsed = parse_yaml(file.source);
    if (parsed.mistake) {
      import_.diagnostics.add(*std::move(parsed.mistake));
      ++import_.refused;
    } else if (parsed.documents.empty()) {
      Reporter(file.source, import_.diagnostics).error("D604", {}, "the file holds no document");
      ++import_.refused;
    }
    Reporter reporter(file.source, import_.diagnostics);
    input.documents = merge_collection(reporter, std::move(parsed.documents));
    import_.refused += reporter.errors();
  }

  // A correlation or filter may name a rule whose name is none here.
  void note_names() {
    for (const InputFile& input : inputs_) {
      for (const YamlValue& document : input.documents) {
        const YamlMember* const name = document.find("name");
        if (name != nullptr && name->value.is_scalar() && !is_rule_name(name->value.text))
          ids_by_name_.emplace(name->value.text, sigma_id(document));
      }
    }
  }

  void convert(InputFile& input, const YamlValue& document) {
    Reporter reporter(input.file->source, import_.diagnostics);
    auto table = convert_sigma_document(reporter, document, ids_by_name_);
    std::optional<Converted> converted;
    if (table) converted = parse(reporter, *table);
    if (!converted || !is_unique(reporter, *converted) || !check(*converted)) {
      ++import_.refused;
      return;
    }
    if (const Rule* rule = std::get_if<Rule>(&*converted)) {
      collect_unknown_fields(*rule, fields_);
    } else {
      collect_unknown_fields(std::get<Filter>(*converted), fields_);
    }
    input.converted.push_back(*std::move(converted));
  }

  // Warnings of the parser are dropped: those who load the rules get them.
  static std::optional<Converted> parse(Reporter& reporter, const SigmaTable& table) {
    Diagnostics diagnostics;
    Reporter quiet(reporter.file(), diagnostics);
    std::optional<Converted> converted;
    if (table.kind == SigmaKind::kFilter) {
      if (auto filter = parse_filter_table(quiet, table.table)) converted = *std::move(filter);
    } else if (table.kind == SigmaKind::kCorrelation) {
      if (auto correlation = parse_correlation_table(quiet, table.table)) converted = *std::move(correlation);
    } else if (auto rule = parse_rule_table(quiet, table.table)) {
      converted = *std::move(rule);
    }
    for (const Diagnostic& diagnostic : diagnostics.all()) {
      if (diagnostic.severity == Severity::kError) reporter.add(diagnostic);
    }
    return converted;
  }

  bool is_unique(Reporter& reporter, const Converted& converted) {
    const Rule* const rule = std::get_if<Rule>(&converted);
    if (rule == nullptr) return true;
    for (const auto& [key, text] : {std::pair{"id", &rule->id}, {"name", &rule->name}}) {
      if (text->empty()) continue;
      const auto place = rule->keys.find(key);
      const Note here{reporter.file(), place == rule->keys.end() ? rule->span : place->second, "first used"};
      const auto [earlier, added] = first_uses_.emplace(std::string(key) + " " + *text, here);
      if (added) continue;
      reporter.error("D022", here.span, std::string("two rules have the ") + key + " `" + *text + "`", "",
                     {earlier->second});
      return false;
    }
    return true;
  }

  bool check(const Converted& converted) {
    if (const Rule* rule = std::get_if<Rule>(&converted))
      return rule->correlation || compiles(*rule, lists_, import_);
    SigmaImport ignored;
    const bool good = compiles(rule_of(std::get<Filter>(converted)), lists_, ignored);
    for (const Diagnostic& diagnostic : ignored.diagnostics.all()) import_.diagnostics.add(diagnostic);
    return good;
  }

  void keep(const InputFile& input, ImportedFile file) {
    if (file.text.size() > kMaxRuleFileBytes) {
      Reporter(input.file->source, import_.diagnostics)
          .error("D601", {}, "the file would become larger than 8 MiB", "split it");
      import_.refused += input.converted.size();
      return;
    }
    import_.files.push_back(std::move(file));
    for (const Converted& converted : input.converted) {
      const Rule* const rule = std::get_if<Rule>(&converted);
      ++(rule == nullptr ? import_.filters : rule->correlation ? import_.correlations : import_.rules);
    }
  }

  ImportedFile write(const InputFile& input) const {
    ImportedFile file;
    file.name = input.file->name.substr(0, input.file->name.rfind('.')) + ".toml";
    file.text = std::string(kHeader) + escape_text(input.file->name) +
                " by detectctl import sigma; a new import overwrites this file.\n\n";
    NamedFields named;
    std::string rules;
    for (const Converted& converted : input.converted) {
      if (!rules.empty()) rules += '\n';
      if (const Rule* rule = std::get_if<Rule>(&converted)) {
        collect_unknown_fields(*rule, named);
        rules += write_rule(*rule);
      } else {
        collect_unknown_fields(std::get<Filter>(converted), named);
        rules += write_filter(std::get<Filter>(converted));
      }
    }
    // A type is the same in all files, as it must be where they are loaded together.
    std::map<std::string, FieldDefinition> fields;
    for (const std::string& name : named.names) {
      FieldDefinition& field = fields[name];
      field.type = fields_.compared.contains(name) ? FieldType::kReal : FieldType::kText;
    }
    if (!fields.empty()) file.text += write_fields(fields) + '\n';
    file.text += rules;
    return file;
  }

  const std::vector<SigmaFile>& files_;
  const std::map<std::string, ListDefinition>& lists_;
  SigmaImport import_;
  std::vector<InputFile> inputs_;
  std::map<std::string, std::string> ids_by_name_;
  std::map<std::string, Note> first_uses_;
  NamedFields fields_;
};

}  // namespace

SigmaImport import_sigma(const std::vector<SigmaFile>& files,
                         const std::map<std::string, ListDefinition>& lists) {
  return Importer(files, lists).run();
}

ImportedFile write_import_lists(const std::map<std::string, ListDefinition>& lists) {
  return {.name = "_lists.toml",
          .text = std::string(kListsHeader) +
                  " of detectctl import sigma; a new import overwrites this file.\n\n" + write_lists(lists)};
}

bool is_imported_text(std::string_view text) {
  return text.starts_with(kHeader) || text.starts_with(kListsHeader);
}

}  // namespace detectd

// detectctl import sigma: Sigma's YAML to rule files.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "engine/json_writer.h"
#include "src/detectctl/check_report.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/sigma/sigma_import.h"
#include "src/detectctl/sigma/yaml_tree.h"
#include "src/log.h"
#include "src/rule_files.h"
#include "src/text.h"

namespace detectd {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxListBytes = 1 << 20;

struct ImportOptions {
  std::string output;
  std::vector<std::string> lists;
  bool json = false;
};

constexpr std::string_view kGroup = "Options";

constexpr OptionRow kTable[] = {
    {.group = kGroup,
     .letter = 'o',
     .name = "output",
     .value = "DIR",
     .help = "where the converted files go; made if needed",
     .manual = "Write the converted files below\n"
               ".Ar DIR ,\n"
               "in a tree like that of the input.\n"
               "It is made if it is not there.\n"
               "A file that an import wrote is overwritten, any other is left as it is.\n",
     .apply = assign<&ImportOptions::output>},
    {.group = kGroup,
     .name = "list",
     .value = "NAME=FILE",
     .repeatable = true,
     .help = "values of the placeholder %NAME%, one a line",
     .manual = "The values that stand for\n"
               ".Li %NAME% ,\n"
               "one a line; blank lines and those that begin with\n"
               ".Sq #\n"
               "are left out.\n"
               "May be given for several names.\n"
               "The lists are written to\n"
               ".Pa _lists.toml .\n",
     .apply = append<&ImportOptions::lists>},
    {.group = kGroup,
     .name = "json",
     .help = "a JSON object a mistake, and one for the summary",
     .manual = "Print each mistake as a JSON object on a line of its own, and a summary as the last.\n",
     .apply = enable<&ImportOptions::json>},
};

using Lists = std::map<std::string, ListDefinition>;

Result<ListDefinition> read_list(const std::string& path) {
  const auto read = read_files({path}, {.extensions = {}, .max_bytes = kMaxListBytes});
  if (!read) return read.error();
  if (read->empty()) return Error{Errc::kUsage, "the list " + detectd::quoted(path) + " is a directory"};
  const SourcePtr& file = read->front();
  if (file->text.size() > kMaxListBytes)
    return Error{Errc::kFull, "the list " + detectd::quoted(path) + " is larger than 1 MiB"};
  ListDefinition list;
  list.file = file;
  for (uint32_t line = 1; line <= std::count(file->text.begin(), file->text.end(), '\n') + 1; ++line) {
    const std::string_view text = source_line(*file, line);
    if (text.empty() || text.starts_with('#')) continue;
    list.values.push_back(
        {.value = std::string(text),
         .span = {.line = line, .column = 1, .length = static_cast<uint32_t>(text.size())}});
  }
  if (list.values.empty()) return Error{Errc::kUsage, "the list " + detectd::quoted(path) + " is empty"};
  return list;
}

Result<Lists> read_lists(const std::vector<std::string>& options) {
  Lists lists;
  for (const std::string& option : options) {
    const size_t equals = option.find('=');
    if (equals == 0 || equals == std::string::npos)
      return Error{Errc::kUsage, "--list: " + detectd::quoted(option) + " is not NAME=FILE"};
    auto list = read_list(option.substr(equals + 1));
    if (!list) return list.error();
    if (!lists.emplace(option.substr(0, equals), *std::move(list)).second)
      return Error{Errc::kUsage, "--list: " + detectd::quoted(option.substr(0, equals)) + " is given twice"};
  }
  return lists;
}

// The files of a path, with their names below it.
Status add_files(const std::string& path, std::vector<SigmaFile>& files) {
  auto read = read_files({path}, {.extensions = {".yml", ".yaml"}, .max_bytes = kMaxYamlFileBytes});
  if (!read) return read.error();
  std::error_code error;
  const bool directory = fs::is_directory(path, error);
  for (SourcePtr& source : *read) {
    const fs::path file = source->path;
    const fs::path name = directory ? file.lexically_relative(path) : file.filename();
    files.push_back({.source = std::move(source), .name = name.string()});
  }
  return {};
}

bool may_write(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) return true;
  std::ifstream file(path, std::ios::binary);
  std::string begin(64, '\0');
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  return is_imported_text(begin.substr(0, static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0))));
}

// Either the whole file is there, or what was there before.
Status write_whole(const fs::path& path, const std::string& text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error)
    return Error{Errc::kSystem,
                 "make " + detectd::quoted(path.parent_path().string()) + ": " + error.message()};
  fs::path partial = path;
  partial += ".part";
  std::ofstream file(partial, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) {
    const int number = errno;
    fs::remove(partial, error);
    return Error{Errc::kSystem, "write " + detectd::quoted(partial.string()) + ": " +
                                    std::generic_category().message(number)};
  }
  fs::rename(partial, path, error);
  if (error) return Error{Errc::kSystem, "write " + detectd::quoted(path.string()) + ": " + error.message()};
  return {};
}

void refuse_file(SigmaImport& import, const fs::path& path, std::string message, std::string help) {
  Diagnostic diagnostic;
  diagnostic.code = "D606";
  diagnostic.file = std::make_shared<const SourceFile>(SourceFile{path.string(), ""});
  diagnostic.message = std::move(message);
  diagnostic.help = std::move(help);
  import.diagnostics.add(std::move(diagnostic));
  ++import.refused;
}

Result<size_t> write_files(const std::string& directory, SigmaImport& import) {
  std::set<std::string> names;
  size_t written = 0;
  for (const ImportedFile& file : import.files) {
    const fs::path path = fs::path(directory) / file.name;
    if (!names.insert(file.name).second) {
      refuse_file(import, path, "two files of the input would be written here",
                  "import them into directories of their own");
    } else if (!may_write(path)) {
      refuse_file(import, path, "this file is there, and no import wrote it", "move it, or write elsewhere");
    } else if (Status status = write_whole(path, file.text); !status) {
      return std::move(status).error();
    } else {
      ++written;
    }
  }
  return written;
}

std::string summary_text(const SigmaImport& import, size_t written, const std::string& directory) {
  std::string text = "imported " + plural(import.rules, "rule");
  if (import.correlations != 0) text += ", " + plural(import.correlations, "correlation");
  if (import.filters != 0) text += ", " + plural(import.filters, "filter");
  text += " into " + plural(written, "file") + " below " + detectd::quoted(directory);
  if (import.refused != 0) text += "; refused " + plural(import.refused, "document");
  text += '\n';
  if (import.inactive != 0) {
    text += plural(import.inactive, "rule") +
            " will be inactive: this version has no source for their events or fields\n";
  }
  return text;
}

std::string summary_json(const SigmaImport& import, size_t written) {
  JsonWriter json;
  json.begin_object();
  json.member("type", "summary");
  for (const auto& [name, number] : {std::pair{"files", written},
                                     {"rules", import.rules},
                                     {"correlations", import.correlations},
                                     {"filters", import.filters},
                                     {"refused", import.refused},
                                     {"inactive", import.inactive}}) {
    json.member_number(name, static_cast<int64_t>(number));
  }
  json.key("inactive_reasons");
  json.begin_object();
  for (const auto& [reason, rules] : import.inactive_reasons)
    json.member_number(reason, static_cast<int64_t>(rules));
  json.end_object();
  json.end_object();
  return json.text() + '\n';
}

void report(const ImportOptions& options, Call& call, SigmaImport& import, size_t written) {
  import.diagnostics.sort();
  if (options.json) {
    for (const Diagnostic& diagnostic : import.diagnostics.all()) call.output.write(mistake_json(diagnostic));
    call.output.write(summary_json(import, written));
    return;
  }
  log::show(import.diagnostics);
  if (!call.common.quiet) call.output.write(summary_text(import, written, options.output));
}

ExitStatus import_files(const ImportOptions& options, Call& call) {
  if (options.output.empty()) return fail_usage(call, "where to? --output DIR says so");
  if (call.arguments.empty())
    return fail_usage(call, "which files? name Sigma files, or directories of them");
  const auto lists = read_lists(options.lists);
  if (!lists) return fail(lists.error());
  std::vector<SigmaFile> files;
  for (const std::string& path : call.arguments) {
    if (Status status = add_files(path, files); !status) return fail(status.error());
  }
  if (files.empty()) return fail({Errc::kInput, "no *.yml and no *.yaml there"});

  SigmaImport import = import_sigma(files, *lists);
  if (!lists->empty()) import.files.push_back(write_import_lists(*lists));
  const auto written = write_files(options.output, import);
  if (!written) return fail(written.error());
  report(options, call, import, *written);
  if (import.refused == 0) return ExitStatus::kDone;
  const bool nothing = import.rules + import.correlations + import.filters == 0;
  return nothing ? ExitStatus::kInput : ExitStatus::kIncomplete;
}

}  // namespace

constexpr Command kImportSigmaCommand = {
    .name = "import sigma",
    .arguments = "PATH...",
    .summary = "convert Sigma rules to rules of detectd",
    .manual =
        "Convert Sigma files\n"
        ".Pq YAML ,\n"
        "and all\n"
        ".Pa *.yml\n"
        "and\n"
        ".Pa *.yaml\n"
        "below directories, to rule files that mean the same: rules, correlations and filters, several "
        "documents\n"
        "in a file and collections\n"
        ".Pq Sq action: global\n"
        "among them.\n"
        "Nothing is lost: what has no key in\n"
        ".Xr detectd-rules 5\n"
        "stands in\n"
        ".Sq [rule.custom] ,\n"
        "and fields that only the logs of Windows or of\n"
        ".Xr auditd 8\n"
        "have are declared in\n"
        ".Sq [fields] .\n"
        "The same input gives the same output, byte for byte.\n"
        ".Pp\n"
        "What is written has been checked and will load.\n"
        "A document that can not be converted is refused with its place and the reason: a placeholder "
        "without a\n"
        "list, a regex with look-around, an aggregation of old.\n"
        "A document without\n"
        ".Sq id\n"
        "gets one made of its name or title, one without\n"
        ".Sq level\n"
        "is\n"
        ".Sq medium ,\n"
        "one without\n"
        ".Sq status\n"
        ".Sq experimental .\n"
        "Plain scalars are read as YAML 1.2 does where YAML 1.1 agrees; what they dispute\n"
        ".Pq yes, 0042, 1e3\n"
        "is text.\n"
        ".Pp\n"
        "The exit status is 6 if a document was refused and 4 if all were.\n",
    .options = kTable,
    .run = run_command<ImportOptions, import_files>,
};

}  // namespace detectd

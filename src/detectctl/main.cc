// detectctl: for those who write rules and those who run detectd. See detectctl(1).
#include "src/detectctl/commands.h"
#include "src/program.h"

namespace detectd {
namespace {

ExitStatus run(const std::vector<std::string>& words, Output& output) {
  if (words.empty()) {
    return fail({Errc::kUsage, "what is to be done? detectctl --help lists the commands"});
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    output.write(help_of_commands());
    return ExitStatus::kDone;
  }
  if (words[0] == "--version" || words[0] == "-V") {
    output.write("detectctl " DETECTD_VERSION "\n");
    return ExitStatus::kDone;
  }
  size_t length = 0;
  const auto command = find_command(words, length);
  if (!command) return fail(command.error());
  const auto name_end = words.begin() + static_cast<std::ptrdiff_t>(length);
  return (*command)->run(**command, {name_end, words.end()}, output);
}

}  // namespace
}  // namespace detectd

int main(int argc, char** argv) { return detectd::run_program(argc, argv, detectd::run); }

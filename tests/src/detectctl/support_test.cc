#include <catch2/catch.hpp>

#include "src/detectctl/support_redaction.h"
#include "src/detectctl/tar.h"

namespace detectd {

TEST_CASE("TRUST 107: of a URL scheme and host are left in a support bundle", "[support]") {
  struct Case {
    const char* in;
    const char* want;
  };
  const Case cases[] = {
      {"nothing here", "nothing here"},
      {"https://alerts.example", "https://alerts.example"},
      {"to https://hooks.example/services/T0/B0/secret failed", "to https://hooks.example/(left out) failed"},
      {"\"https://user:pa:ss@host.example:8443/x?key=1#f\",", "\"https://host.example:8443/(left out)\","},
      {"https://key@host", "https://host/(left out)"},
      {"a://b/c d://e/f", "a://b/(left out) d://e/(left out)"},
      {"https://host?token=1", "https://host/(left out)"},
      {"://", "://"},
      {"https://a@b@c/", "https://c/(left out)"},
  };
  for (const Case& one : cases) CHECK(without_url_secrets(one.in) == one.want);
}

TEST_CASE("TRUST 107: of alerts a support bundle has type, level and times, and nothing else", "[support]") {
  CHECK(without_config_secrets(
            "[store]\npath = \"/x\"  # default\n\n[[alert]]\ntype = \"webhook\"  # a:1\n"
            "url = \"https://h/secret\"  # a:2\nheaders = [\"Authorization: Bearer 1\",\n"
            "  \"level = 2\"]\nlevel = \"high\"  # a:4\ncommand = [\"/bin/x\", \"secret\"]\n\n"
            "[[alert]]\ntype = \"journal\"\n") ==
        "[store]\npath = \"/x\"  # default\n\n[[alert]]\ntype = \"webhook\"  # a:1\nurl = \"(left out)\"\n"
        "headers = \"(left out)\"\nlevel = \"high\"  # a:4\ncommand = \"(left out)\"\n\n[[alert]]\ntype = "
        "\"journal\"\n");
}

TEST_CASE("TRUST 107: hits and quoted arguments among the messages of a journal are left out", "[support]") {
  CHECK(without_event_text(
            "2026-11-22T10:00:00+0000 web01 detectd[7]: note: watching with 115 rules; 0 hits\n"
            "2026-11-22T10:00:01+0000 web01 detectd[7]: 2026-11-22T10:00:01Z high web_shell nc --password=x\n"
            "2026-11-22T10:00:01+0000 web01 detectd[7]: {\"type\":\"hit\",\"id\":\"1\"}\n"
            "2026-11-22T10:00:02+0000 web01 detectd[7]: warning: the process changed its arguments after its "
            "exec; now "
            "they are: x\n"
            "2026-11-22T10:00:03+0000 web01 detectd[7]: error: webhook https://h/key: refused\n"
            "2026-11-22T10:00:04+0000 web01 systemd[1]: Stopped detectd.\n") ==
        "2026-11-22T10:00:00+0000 web01 detectd[7]: note: watching with 115 rules; 0 hits\n"
        "2026-11-22T10:00:03+0000 web01 detectd[7]: error: webhook https://h/(left out) refused\n"
        "2026-11-22T10:00:04+0000 web01 systemd[1]: Stopped detectd.\n");
}

TEST_CASE("an archive is made of whole blocks, each header with its sum", "[support]") {
  TarWriter tar(1'795'348'800);
  tar.add("a/empty", "");
  tar.add("a/text", std::string(513, 'x'));
  const std::string archive = tar.take();
  REQUIRE(archive.size() == 512 + 512 + 1024 + 1024);
  for (const size_t at : {size_t{0}, size_t{512}}) {
    unsigned sum = 0;
    for (size_t i = 0; i < 512; ++i) {
      const bool own = i >= 148 && i < 156;
      sum += own ? ' ' : static_cast<unsigned char>(archive[at + i]);
    }
    CHECK(std::stoul(archive.substr(at + 148, 6), nullptr, 8) == sum);
    CHECK(archive.substr(at + 257, 5) == "ustar");
  }
  CHECK(archive.substr(512 + 124, 11) == "00000001001");
  CHECK(archive.substr(archive.size() - 1024) == std::string(1024, '\0'));
}

}  // namespace detectd

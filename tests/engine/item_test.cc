#include "engine/item.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/escape.h"
#include "engine/timestamp.h"
#include "tests/support/items.h"

using namespace detectd;
using namespace detectd::test;

namespace {

struct Case {
  const char* key;
  std::vector<Scalar> values;
  Given given;
  bool want;
};

void check(const std::vector<Case>& cases) {
  size_t row = 0;
  for (const Case& c : cases) {
    ItemBench bench;
    CAPTURE(row++, c.key);
    CHECK(bench.holds(c.key, c.values, c.given) == c.want);
  }
}

Scalar s(const char* text) { return scalar(text); }

bool holds_by_default(std::string_view key, std::vector<Scalar> values) {
  ItemBench bench;
  return bench.holds(key, std::move(values), absent());
}

}  // namespace

TEST_CASE("what an absent field, a null and an empty list mean", "[item]") {
  check({
      {"f", {s("x")}, absent(), false},
      {"f", {s("*")}, absent(), false},
      {"f", {s("*")}, null(), false},
      {"f", {s("*")}, text(""), true},
      {"f", {s("")}, null(), false},
      {"f", {s("x")}, texts({}), false},
      {"f|neq", {s("x")}, absent(), true},
      {"f|neq", {s("x")}, null(), true},
      {"f|neq", {s("x")}, texts({}), true},
      {"f|exists", {scalar(true)}, absent(), false},
      {"f|exists", {scalar(true)}, null(), true},
      {"f|exists", {scalar(true)}, texts({}), true},
      {"f|exists", {scalar(false)}, absent(), true},
      {"f|exists", {scalar(false)}, null(), false},
      {"f|null", {scalar(true)}, absent(), true},
      {"f|null", {scalar(true)}, null(), true},
      {"f|null", {scalar(true)}, texts({}), true},
      {"f|null", {scalar(true)}, texts({"", ""}), true},
      {"f|null", {scalar(true)}, texts({"", "x"}), false},
      {"f|null", {scalar(true)}, text(""), false},
      {"f|null", {scalar(false)}, text(""), true},
      {"f|null", {scalar(false)}, absent(), false},
      {"f", {null_scalar()}, absent(), true},
      {"f", {null_scalar()}, text("x"), false},
      {"f", {null_scalar(), s("x")}, text("x"), true},
      {"f", {null_scalar(), s("x")}, null(), true},
      {"f", {null_scalar(), s("x")}, text("y"), false},
      {"f|neq", {null_scalar()}, absent(), false},
      {"f|neq", {null_scalar()}, text("x"), true},
  });
}

TEST_CASE("a list is any of its values, with `all` every one, and neq is not-the-whole", "[item]") {
  check({
      {"f", {s("a"), s("b")}, text("B"), true},
      {"f", {s("a"), s("b")}, text("c"), false},
      {"f|contains|all", {s("-a"), s("-b")}, text("x -b -a"), true},
      {"f|contains|all", {s("-a"), s("-b")}, text("x -a"), false},
      {"f|contains|all", {s("a"), s("b")}, texts({"xa", "xb"}), true},
      {"f|contains|all", {s("a"), s("b")}, texts({"xa"}), false},
      {"f|endswith", {s(".sh")}, texts({"a.py", "", "b.SH"}), true},
      {"f|neq", {s("a"), s("b")}, text("a"), false},
      {"f|neq", {s("a"), s("b")}, text("c"), true},
      {"f|neq", {s("a")}, texts({"b", "a"}), false},
      {"f|contains|all|neq", {s("a"), s("b")}, text("a"), true},
      {"f|contains|all|neq", {s("a"), s("b")}, text("ab"), false},
      {"f|re|all", {s("^a"), s("z$")}, text("az"), true},
      {"f|re|all", {s("^a"), s("z$")}, texts({"a", "z"}), true},
      {"f|re|all", {s("^a"), s("z$")}, text("a"), false},
  });
}

TEST_CASE("numbers and truth compare as values, and as the text that they are", "[item]") {
  check({
      {"f", {scalar(5)}, number(5), true},
      {"f", {scalar(5)}, text("5"), true},
      {"f", {scalar(5)}, text("05"), false},
      {"f", {scalar(5)}, text("+5"), false},
      {"f", {scalar(5)}, text("5 "), false},
      {"f", {scalar(5)}, real(5.0, "5.0"), true},
      {"f", {scalar(0)}, text("-0"), false},
      {"f", {scalar(-1)}, text("-1"), true},
      {"f", {scalar(1)}, truth(true), false},
      {"f", {s("5")}, number(5), true},
      {"f", {s("5")}, number(55), false},
      {"f|contains", {s("23")}, number(1234), true},
      {"f|contains", {scalar(23)}, number(1234), true},
      {"f|startswith", {scalar(23)}, number(1234), false},
      {"f", {scalar(1.5)}, real(1.5, "1.50"), true},
      {"f", {scalar(1.5)}, text("1.5"), true},
      {"f", {scalar(5.0)}, number(5), true},
      {"f", {scalar(true)}, truth(true), true},
      {"f", {scalar(true)}, text("true"), true},
      {"f", {scalar(true)}, truth(false), false},
      {"f", {s("x"), scalar(7), scalar(2.5), scalar(true)}, number(7), true},
      {"f", {s("x"), scalar(7), scalar(2.5), scalar(true)}, text("X"), true},
      {"f", {s("x"), scalar(7), scalar(2.5), scalar(true)}, real(2.5, "2.5"), true},
      {"f", {s("x"), scalar(7), scalar(2.5), scalar(true)}, truth(true), true},
      {"f", {s("x"), scalar(7), scalar(2.5), scalar(true)}, number(8), false},
      {"f|gte", {scalar(10)}, number(10), true},
      {"f|gte", {scalar(10)}, text("11"), true},
      {"f|gte", {scalar(10)}, number(9), false},
      {"f|gte", {scalar(10)}, text("9"), false},
      {"f|gte", {scalar(10)}, text("abc"), false},
      {"f|gte", {scalar(10)}, text("11x"), false},
      {"f|gte", {scalar(10)}, text(""), false},
      {"f|gte", {scalar(10)}, text("1e5"), false},
      {"f|gte", {scalar(10)}, truth(true), false},
      {"f|lt", {scalar(1.5)}, real(1.4, "1.4"), true},
      {"f|lt", {scalar(1.5)}, text("-3.25"), true},
      {"f|lt", {scalar(1.5)}, text("1."), false},
      {"f|gt", {scalar(9007199254740992.0)}, number(9007199254740993), true},
      {"f|lte", {scalar(9007199254740992.0)}, text("9007199254740993"), false},
      {"f|gt", {scalar(0)}, text("99999999999999999999"), true},
  });
}

TEST_CASE("the modifiers of text", "[item]") {
  check({
      {"f|cased", {s("Root")}, text("Root"), true},
      {"f|cased", {s("Root")}, text("root"), false},
      {"f|contains|cased", {s("Ab")}, text("xAbx"), true},
      {"f|cased|contains", {s("Ab")}, text("xabx"), false},
      {"f|contains", {s("\u00c4RGER")}, text("viel \u00e4rger hier"), true},
      {"f|startswith", {s("ab")}, text("ABC"), true},
      {"f|startswith", {s("a?c*e")}, text("abcde f"), true},
      {"f|windash|contains", {s(" -enc")}, text("x /enc y"), true},
      {"f|windash|contains", {s(" -enc")}, text("x \u2015enc"), true},
      {"f|contains|windash", {s(" -enc")}, text("x \u2013ENC"), true},
      {"f|windash|contains", {s(" -enc")}, text("x +enc"), false},
      {"f|windash|contains", {s(" -no-profile")}, text("x /no-profile"), true},
      {"f|windash|contains", {s(" -no-profile")}, text("x /no/profile"), false},
      {"f|windash|contains|all", {s(" -a"), s(" -b")}, text("x /a -b"), true},
      {"f|windash|contains|all", {s(" -a"), s(" -b")}, text("x /a"), false},
      {"f|base64", {s("foobar")}, text("Zm9vYmFy"), true},
      {"f|base64|contains", {s("foobar")}, text("x Zm9vYmFy y"), true},
      {"f|base64|cased", {s("foobar")}, text("zm9vYmFy"), false},
      {"f|base64", {s("a\\*b")}, text("YSpi"), true},
      {"f|base64|base64", {s("foobar")}, text("Wm05dlltRnk="), true},
      {"f|base64offset|contains", {s("/bin/bash")}, text("L2Jpbi9iYXNo"), true},
      {"f|base64offset|contains", {s("/bin/bash")}, text("xxxx YS9iaW4vYmFzaCAtaQ=="), true},
      {"f|base64offset|contains", {s("/bin/bash")}, text("YWIvYmluL2Jhc2ggLWkgPiYgeA=="), true},
      {"f|base64offset|contains", {s("/bin/bash")}, text("L2Jpbi9kYXNo"), false},
      {"f|base64offset|contains", {s("\u00e9/b")}, text("w6kvYmluL3No"), true},
      {"f|wide|base64offset|contains", {s("IEX")}, text("eABJAEUAWAAgAHkA"), true},
      {"f|utf16le|base64", {s("a\U0001F600")}, text("YQA92ADe"), true},
      {"f|utf16be|base64", {s("ab")}, text("AGEAYg=="), true},
      {"f|utf16|base64", {s("ab")}, text("//5hAGIA"), true},
      {"f|windash|base64", {s("-a")}, text("L2E="), true},
      {"f|wide", {s("ab")}, text(std::string("a\0b\0", 4)), true},
  });
}

TEST_CASE("regexes, with their flags", "[item]") {
  check({
      {"f|re", {s("b+c")}, text("abbcd"), true},
      {"f|re", {s("Abc")}, text("xabc"), false},
      {"f|re|i", {s("Abc")}, text("xABC"), true},
      {"f|re|m", {s("^ab$")}, text("x\nab\ny"), true},
      {"f|re|s", {s("a.b")}, text("a\nb"), true},
      {"f|re|i|s", {s("A.b")}, text("a\nB"), true},
      {"f|re", {s("^a"), s("z$")}, text("yz"), true},
      {"f|re", {s(".*")}, absent(), false},
      {"f|re", {s(".*")}, text(""), true},
      {"f|re|neq", {s("a")}, text("a"), false},
      {"f|re", {s("^12")}, number(123), true},
      {"f|re", {scalar(12)}, number(123), true},
  });
}

TEST_CASE("TRUST 27: a wildcard and `|re|s` see past a newline that defeats `|re`", "[item]") {
  const Given arguments = text("curl http://x\n| sh");
  check({
      {"f|re", {s("curl.*sh")}, arguments, false},
      {"f|re|s", {s("curl.*sh")}, arguments, true},
      {"f", {s("curl*sh")}, arguments, true},
  });
}

TEST_CASE("TRUST 28: an invalid byte, replaced when it was read, hides nothing", "[item]") {
  std::string read;
  replace_invalid_utf8("curl \xff | sh", read);
  check({
      {"f|re", {s("curl.*sh")}, text(read), true},
      {"f", {s("curl ? | sh")}, text(read), true},
      {"f|contains", {s("CURL \uFFFD")}, text(read), true},
  });
}

TEST_CASE("TRUST 29: a single argument is asked for in the list, a phrase in the joined text", "[item]") {
  ItemBench bench;
  const std::map<std::string, Given> event = {{"process.args", texts({"bash", "-c", "id -u"})},
                                              {"process.command_line", text("bash -c id -u")}};
  CHECK(bench.holds("process.args", {s("-c")}, event));
  CHECK(bench.holds("process.args", {s("id -u")}, event));
  CHECK_FALSE(bench.holds("process.args", {s("-u")}, event));
  CHECK_FALSE(bench.holds("process.args|contains", {s("bash -c")}, event));
  CHECK(bench.holds("process.command_line|contains", {s("bash -c")}, event));
}

TEST_CASE("networks, in any spelling of an address", "[item][cidr]") {
  check({
      {"f|cidr", {s("10.0.0.0/9")}, text("10.127.1.1"), true},
      {"f|cidr", {s("10.0.0.0/9")}, text("10.128.0.1"), false},
      {"f|cidr", {s("10.0.0.0/9")}, text("x"), false},
      {"f|cidr", {s("10.0.0.0/8")}, text("::ffff:10.1.2.3"), true},
      {"f|cidr", {s("10.0.0.0/8")}, text("010.1.2.3"), false},
      {"f|cidr", {s("0.0.0.0/0")}, text("255.255.255.255"), true},
      {"f|cidr", {s("0.0.0.0/0")}, text("::1"), false},
      {"f|cidr", {s("::/0")}, text("::1"), true},
      {"f|cidr", {s("::/0")}, text("10.0.0.1"), false},
      {"f|cidr", {s("1.2.3.4")}, text("1.2.3.4"), true},
      {"f|cidr", {s("1.2.3.4/32")}, text("1.2.3.5"), false},
      {"f|cidr", {s("fe80::/10")}, text("FE80:0:0:0:0:0:0:1"), true},
      {"f|cidr", {s("fe80::/10")}, text("fe80::1%eth0"), true},
      {"f|cidr", {s("fe80::/10")}, text("2001:db8::1"), false},
      {"f|cidr", {s("fe80::/10")}, text(std::string(5000, ':')), false},
      {"f|cidr|neq", {s("10.0.0.0/8"), s("192.168.0.0/16")}, text("8.8.8.8"), true},
      {"f|cidr|neq", {s("10.0.0.0/8"), s("192.168.0.0/16")}, text("192.168.7.7"), false},
  });
}

TEST_CASE("a field compared with another", "[item]") {
  ItemBench bench;
  const auto pair = [](Given f, Given g) { return std::map<std::string, Given>{{"f", f}, {"g", g}}; };
  CHECK(bench.holds("f|fieldref", {s("g")}, pair(text("a"), text("A"))));
  CHECK_FALSE(bench.holds("f|fieldref|cased", {s("g")}, pair(text("a"), text("A"))));
  CHECK_FALSE(bench.holds("f|fieldref", {s("g")}, pair(text("a"), absent())));
  CHECK_FALSE(bench.holds("f|fieldref", {s("g")}, pair(absent(), absent())));
  CHECK(bench.holds("f|fieldref|neq", {s("g")}, pair(absent(), absent())));
  CHECK_FALSE(bench.holds("f|fieldref|neq", {s("g")}, pair(text("x"), text("x"))));
  CHECK(bench.holds("f|fieldref|endswith", {s("g")}, pair(text("/usr/bin/x"), text("bin/X"))));
  CHECK(bench.holds("f|fieldref|startswith", {s("g")}, pair(text("abc"), text("ab"))));
  CHECK(bench.holds("f|fieldref|contains", {s("g")}, pair(text("abc"), text("b"))));
  CHECK_FALSE(bench.holds("f|fieldref", {s("g")}, pair(text("abc"), text("a*"))));
  CHECK(bench.holds("f|fieldref", {s("g")}, pair(texts({"a", "b"}), texts({"x", "B"}))));
  CHECK(bench.holds("f|fieldref", {s("g")}, pair(number(5), text("5"))));
  CHECK(bench.schema.wanted(bench.field("g")));
}

TEST_CASE("parts of a time, in UTC", "[item]") {
  ItemBench bench;
  bench.time_ns = *parse_rfc3339("2027-01-01T22:59:03Z");  // a Friday of 2026's last week
  struct TimeCase {
    const char* key;
    int value;
    bool want;
  };
  const TimeCase cases[] = {
      {"@timestamp|hour", 22, true},        {"@timestamp|hour|gte", 22, true},
      {"@timestamp|hour|lt", 6, false},     {"@timestamp|gt|minute", 58, true},
      {"@timestamp|day", 1, true},          {"@timestamp|week", 53, true},
      {"@timestamp|month|lte", 1, true},    {"@timestamp|year", 2027, true},
      {"@timestamp|year|neq", 2027, false},
  };
  for (const TimeCase& c : cases) {
    CAPTURE(c.key);
    CHECK(bench.holds(c.key, {scalar(c.value)}, absent()) == c.want);
  }
  CHECK(
      bench.holds("process.start|hour", {scalar(3)}, {{"process.start", text("2026-01-01T04:30:00+01:00")}}));
  CHECK_FALSE(bench.holds("process.start|hour", {scalar(3)}, {{"process.start", text("yesterday")}}));
  CHECK_FALSE(bench.holds("process.start|hour", {scalar(3)}, {{"process.start", absent()}}));
}

TEST_CASE("a placeholder stands for each value of its list", "[item]") {
  ItemBench bench;
  bench.define_list("shells", {s("sh"), s("*bash"), scalar(7)});
  bench.define_list("two", {s("a"), s("b")});
  bench.define_list("none", {});
  CHECK(bench.holds("f|expand", {s("%shells%")}, text("SH")));
  CHECK(bench.holds("f|expand", {s("%shells%")}, text("rbash")));
  CHECK(bench.holds("f|expand", {s("%shells%")}, text("7")));
  CHECK_FALSE(bench.holds("f|expand", {s("%shells%")}, text("zsh")));
  CHECK(bench.holds("f|expand|contains", {s("/%shells% -")}, text("/bin/sh -c")));
  CHECK(bench.holds("f|expand", {s("%two%-%two%")}, text("b-a")));
  CHECK_FALSE(bench.holds("f|expand", {s("%two%-%two%")}, text("b-")));
  CHECK(bench.holds("f|expand|all|contains", {s("%two%"), s("x")}, text("xb")));
  CHECK_FALSE(bench.holds("f|expand|all|contains", {s("%two%"), s("x")}, text("x")));
  CHECK_FALSE(bench.holds("f|expand", {s("%none%")}, text("x")));
}

TEST_CASE("keywords are searched for in every text value, not in names", "[item]") {
  ItemBench bench;
  const std::map<std::string, Given> event = {{"process.command_line", text("so EVIL")},
                                              {"labels.g", texts({"x", "a bad one b"})},
                                              {"process.pid", number(4711)}};
  CHECK(bench.holds("", {s("evil"), s("zz")}, event));
  CHECK(bench.holds("", {s("bad one")}, event));
  CHECK(bench.holds("", {s("b*o?e")}, event));
  CHECK_FALSE(bench.holds("", {s("command_line")}, event));
  CHECK_FALSE(bench.holds("", {scalar(4711)}, event));
  CHECK(bench.holds("|all", {s("evil"), s("bad")}, event));
  CHECK_FALSE(bench.holds("|all", {s("evil"), s("good")}, event));
  CHECK_FALSE(bench.holds("|cased", {s("evil")}, event));
  CHECK(bench.holds("|re", {s("EV.L$")}, event));
  CHECK_FALSE(bench.holds("", {s("evil")}, {{"process.parent.command_line", text("evil")}}));
  CHECK(bench.schema.wants_all_text());
}

TEST_CASE("items on ancestors can be asked about one ancestor", "[item]") {
  ItemBench bench;
  const auto name = bench.compile(make_item("process.ancestors.name", {s("nginx")}));
  const auto same = bench.compile(
      make_item("process.ancestors.executable|fieldref|endswith", {s("process.ancestors.name")}));
  const auto not_name = bench.compile(make_item("process.ancestors.name|neq", {s("nginx")}));
  const auto unknown = bench.compile(make_item("process.ancestors.name|null", {scalar(true)}));
  const auto known = bench.compile(make_item("process.ancestors.name|exists", {scalar(true)}));
  Event event;
  event.clear(bench.schema.size());
  texts({"sh", "nginx", ""})(event, bench.field("process.ancestors.name"));
  texts({"/bin/nginx", "/bin/nginx", "/bin/x"})(event, bench.field("process.ancestors.executable"));
  TextCache texts(bench.schema);
  texts.begin(event);
  const auto at = [&](const auto& item) {
    std::string which;
    for (size_t i = 0; i < 4; ++i) which += item->holds_at(event, i, texts) ? '1' : '0';
    return which;
  };
  CHECK(at(name) == "0100");
  CHECK(at(same) == "0100");
  CHECK(at(not_name) == "1011");
  CHECK(at(unknown) == "0011");
  CHECK(at(known) == "1110");
  CHECK(name->holds(event, texts));
  CHECK_FALSE(not_name->holds(event, texts));
}

TEST_CASE("a list of a thousand values gives what each of them would", "[item]") {
  ItemBench bench;
  std::vector<Scalar> whole, last_parts, windows, numbers;
  for (int i = 0; i < 1000; ++i) {
    whole.push_back(s(("Tool" + std::to_string(i)).c_str()));
    last_parts.push_back(s(("/tool" + std::to_string(i)).c_str()));
    windows.push_back(s(("\\Tool" + std::to_string(i) + ".exe").c_str()));
    numbers.push_back(scalar(i * 3));
  }
  last_parts.push_back(s("bin/a/b"));
  const auto same = bench.compile(make_item("f", whole));
  const auto ends = bench.compile(make_item("f|endswith", last_parts));
  const auto exe = bench.compile(make_item("f|endswith", windows));
  const auto port = bench.compile(make_item("f", numbers));
  CHECK(bench.holds(*same, {{"f", text("TOOL999")}}));
  CHECK_FALSE(bench.holds(*same, {{"f", text("tool1000")}}));
  CHECK(bench.holds(*ends, {{"f", text("/usr/bin/Tool0")}}));
  CHECK(bench.holds(*ends, {{"f", text("x/bin/a/B")}}));
  CHECK_FALSE(bench.holds(*ends, {{"f", text("tool0")}}));
  CHECK_FALSE(bench.holds(*ends, {{"f", text("/tool0/x")}}));
  CHECK(bench.holds(*exe, {{"f", text("C:\\x\\tool7.EXE")}}));
  CHECK_FALSE(bench.holds(*exe, {{"f", text("C:\\x\\mytool7.exe")}}));
  CHECK(bench.holds(*port, {{"f", number(2997)}}));
  CHECK(bench.holds(*port, {{"f", text("2997")}}));
  CHECK_FALSE(bench.holds(*port, {{"f", number(2998)}}));
}

TEST_CASE("items that say the same share a key, others do not", "[item]") {
  ItemBench bench;
  const auto key = [&](const char* name, std::vector<Scalar> values) {
    return bench.compile(make_item(name, std::move(values)))->key();
  };
  CHECK(key("f", {s("a"), s("B")}) == key("f", {s("b"), s("A"), s("a")}));
  CHECK(key("f|contains", {s("a")}) == key("f", {s("*A*")}));
  CHECK(key("f|all|contains", {s("a"), s("b")}) == key("f|contains|all", {s("b"), s("a")}));
  const std::vector<std::string> different = {
      key("f", {s("a")}),
      key("g", {s("a")}),
      key("f|cased", {s("a")}),
      key("f|neq", {s("a")}),
      key("f|contains", {s("a")}),
      key("f|startswith", {s("a")}),
      key("f|endswith", {s("a")}),
      key("f|re", {s("a")}),
      key("f|re|i", {s("a")}),
      key("f", {s("1")}),
      key("f", {scalar(1)}),
      key("f|lt", {scalar(1)}),
      key("f|gt", {scalar(1)}),
      key("f", {s("a"), s("b")}),
      key("f|all", {s("a"), s("b")}),
      key("f|neq", {s("a"), s("b")}),
      key("f", {s("a1:b")}),
      key("f|exists", {scalar(true)}),
      key("f|exists", {scalar(false)}),
      key("f|null", {scalar(true)}),
      key("f|null", {scalar(false)}),
      key("f", {null_scalar(), s("a")}),
      key("", {s("a")}),
      key("f|fieldref", {s("a")}),
      key("f|fieldref|cased", {s("a")}),
      key("f|fieldref|endswith", {s("a")}),
      key("@timestamp|hour", {scalar(1)}),
      key("@timestamp|day", {scalar(1)}),
      key("@timestamp|hour|lt", {scalar(1)}),
      key("f|cidr", {s("1.0.0.0/8")}),
      key("f|windash", {s("-a")}),
      key("f", {s("-a")}),
      key("f", {s("\\-a")}),
  };
  for (size_t a = 0; a < different.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      CAPTURE(different[a], a, b);
      CHECK(different[a] != different[b]);
    }
  }
}

TEST_CASE("an item knows whether it holds for an absent field", "[item]") {
  ItemBench bench;
  const std::pair<const char*, std::vector<Scalar>> items[] = {
      {"f", {s("a")}},
      {"f|neq", {s("a")}},
      {"f", {null_scalar()}},
      {"f|neq", {null_scalar()}},
      {"f|exists", {scalar(true)}},
      {"f|exists", {scalar(false)}},
      {"f|null", {scalar(true)}},
      {"f|null", {scalar(false)}},
      {"f", {null_scalar(), s("a")}},
      {"f|neq", {null_scalar(), s("a")}},
      {"f|re", {s(".*")}},
      {"f|lt|neq", {scalar(1)}},
      {"", {s("a")}},
  };
  for (const auto& [key, values] : items) {
    CAPTURE(key, values.size());
    CHECK(bench.compile(make_item(key, values))->positive() == !holds_by_default(key, values));
  }
}

TEST_CASE("Bad input 26: an item that matches whatever is there is found out", "[item]") {
  ItemBench bench;
  const auto any = [&](const char* key, std::vector<Scalar> values) {
    return bench.compile(make_item(key, std::move(values)))->matches_any_value();
  };
  CHECK(any("f", {s("*")}));
  CHECK(any("f|contains", {s("")}));
  CHECK(any("f|startswith", {s("*")}));
  CHECK(any("f", {s("a"), s("**")}));
  CHECK(any("f|re", {s(".*")}));
  CHECK(any("f|re", {s("")}));
  CHECK(any("", {s("")}));
  CHECK_FALSE(any("f|all", {s("*"), s("a")}));
  CHECK_FALSE(any("f|neq", {s("*")}));
  CHECK_FALSE(any("f", {s("")}));
  CHECK_FALSE(any("f", {s("?*")}));
  CHECK_FALSE(any("f", {s("\\*")}));
  CHECK_FALSE(any("f|exists", {scalar(true)}));
  CHECK_FALSE(any("f|re", {s("^.*$")}));
}

TEST_CASE("cheap items come before dear ones", "[item]") {
  ItemBench bench;
  std::vector<int> costs;
  for (const auto& [key, value] : std::vector<std::pair<const char*, Scalar>>{{"f", s("a")},
                                                                              {"f|startswith", s("a")},
                                                                              {"f|contains", s("a")},
                                                                              {"f", s("a*b*c")},
                                                                              {"f|re", s("a")},
                                                                              {"f|re", s("\\pL{50}")}}) {
    costs.push_back(bench.compile(make_item(key, {value}))->cost());
  }
  CHECK(std::is_sorted(costs.begin(), costs.end(), std::less_equal<>()));
  CHECK(bench.compile(make_item("f", {scalar(1)}))->cost() == 1);
}

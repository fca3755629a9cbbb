#include "src/sources/foreign_format.h"

namespace detectd {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;
  std::string_view message;
  std::string_view help;
};

constexpr Magic kMagics[] = {
    {"type="sv, "looks like an audit log; auditd logs can not be read yet", ""},
    {"node="sv, "looks like an audit log; auditd logs can not be read yet", ""},
    {"ElfFile\0"sv, "looks like a Windows event log (evtx); those can not be read yet", ""},
    {"\xd4\xc3\xb2\xa1"sv, "looks like a packet capture (pcap); detectd reads process events", ""},
    {"\xa1\xb2\xc3\xd4"sv, "looks like a packet capture (pcap); detectd reads process events", ""},
    {"\x4d\x3c\xb2\xa1"sv, "looks like a packet capture (pcap); detectd reads process events", ""},
    {"\xa1\xb2\x3c\x4d"sv, "looks like a packet capture (pcap); detectd reads process events", ""},
    {"\x0a\x0d\x0d\x0a"sv, "looks like a packet capture (pcapng); detectd reads process events", ""},
    {"\x7f"
     "ELF"sv,
     "looks like a program (ELF), not a capture", ""},
    {"SQLite format 3\0"sv, "looks like a SQLite database, not a capture", ""},
    {"\xfd"
     "7zXZ\0"sv,
     "is compressed with xz; gzip and zstd can be read",
     "unpack it on the way: xz -dc FILE | detectd --replay -"},
    {"BZh"sv, "is compressed with bzip2; gzip and zstd can be read",
     "unpack it on the way: bzip2 -dc FILE | detectd --replay -"},
    {"\x04\x22\x4d\x18"sv, "is compressed with lz4; gzip and zstd can be read",
     "unpack it on the way: lz4 -dc FILE | detectd --replay -"},
    {"PK\x03\x04"sv, "looks like a zip archive; gzip and zstd can be read",
     "unpack it on the way: unzip -p FILE | detectd --replay -"},
    {"\xff\xfe"sv, "looks like UTF-16 text; captures are UTF-8",
     "convert it on the way: iconv -f UTF-16 -t UTF-8 FILE | detectd --replay -"},
    {"\xfe\xff"sv, "looks like UTF-16 text; captures are UTF-8",
     "convert it on the way: iconv -f UTF-16 -t UTF-8 FILE | detectd --replay -"},
    {"["sv, "looks like one JSON list; a capture has one object a line",
     "split it on the way: jq -c '.[]' FILE | detectd --replay -"},
    {"<"sv, "looks like XML, not a capture", ""},
};

}  // namespace

std::optional<ForeignFormat> find_foreign_format(std::string_view head) {
  for (const Magic& magic : kMagics) {
    if (!head.starts_with(magic.bytes)) continue;
    return ForeignFormat{std::string(magic.message), std::string(magic.help)};
  }
  return std::nullopt;
}

}  // namespace detectd

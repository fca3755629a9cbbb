// The text of procfs and of /etc/passwd, and an answer of sock_diag: the first byte says which it is.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "src/enrich/cgroup_parse.h"
#include "src/enrich/id_names.h"
#include "src/enrich/procfs_parse.h"
#include "src/enrich/sock_diag.h"
#include "tests/fuzz/property.h"

namespace {

bool lies_in(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_stat(std::string_view text) {
  const auto stat = detectd::parse_stat(text);
  if (!stat) return;
  REQUIRE_PROPERTY(lies_in(stat->thread_name, text));
  // What stands before the name changes nothing.
  const std::string longer = "7 " + std::string(text);
  const auto again = detectd::parse_stat(longer);
  REQUIRE_PROPERTY(again && again->start_ticks == stat->start_ticks &&
                   again->thread_name == stat->thread_name);
}

void check_status(std::string_view text) {
  detectd::ProcStatus status;
  detectd::parse_status(text, status);
  REQUIRE_PROPERTY(status.groups.size() <= detectd::ProcStatus::kMaxGroups);
  REQUIRE_PROPERTY(status.has_groups || status.groups.empty());
}

void check_cgroup(std::string_view text) {
  const detectd::CgroupPlace place = detectd::parse_cgroup(text);
  REQUIRE_PROPERTY(lies_in(place.path, text));
  REQUIRE_PROPERTY(lies_in(place.container_id, text));
  REQUIRE_PROPERTY(place.unit.find('/') == std::string::npos);
  REQUIRE_PROPERTY(place.container_id.find('/') == std::string_view::npos);
  REQUIRE_PROPERTY(place.container_runtime.empty() || !place.container_id.empty());
}

void check_arguments(std::string_view text) {
  detectd::NulSeparated args(text);
  std::string joined;
  size_t count = 0;
  for (std::string_view arg; args.next(arg); ++count) {
    REQUIRE_PROPERTY(arg.find('\0') == std::string_view::npos);
    joined.append(arg);
    joined += '\0';
  }
  if (!text.empty() && text.back() != '\0') joined.pop_back();
  REQUIRE_PROPERTY(joined == text);
  REQUIRE_PROPERTY(count == detectd::count_nul_separated(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 's': check_stat(text); break;
    case 'u': check_status(text); break;
    case 'c': check_cgroup(text); break;
    case 'a': check_arguments(text); break;
    case 'p': detectd::parse_id_names(text); break;
    case 'd': detectd::parse_diag(text); break;
    case 'l':
      detectd::parse_namespace(text);
      detectd::parse_login_uid(text);
      break;
    default: break;
  }
  return 0;
}

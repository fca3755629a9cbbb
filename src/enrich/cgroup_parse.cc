#include "src/enrich/cgroup_parse.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace detectd {
namespace {

struct Container {
  std::string_view id;
  std::string_view runtime;
};

constexpr std::string_view kScope = ".scope";

std::string_view without_suffix(std::string_view text, std::string_view suffix) {
  if (text.ends_with(suffix)) text.remove_suffix(suffix.size());
  return text;
}

bool is_id(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == 64 && std::all_of(text.begin(), text.end(), is_hex);
}

// The next part of a path, without slashes.
std::string_view next_part(std::string_view& path) {
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  const size_t end = std::min(path.find('/'), path.size());
  const std::string_view part = path.substr(0, end);
  path.remove_prefix(end);
  return part;
}

// `docker-<id>.scope`, `libpod-<id>`, ...
Container prefixed(std::string_view part) {
  struct Prefix {
    std::string_view text;
    std::string_view runtime;
  };
  static constexpr std::array kPrefixes = {
      Prefix{"docker-", "docker"},      Prefix{"cri-containerd-", "containerd"},
      Prefix{"nerdctl-", "containerd"}, Prefix{"libpod-payload-", "podman"},
      Prefix{"libpod-", "podman"},      Prefix{"crio-", "cri-o"},
  };
  const std::string_view name = without_suffix(part, kScope);
  for (const Prefix& prefix : kPrefixes) {
    if (!name.starts_with(prefix.text)) continue;
    const std::string_view id = name.substr(prefix.text.size());
    if (is_id(id)) return {id, prefix.runtime};
  }
  // containerd's own with systemd: `kubepods-podX.slice:cri-containerd:<id>`.
  constexpr std::string_view kColons = ":cri-containerd:";
  if (const size_t at = name.find(kColons); at != std::string_view::npos) {
    const std::string_view id = name.substr(at + kColons.size());
    if (is_id(id)) return {id, "containerd"};
  }
  return {};
}

// A bare id says nothing of the runtime; the group that it is in may.
Container bare_id(std::string_view part, std::string_view above, std::string_view top) {
  if (!is_id(part)) return {};
  if (above == "docker") return {part, "docker"};
  if (above == "libpod_parent") return {part, "podman"};
  if (above.starts_with("pod") || top.starts_with("kubepods")) return {part, {}};
  return {};
}

// Named by people, not by a number.
Container named(std::string_view part, std::string_view above) {
  constexpr std::string_view kPayload = "lxc.payload.";
  constexpr std::string_view kNspawn = "systemd-nspawn@";
  constexpr std::string_view kMachine = "machine-";
  if (above == "lxc" || above == "lxc.payload") return {part, "lxc"};
  if (part.starts_with(kPayload)) return {part.substr(kPayload.size()), "lxc"};
  if (part.starts_with(kNspawn) && part.ends_with(".service")) {
    return {without_suffix(part.substr(kNspawn.size()), ".service"), "nspawn"};
  }
  if (above == "machine.slice" && part.starts_with(kMachine) && part.ends_with(kScope)) {
    const std::string_view machine = without_suffix(part.substr(kMachine.size()), kScope);
    // libvirt's: `qemu\x2d1\x2dname` is a virtual machine, `lxc\x2d1\x2dname` a container.
    if (machine.starts_with("qemu\\x2d")) return {};
    return {machine, machine.starts_with("lxc\\x2d") ? "lxc" : "nspawn"};
  }
  return {};
}

// The innermost.
Container find_container(std::string_view path) {
  Container found;
  std::string_view top;
  std::string_view above;
  for (std::string_view part = next_part(path); !part.empty(); part = next_part(path)) {
    if (top.empty()) top = part;
    for (const Container& one : {prefixed(part), bare_id(part, above, top), named(part, above)}) {
      if (!one.id.empty()) found = one;
    }
    above = part;
  }
  return found;
}

// The first part that is a unit of its own, and not a slice that units are sorted into.
std::string find_unit(std::string_view path) {
  constexpr std::array<std::string_view, 5> kUnits = {".service", ".scope", ".socket", ".mount", ".swap"};
  for (std::string_view part = next_part(path); !part.empty(); part = next_part(path)) {
    // systemd's escape of names that could be taken for the kernel's.
    if (part.starts_with('_')) part.remove_prefix(1);
    if (part.ends_with(".slice")) continue;
    const auto is_unit = [&](std::string_view suffix) {
      return part.size() > suffix.size() && part.ends_with(suffix);
    };
    if (std::any_of(kUnits.begin(), kUnits.end(), is_unit)) return std::string(part);
    return {};
  }
  return {};
}

size_t depth(std::string_view path) {
  return static_cast<size_t>(std::count(path.begin(), path.end(), '/')) + (path.size() > 1 ? 1 : 0);
}

}  // namespace

CgroupPlace parse_cgroup(std::string_view text) {
  std::string_view unified;
  std::string_view systemd;
  std::string_view container;
  std::string_view deepest;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    // hierarchy:controllers:path
    const size_t first = line.find(':');
    const size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view path = line.substr(second + 1);
    if (line.substr(0, first) == "0" && controllers.empty()) unified = path;
    if (controllers == "name=systemd") systemd = path;
    if (container.empty() && !find_container(path).id.empty()) container = path;
    if (deepest.empty() || depth(path) > depth(deepest)) deepest = path;
  }
  CgroupPlace place;
  for (const std::string_view path : {unified, systemd, container, deepest}) {
    if (place.path.size() <= 1 && !path.empty()) place.path = path;
  }
  place.unit = find_unit(place.path);
  const Container found = find_container(container);
  place.container_id = found.id;
  place.container_runtime = found.runtime;
  return place;
}

}  // namespace detectd

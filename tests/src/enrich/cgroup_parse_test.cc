#include "src/enrich/cgroup_parse.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace detectd {
namespace {

const std::string kId = "3f2a6b1c9d8e7f60514233241506978879605142332415069788796051423324";

struct Case {
  std::string text;
  std::string path;
  std::string unit;
  std::string id;
  std::string runtime;
};

void check(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    INFO(one.text);
    const CgroupPlace place = parse_cgroup(one.text);
    CHECK(place.path == one.path);
    CHECK(place.unit == one.unit);
    CHECK(place.container_id == one.id);
    CHECK(place.container_runtime == one.runtime);
  }
}

TEST_CASE("A control group of systemd names the unit") {
  const std::string session = "/user.slice/user-1000.slice/session-3.scope";
  const std::string manager = "/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.service";
  check({
      {"0::/system.slice/ssh.service\n", "/system.slice/ssh.service", "ssh.service", "", ""},
      {"0::" + session + "\n", session, "session-3.scope", "", ""},
      {"0::" + manager + "\n", manager, "user@1000.service", "", ""},
      {"0::/init.scope\n", "/init.scope", "init.scope", "", ""},
      {"0::/system.slice/system-getty.slice/getty@tty1.service\n",
       "/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "", ""},
      {"0::/system.slice/_cpu.service\n", "/system.slice/_cpu.service", "cpu.service", "", ""},
      {"0::/user.slice\n", "/user.slice", "", "", ""},
      {"0::/my/own/group\n", "/my/own/group", "", "", ""},
      {"0::/\n", "/", "", "", ""},
      {"", "", "", "", ""},
  });
}

TEST_CASE("A hybrid and a version 1 hierarchy tell by the one that says most") {
  check({
      {"12:pids:/\n1:name=systemd:/system.slice/cron.service\n0::/system.slice/cron.service\n",
       "/system.slice/cron.service", "cron.service", "", ""},
      {"12:pids:/user.slice\n1:name=systemd:/system.slice/cron.service\n0::/\n", "/system.slice/cron.service",
       "cron.service", "", ""},
      {"5:memory:/docker/" + kId + "\n4:cpu,cpuacct:/docker/" + kId + "\n1:name=systemd:/docker/" + kId +
           "\n",
       "/docker/" + kId, "", kId, "docker"},
      {"5:memory:/docker/" + kId + "\n1:name=systemd:/system.slice/docker.service\n",
       "/system.slice/docker.service", "docker.service", kId, "docker"},
  });
}

TEST_CASE("TRUST 52: the control group names container and runtime") {
  const std::string pod = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podabc.slice";
  const auto scope = [&](const std::string& name) { return name + "-" + kId + ".scope"; };
  const auto in = [](const std::string& path) { return "0::" + path + "\n"; };
  const std::string user = "/user.slice/user-1000.slice/user@1000.service/user.slice/";
  const std::vector<Case> cases = {
      {in("/system.slice/" + scope("docker")), "/system.slice/" + scope("docker"), scope("docker"), kId,
       "docker"},
      {in("/docker/" + kId), "/docker/" + kId, "", kId, "docker"},
      {in(pod + "/" + scope("cri-containerd")), pod + "/" + scope("cri-containerd"), scope("cri-containerd"),
       kId, "containerd"},
      {in("/system.slice/kubepods-podx.slice:cri-containerd:" + kId),
       "/system.slice/kubepods-podx.slice:cri-containerd:" + kId, "", kId, "containerd"},
      {in(pod + "/" + scope("crio")), pod + "/" + scope("crio"), scope("crio"), kId, "cri-o"},
      {in(pod + "/" + scope("docker")), pod + "/" + scope("docker"), scope("docker"), kId, "docker"},
      // cgroupfs: nothing says which runtime it is.
      {in("/kubepods/burstable/pod1234/" + kId), "/kubepods/burstable/pod1234/" + kId, "", kId, ""},
      {in("/machine.slice/" + scope("libpod") + "/container"),
       "/machine.slice/" + scope("libpod") + "/container", scope("libpod"), kId, "podman"},
      {in(user + scope("libpod")), user + scope("libpod"), "user@1000.service", kId, "podman"},
      {in("/libpod_parent/libpod-" + kId), "/libpod_parent/libpod-" + kId, "", kId, "podman"},
      {in("/system.slice/" + scope("nerdctl")), "/system.slice/" + scope("nerdctl"), scope("nerdctl"), kId,
       "containerd"},
      {in("/machine.slice/systemd-nspawn@web.service/payload"),
       "/machine.slice/systemd-nspawn@web.service/payload", "systemd-nspawn@web.service", "web", "nspawn"},
      {in("/machine.slice/machine-web.scope"), "/machine.slice/machine-web.scope", "machine-web.scope", "web",
       "nspawn"},
      {in("/lxc.payload.web/system.slice/ssh.service"), "/lxc.payload.web/system.slice/ssh.service", "",
       "web", "lxc"},
      {in("/lxc/web"), "/lxc/web", "", "web", "lxc"},
      {in("/lxc.payload/web/init.scope"), "/lxc.payload/web/init.scope", "", "web", "lxc"},
  };
  check(cases);
}

TEST_CASE("A container within a container is the inner one") {
  const std::string inner = std::string(64, 'a');
  const std::string text = "0::/docker/" + kId + "/docker/" + inner + "\n";
  CHECK(parse_cgroup(text).container_id == inner);
}

TEST_CASE("What only looks like a container is none") {
  for (const std::string& path : std::vector<std::string>{
           "/machine.slice/libpod-conmon-" + kId + ".scope", "/pod.slice/crio-conmon-" + kId + ".scope",
           "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", "/lxc.monitor.web", "/docker/short", "/x/" + kId,
           "/system.slice/docker-" + kId.substr(1) + ".scope", "/system.slice/docker.service"}) {
    INFO(path);
    CHECK(parse_cgroup("0::" + path + "\n").container_id.empty());
  }
}

TEST_CASE("Lines that are none are passed over") {
  CHECK(parse_cgroup("x\n1\n:\n::\n0::/a\n").path == "/a");
  CHECK(parse_cgroup("0::/with:colon\n").path == "/with:colon");
}

}  // namespace
}  // namespace detectd

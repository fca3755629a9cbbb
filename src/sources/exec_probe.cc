#include "src/sources/exec_probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "src/sources/exec_record.h"

// The program for the kernel, as the compiler made it.
asm(R"(
.section .rodata
.balign 16
detectd_exec_probe_begin:
.incbin ")" DETECTD_EXEC_PROBE R"("
detectd_exec_probe_end:
.previous
)");
extern "C" {
extern const char detectd_exec_probe_begin[];
extern const char detectd_exec_probe_end[];
}

namespace detectd {
namespace {

// More than a thousand programs. It is mapped twice, so that nothing in it wraps around.
constexpr uint32_t kRingBytes = uint32_t{1} << 20;
// Taken at a time: who writes as fast as we read does not keep us.
constexpr size_t kMostBytes = 2 * size_t{kRingBytes};
constexpr uint64_t kWakeBytes = kRingBytes / 4;

// What libbpf complains of first; it has no other way to say why.
thread_local std::string complaint;

int keep_complaint(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN || !complaint.empty()) return 0;
  std::array<char, 512> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  complaint = text.data();
  while (!complaint.empty() && complaint.back() == '\n') complaint.pop_back();
  return 0;
}

Error failure(const char* what, int error) {
  const Errc code = error == EPERM || error == EACCES ? Errc::kPermission : Errc::kSystem;
  return {code, std::string("eBPF: ") + what + ": " + std::strerror(error)};
}

uint64_t random_number() {
  uint64_t number = 0;
  return getrandom(&number, sizeof number, 0) == sizeof number ? number : 0;
}

struct CloseObject {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
struct DestroyLink {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
struct FreeRing {
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

}  // namespace

struct ExecProbe::Loaded {
  std::unique_ptr<bpf_object, CloseObject> object;
  std::array<std::unique_ptr<bpf_link, DestroyLink>, 3> links;
  std::unique_ptr<ring_buffer, FreeRing> ring;
  int records = -1;
  int known_groups = -1;
  const ExecProbeCounts* counts = nullptr;  // which the kernel writes to
  const std::function<void(std::string_view)>* take = nullptr;

  Status open();
  Status load();
  Status attach();
  size_t left = 0;  // bytes to be taken at this time

  static int on_record(void* context, void* data, size_t size) {
    Loaded& loaded = *static_cast<Loaded*>(context);
    (*loaded.take)({static_cast<const char*>(data), size});
    loaded.left -= std::min(loaded.left, size);
    return loaded.left == 0 ? -EAGAIN : 0;
  }
};

Status ExecProbe::Loaded::open() {
  libbpf_set_print(keep_complaint);
  const auto size = static_cast<size_t>(detectd_exec_probe_end - detectd_exec_probe_begin);
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "detectd");
  object.reset(bpf_object__open_mem(detectd_exec_probe_begin, size, &options));
  if (!object) return failure("open", errno);
  if (bpf_map__set_max_entries(bpf_object__find_map_by_name(object.get(), "records"), kRingBytes) != 0)
    return failure("ring", errno);
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object.get()) {
    const std::string_view name = bpf_map__name(map);
    if (name.ends_with(".rodata")) {
      const ExecProbeSettings settings{.seed = random_number(), .wake_bytes = kWakeBytes};
      if (bpf_map__set_initial_value(map, &settings, sizeof settings) != 0) return failure("settings", errno);
    }
  }
  return {};
}

Status ExecProbe::Loaded::load() {
  if (bpf_object__load(object.get()) != 0) return failure("load", errno);
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object.get()) {
    const std::string_view name = bpf_map__name(map);
    size_t size = 0;
    if (name.ends_with(".bss")) {
      const void* const begin = bpf_map__initial_value(map, &size);
      if (begin != nullptr && size == sizeof *counts) counts = static_cast<const ExecProbeCounts*>(begin);
    }
  }
  if (counts == nullptr) return Error{Errc::kSystem, "eBPF: its counts are not where they should be"};
  records = bpf_object__find_map_fd_by_name(object.get(), "records");
  known_groups = bpf_object__find_map_fd_by_name(object.get(), "known_groups");
  ring.reset(ring_buffer__new(records, on_record, this, nullptr));
  if (!ring) return failure("ring", errno);
  return {};
}

Status ExecProbe::Loaded::attach() {
  size_t count = 0;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object.get()) {
    links.at(count).reset(bpf_program__attach(program));
    if (!links.at(count)) return failure("attach", errno);
    ++count;
  }
  return {};
}

Result<std::unique_ptr<ExecProbe>> ExecProbe::load() {
  if constexpr (sizeof(void*) != 8 || std::endian::native != std::endian::little) {
    return Error{Errc::kSystem, "eBPF: only on processors with 64 bits, the least significant byte first"};
  }
  auto loaded = std::make_unique<Loaded>();
  complaint.clear();
  Status status = loaded->open();
  if (status) status = loaded->load();
  if (status) status = loaded->attach();
  if (!status) {
    Error error = std::move(status).error();
    if (error.code == Errc::kPermission) {
      error.message += "; it needs CAP_BPF and CAP_PERFMON, and no lockdown of confidentiality";
    } else if (!complaint.empty()) {
      error.message += " (" + complaint + ")";
    }
    return error;
  }
  return std::unique_ptr<ExecProbe>(new ExecProbe(std::move(loaded)));
}

ExecProbe::ExecProbe(std::unique_ptr<Loaded> loaded) : loaded_(std::move(loaded)) {}

ExecProbe::~ExecProbe() = default;

int ExecProbe::descriptor() const { return loaded_->records; }

void ExecProbe::receive(const std::function<void(std::string_view record)>& take) {
  loaded_->take = &take;
  loaded_->left = kMostBytes;
  ring_buffer__consume(loaded_->ring.get());
  loaded_->take = nullptr;
}

uint64_t ExecProbe::dropped() const { return __atomic_load_n(&loaded_->counts->dropped, __ATOMIC_RELAXED); }

uint64_t ExecProbe::moves() const { return __atomic_load_n(&loaded_->counts->moves, __ATOMIC_ACQUIRE); }

void ExecProbe::forget_groups(uint64_t key) { bpf_map_delete_elem(loaded_->known_groups, &key); }

void ExecProbe::know_groups(uint64_t key) {
  const uint8_t known = 1;
  // Where it can not be noted we are only woken more often.
  bpf_map_update_elem(loaded_->known_groups, &key, &known, BPF_ANY);
}

}  // namespace detectd

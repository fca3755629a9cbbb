// Messages of the process connector, as the kernel lays them out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace detectd {

struct ProcMessage {
  uint32_t what = 0;
  std::vector<uint32_t> data = {};
  uint32_t cpu = 0;
  uint32_t sequence = 0;
  uint64_t monotonic_ns = 0;
  uint32_t index = 1;  // CN_IDX_PROC

  std::vector<std::byte> bytes() const {
    // The kernel sends the whole struct, whatever of it is used.
    std::vector<std::byte> bytes(76);
    const auto put = [&](size_t offset, auto value) {
      std::memcpy(bytes.data() + offset, &value, sizeof value);
    };
    put(0, static_cast<uint32_t>(bytes.size()));
    put(4, uint16_t{3});
    put(16, index);
    put(20, uint32_t{1});
    put(24, sequence);
    put(32, uint16_t{40});
    put(36, what);
    put(40, cpu);
    put(44, monotonic_ns);
    for (size_t i = 0; i < data.size(); ++i) put(52 + 4 * i, data[i]);
    return bytes;
  }
};

}  // namespace detectd

#include "engine/cidr.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace detectd {
namespace {

constexpr int kMappedBits = 96;  // of ::ffff:0:0/96

void clear_from(std::array<uint8_t, 16>& bytes, int prefix) {
  for (int bit = prefix; bit < 128; ++bit) {
    uint8_t& byte = bytes[static_cast<size_t>(bit / 8)];
    byte = static_cast<uint8_t>(byte & ~(0x80u >> bit % 8));
  }
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN + 1] = {};
  if (text.find(':') != std::string_view::npos) text = text.substr(0, text.find('%'));
  if (text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos) return std::nullopt;
  text.copy(buffer, text.size());
  IpAddress address;
  if (inet_pton(AF_INET6, buffer, address.bytes.data()) == 1) return address;
  address.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  address.v4 = true;
  if (inet_pton(AF_INET, buffer, address.bytes.data() + 12) == 1) return address;
  return std::nullopt;
}

bool Cidr::contains(const IpAddress& other) const {
  if (other.v4 && !address.v4) return false;
  const size_t whole = static_cast<size_t>(prefix / 8);
  if (!std::equal(address.bytes.begin(), address.bytes.begin() + whole, other.bytes.begin())) return false;
  if (prefix % 8 == 0) return true;
  const unsigned mask = 0xFFu << (8 - prefix % 8) & 0xFFu;
  return ((address.bytes[whole] ^ other.bytes[whole]) & mask) == 0;
}

std::string Cidr::canonical() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  const uint8_t* const bytes = address.bytes.data() + (address.v4 ? 12 : 0);
  inet_ntop(address.v4 ? AF_INET : AF_INET6, bytes, buffer, sizeof buffer);
  return std::string(buffer) + '/' + std::to_string(address.v4 ? prefix - kMappedBits : prefix);
}

std::optional<Cidr> parse_cidr(std::string_view text, CidrError& error) {
  const size_t slash = text.find('/');
  const auto address =
      text.find('%') == std::string_view::npos ? IpAddress::parse(text.substr(0, slash)) : std::nullopt;
  if (!address) {
    error = {"not a network", "as `10.0.0.0/8` or `fe80::/10`"};
    return std::nullopt;
  }
  Cidr cidr{.address = *address, .prefix = 128};
  if (slash == std::string_view::npos) return cidr;
  const std::string_view digits = text.substr(slash + 1);
  const int most = address->v4 ? 32 : 128;
  int prefix = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || prefix < 0 || prefix > most) {
    error = {"the prefix of a network is a number from 0 to " + std::to_string(most), {}};
    return std::nullopt;
  }
  cidr.prefix = address->v4 ? prefix + kMappedBits : prefix;
  clear_from(cidr.address.bytes, cidr.prefix);
  if (cidr.address.bytes != address->bytes) {
    error = {"the address has bits beyond the prefix", "the network is `" + cidr.canonical() + "`"};
    return std::nullopt;
  }
  return cidr;
}

}  // namespace detectd

// Networks of addresses, IPv4 and IPv6.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace detectd {

// An address in 16 bytes, IPv4 as ::ffff:a.b.c.d.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  bool v4 = false;  // was written as IPv4

  // Any spelling; a zone (`fe80::1%eth0`) is ignored. Nothing for other text.
  static std::optional<IpAddress> parse(std::string_view text);
};

// IPv4 networks hold IPv4 addresses, also those written as IPv6 does (`::ffff:10.0.0.1`, as a socket for
// both reports them); IPv6 networks hold only addresses written as IPv6.
struct Cidr {
  IpAddress address;
  int prefix = 128;  // bits of the 16 bytes

  bool contains(const IpAddress& other) const;
  std::string canonical() const;
};

// `10.0.0.0/8`, `fe80::/10`; an address alone is a network of one. Otherwise what is wrong, and a help.
struct CidrError {
  std::string message;
  std::string help;
};
std::optional<Cidr> parse_cidr(std::string_view text, CidrError& error);

}  // namespace detectd

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flexmig::nccl {

// An address of this host, for messages to people.
struct OwnAddress {
  uint16_t family = 0;  // 4 or 6; 0: none
  std::array<uint8_t, 16> bytes{};
};

// Of the first interface that is up and that NCCL_SOCKET_IFNAME allows; loopback only if there is
// no other. None if there is none, or the kernel does not tell.
[[nodiscard]] OwnAddress FindOwnAddress();

// Whether NCCL_SOCKET_IFNAME `pattern` allows the interface: a list of prefixes, "=" in front of it
// for whole names, "^" for all but those, "^=" for both.
[[nodiscard]] bool AllowsInterface(std::string_view pattern, std::string_view interface);

}  // namespace flexmig::nccl

#include "own_address.h"

#include <cstring>

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include "flexmig/base/env.h"
#include "flexmig/base/strings.h"

namespace flexmig::nccl {
namespace {

OwnAddress AddressOf(const sockaddr* given) {
  OwnAddress own;
  if (given->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, given, sizeof in);
    own.family = 4;
    std::memcpy(own.bytes.data(), &in.sin_addr, sizeof in.sin_addr);
  } else if (given->sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, given, sizeof in);
    own.family = 6;
    std::memcpy(own.bytes.data(), &in.sin6_addr, sizeof in.sin6_addr);
  }
  return own;
}

}  // namespace

bool AllowsInterface(std::string_view pattern, std::string_view interface) {
  const bool excludes = pattern.starts_with('^');
  if (excludes) pattern.remove_prefix(1);
  const bool exact = pattern.starts_with('=');
  if (exact) pattern.remove_prefix(1);
  for (const std::string_view name : StrSplit(pattern, ',')) {
    if (name.empty()) continue;
    if (exact ? interface == name : interface.starts_with(name)) return !excludes;
  }
  return excludes || pattern.empty();
}

OwnAddress FindOwnAddress() {
  const std::string pattern = GetEnv("NCCL_SOCKET_IFNAME").value_or("");
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return {};
  OwnAddress best;
  bool best_is_loopback = true;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_UP) == 0) continue;
    if (!AllowsInterface(pattern, one->ifa_name)) continue;
    const OwnAddress address = AddressOf(one->ifa_addr);
    const bool is_loopback = (one->ifa_flags & IFF_LOOPBACK) != 0;
    if (address.family == 0 || (best.family != 0 && (is_loopback || !best_is_loopback))) continue;
    best = address;
    best_is_loopback = is_loopback;
  }
  ::freeifaddrs(all);
  return best;
}

}  // namespace flexmig::nccl

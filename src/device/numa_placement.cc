#include "numa_placement.h"

#include <array>
#include <cerrno>

#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "flexmig/base/strings.h"

namespace flexmig::device {
namespace {

constexpr int kMaxNodes = 1024;  // as Linux is built at most
constexpr int kBits = 8 * sizeof(unsigned long);

}  // namespace

Status PreferNode(std::span<std::byte> memory, int node) {
  if (node < 0 || node >= kMaxNodes) return InvalidArgumentError(StrCat("no NUMA node ", node));
  std::array<unsigned long, kMaxNodes / kBits> nodes{};
  nodes[static_cast<size_t>(node / kBits)] = 1UL << (node % kBits);
  // The kernel reads one bit less than it is told.
  if (::syscall(SYS_mbind, memory.data(), memory.size(), MPOL_PREFERRED, nodes.data(),
                kMaxNodes + 1UL, MPOL_MF_MOVE) == 0) {
    return OkStatus();
  }
  const int error = errno;
  if (error == ENOSYS) return UnimplementedError("this kernel knows no NUMA nodes");
  return ErrnoError(error, StrCat("placing memory on NUMA node ", node));
}

}  // namespace flexmig::device

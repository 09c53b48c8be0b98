#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/mman.h>

#include "flexmig/base/strings.h"

#include "backend.h"

namespace flexmig::perf {

Result<std::byte*> PlainMemory::Allocate(size_t bytes) {
  bytes = std::max<size_t>(bytes, 1);
  // Populated here: first touch runs at 1 GB/s and is no part of any collective.
  void* const address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (address == MAP_FAILED) {
    const int error = errno;
    return ErrnoError(error, StrCat("a buffer of ", bytes, " bytes"));
  }
  std::memset(address, 0, bytes);
  mappings_.push_back({address, bytes});
  return static_cast<std::byte*>(address);
}

PlainMemory::~PlainMemory() {
  for (const Mapping& mapping : mappings_) ::munmap(mapping.address, mapping.bytes);
}

}  // namespace flexmig::perf

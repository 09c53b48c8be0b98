#include "flexmig/base/io.h"

#include <cerrno>

#include <unistd.h>

namespace flexmig {

Status WriteAll(int fd, const void* data, size_t size) {
  const auto* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::write(fd, at, size);
    if (n < 0) {
      if (errno == EINTR) continue;
      return ErrnoError(errno, "write");
    }
    at += n;
    size -= static_cast<size_t>(n);
  }
  return OkStatus();
}

}  // namespace flexmig

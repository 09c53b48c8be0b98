#pragma once

#include <cstddef>

#include "flexmig/base/status.h"

namespace flexmig {

// Writes all `size` bytes, through EINTR and short writes. Blocks as the descriptor does.
Status WriteAll(int fd, const void* data, size_t size);

}  // namespace flexmig

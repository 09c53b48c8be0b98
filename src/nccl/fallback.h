#pragma once

#include <memory>
#include <string>

#include "flexmig/base/status.h"
#include "flexmig/coll/communicator.h"
#include "flexmig/cuda/driver.h"

#include "transport.h"

namespace flexmig::nccl {

// FLEXMIG_NCCL_FALLBACK: communicators all of whose ranks have a whole GPU each are better served
// by the NCCL that is at `path`. The ranks, which all have to call this, tell each other what they
// run on; null if they shall use this library's own transport, with the reason in the log. Errors:
// as coll::Communicator::Create, and those of that NCCL.
Result<std::unique_ptr<Transport>> MakeFallbackTransport(const std::string& path,
                                                         const cuda::DeviceFacts& own,
                                                         const coll::CommunicatorOptions& options);

}  // namespace flexmig::nccl

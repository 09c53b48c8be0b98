#pragma once

#include <memory>

#include "flexmig/base/status.h"
#include "flexmig/cuda/driver.h"
#include "flexmig/device/device_communicator.h"

#include "transport.h"

namespace flexmig::nccl {

// An Transport that is a device::DeviceCommunicator, of the current context's device. Blocks until
// all ranks have come. Warns, on the lowest of them, of ranks that share a whole GPU. Errors: as
// DeviceCommunicator::Create.
Result<std::unique_ptr<Transport>> MakeDeviceTransport(const cuda::Driver& driver,
                                                       const device::DeviceOptions& options);

}  // namespace flexmig::nccl

#pragma once

#include <memory>
#include <span>
#include <string>

#include "flexmig/base/deadline.h"
#include "flexmig/base/status.h"
#include "flexmig/cuda/driver.h"
#include "flexmig/device/device_communicator.h"

namespace flexmig::nccl {

// What moves a communicator's data: device::DeviceCommunicator (device_transport.h), the real NCCL
// (real_nccl.h), or a test's recorder. The functions are device::DeviceCommunicator's, and so are
// their promises.
//
// Threading: thread-safe.
class Transport {
 public:
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int world_size() const = 0;

  // Around the Enqueues of one group, in one thread, also when they fail.
  virtual Status BeginGroup() { return OkStatus(); }
  virtual Status EndGroup() { return OkStatus(); }
  virtual Status Enqueue(const device::Operation& operation, cuda::Stream stream) = 0;
  virtual Status Drain(Deadline deadline) = 0;

  virtual Result<std::unique_ptr<Transport>> Split(int color, int key) = 0;
  virtual Result<std::unique_ptr<Transport>> Shrink(std::span<const int> excluded) = 0;

  virtual void Abort(const std::string& reason) = 0;
  [[nodiscard]] virtual Status status() const = 0;

 protected:
  Transport() = default;
};

}  // namespace flexmig::nccl

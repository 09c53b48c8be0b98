#pragma once

#include <cstddef>
#include <memory>

#include "flexmig/base/status.h"
#include "flexmig/cuda/driver.h"

#include "call_data.h"

namespace flexmig::nccl_perf {

// The buffers of one rank in device memory, and what ought to be in them: hsm-perf's test data, of
// which an image lies in host memory. One thread uses it.
class DeviceData {
 public:
  // For the collective and type of `config`, up to its max_bytes. All ranks call it.
  // Errors: those of the driver; kUnimplemented for a type without test data.
  static Result<std::unique_ptr<DeviceData>> Create(const cuda::Driver& driver,
                                                    const perf::GroupConfig& config, int rank,
                                                    cuda::Stream stream);
  ~DeviceData();
  DeviceData(const DeviceData&) = delete;
  DeviceData& operator=(const DeviceData&) = delete;

  // A call of about `size` bytes on device memory.
  [[nodiscard]] perf::Call MakeCall(size_t size, bool in_place) const;
  // Fills the input of the call and spoils what it writes; waits until that has happened.
  Status Fill(size_t size, bool in_place);
  // The wrong elements of this rank's result. REQUIRES: the call is done.
  Result<size_t> CountWrong(size_t size, bool in_place);

 private:
  // Host memory in the place of a library's.
  class Image;

  DeviceData(const cuda::Driver& driver, const perf::GroupConfig& config, cuda::Stream stream);
  [[nodiscard]] const std::byte* OnDevice(const void* in_image) const;
  // The bytes of the buffer that begins at `image`, as a call of `size` uses them.
  [[nodiscard]] size_t UsedBytes(size_t size, const std::byte* image) const;

  const cuda::Driver& driver_;
  perf::GroupConfig config_;
  cuda::Stream stream_;
  std::unique_ptr<Image> image_;
  std::unique_ptr<perf::CallData> data_;
  std::byte* images_[2] = {};  // send, receive
  std::byte* device_[2] = {};
};

}  // namespace flexmig::nccl_perf

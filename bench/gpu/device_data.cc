#include "device_data.h"

#include <algorithm>

#include "backend.h"

namespace flexmig::nccl_perf {

class DeviceData::Image : public perf::Backend {
 public:
  std::string Version() const override { return ""; }
  Status Offers(const perf::Call& /*call*/) const override { return OkStatus(); }
  Result<std::byte*> Allocate(size_t bytes, bool /*registered*/) override {
    return memory_.Allocate(std::max<size_t>(bytes, 1));
  }
  Status Run(const perf::Call& /*call*/) override { return InternalError("runs nothing"); }

 private:
  perf::PlainMemory memory_;
};

DeviceData::DeviceData(const cuda::Driver& driver, const perf::GroupConfig& config,
                       cuda::Stream stream)
    : driver_(driver), config_(config), stream_(stream) {}

Result<std::unique_ptr<DeviceData>> DeviceData::Create(const cuda::Driver& driver,
                                                       const perf::GroupConfig& config, int rank,
                                                       cuda::Stream stream) {
  std::unique_ptr<DeviceData> data(new DeviceData(driver, config, stream));
  data->image_ = std::make_unique<Image>();
  FLEXMIG_ASSIGN_OR_RETURN(auto calls, perf::CallData::Create(config, rank, *data->image_));
  data->data_ = std::make_unique<perf::CallData>(std::move(calls));
  const perf::Call largest = data->data_->MakeCall(config.max_bytes, false);
  data->images_[0] = static_cast<std::byte*>(const_cast<void*>(largest.send));
  data->images_[1] = static_cast<std::byte*>(largest.receive);
  for (int i = 0; i < 2; ++i) {
    FLEXMIG_ASSIGN_OR_RETURN(
        void* const memory,
        driver.Allocate(std::max<size_t>(data->UsedBytes(config.max_bytes, data->images_[i]), 1)));
    data->device_[i] = static_cast<std::byte*>(memory);
  }
  return data;
}

DeviceData::~DeviceData() {
  for (std::byte* const memory : device_) {
    // Best effort: the context may be dead.
    if (memory != nullptr) static_cast<void>(driver_.Free(memory));
  }
}

size_t DeviceData::UsedBytes(size_t size, const std::byte* image) const {
  const size_t bytes = reduce::ElementBytes(config_.type);
  const perf::CallShape shape = perf::ShapeOf(config_.collective, size, bytes, config_.ranks);
  return (image == images_[0] ? shape.send_count : shape.receive_count) * bytes;
}

const std::byte* DeviceData::OnDevice(const void* in_image) const {
  const auto* const at = static_cast<const std::byte*>(in_image);
  for (int i = 0; i < 2; ++i) {
    if (at >= images_[i] && at < images_[i] + UsedBytes(config_.max_bytes, images_[i])) {
      return device_[i] + (at - images_[i]);
    }
  }
  return nullptr;
}

perf::Call DeviceData::MakeCall(size_t size, bool in_place) const {
  perf::Call call = data_->MakeCall(size, in_place);
  call.send = OnDevice(call.send);
  call.receive = const_cast<std::byte*>(OnDevice(call.receive));
  return call;
}

Status DeviceData::Fill(size_t size, bool in_place) {
  data_->Fill(data_->MakeCall(size, in_place));
  for (int i = 0; i < 2; ++i) {
    FLEXMIG_RETURN_IF_ERROR(
        driver_.Copy(device_[i], images_[i], UsedBytes(size, images_[i]), stream_));
  }
  return driver_.Synchronize(stream_);
}

Result<size_t> DeviceData::CountWrong(size_t size, bool in_place) {
  for (int i = 0; i < 2; ++i) {
    FLEXMIG_RETURN_IF_ERROR(
        driver_.Copy(images_[i], device_[i], UsedBytes(size, images_[i]), stream_));
  }
  FLEXMIG_RETURN_IF_ERROR(driver_.Synchronize(stream_));
  return data_->CountWrong(data_->MakeCall(size, in_place));
}

}  // namespace flexmig::nccl_perf

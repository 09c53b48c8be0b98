#include "flexmig/device/device_communicator.h"

#include <utility>

#include "flexmig/base/strings.h"

#include "impl.h"

namespace flexmig::device {
namespace {

// Of a large operation what one rank has in flight is four of these: large enough that starting a
// copy (some 5 us) costs little of its 50 us on a link of 20 GB/s, small enough that the slots of
// seven ranks stay in a cache of 32 MiB.
constexpr size_t kChunkBytes = size_t{1} << 20;

Status CheckDevice(const cuda::Driver& driver, const cuda::DeviceFacts& device) {
  if (device.has_wait_64) return OkStatus();
  return UnimplementedError(StrCat(device.name, " with driver ", driver.version(),
                                   " has no stream-ordered waits for 64-bit values"));
}

}  // namespace

DeviceCommunicator::DeviceCommunicator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DeviceCommunicator::~DeviceCommunicator() {
  if (impl_->IsCopyOfParent()) static_cast<void>(impl_.release());
}

Result<std::unique_ptr<DeviceCommunicator>> DeviceCommunicator::Create(
    const cuda::Driver& driver, const DeviceOptions& options) {
  FLEXMIG_ASSIGN_OR_RETURN(const cuda::Context context, driver.CurrentOrPrimary());
  FLEXMIG_ASSIGN_OR_RETURN(const cuda::DeviceFacts device, driver.Facts());
  FLEXMIG_RETURN_IF_ERROR(CheckDevice(driver, device));
  coll::CommunicatorOptions meeting = options.communicator;
  meeting.leaf = device.is_mig ? cuda::UuidText(device) : "";
  if (meeting.chunk_bytes == 0) meeting.chunk_bytes = kChunkBytes;
  FLEXMIG_ASSIGN_OR_RETURN(auto communicator, coll::Communicator::Create(meeting));
  FLEXMIG_ASSIGN_OR_RETURN(
      auto impl, Impl::Create(driver, context, device, std::move(communicator), meeting.timeout));
  return std::unique_ptr<DeviceCommunicator>(new DeviceCommunicator(std::move(impl)));
}

int DeviceCommunicator::rank() const { return impl_->rank(); }
int DeviceCommunicator::world_size() const { return impl_->world_size(); }
const cuda::DeviceFacts& DeviceCommunicator::device() const { return impl_->device(); }
std::vector<int> DeviceCommunicator::SharedDevices() const { return impl_->sharing(); }

Status DeviceCommunicator::Enqueue(const Operation& operation, cuda::Stream stream) {
  return impl_->Enqueue(operation, stream);
}

Status DeviceCommunicator::Drain(Deadline deadline) { return impl_->Drain(deadline); }

Result<std::unique_ptr<DeviceCommunicator>> DeviceCommunicator::Split(int color, int key) {
  FLEXMIG_ASSIGN_OR_RETURN(auto impl, impl_->Derive([&](coll::Communicator& communicator) {
    return communicator.Split(color, key);
  }));
  if (impl == nullptr) return std::unique_ptr<DeviceCommunicator>();
  return std::unique_ptr<DeviceCommunicator>(new DeviceCommunicator(std::move(impl)));
}

Result<std::unique_ptr<DeviceCommunicator>> DeviceCommunicator::Shrink(
    std::span<const int> excluded) {
  FLEXMIG_ASSIGN_OR_RETURN(auto impl, impl_->Derive([&](coll::Communicator& communicator) {
    return communicator.Shrink(excluded);
  }));
  return std::unique_ptr<DeviceCommunicator>(new DeviceCommunicator(std::move(impl)));
}

void DeviceCommunicator::Abort(const std::string& reason) { impl_->Abort(reason); }
Status DeviceCommunicator::status() const { return impl_->status(); }

}  // namespace flexmig::device

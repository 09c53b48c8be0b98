#include "device_transport.h"

#include <string>
#include <utility>
#include <vector>

#include "flexmig/base/strings.h"

#include "debug_log.h"

namespace flexmig::nccl {
namespace {

class DeviceTransport final : public Transport {
 public:
  explicit DeviceTransport(std::unique_ptr<device::DeviceCommunicator> communicator)
      : communicator_(std::move(communicator)) {}

  [[nodiscard]] int rank() const override { return communicator_->rank(); }
  [[nodiscard]] int world_size() const override { return communicator_->world_size(); }

  Status Enqueue(const device::Operation& operation, cuda::Stream stream) override {
    return communicator_->Enqueue(operation, stream);
  }
  Status Drain(Deadline deadline) override { return communicator_->Drain(deadline); }

  Result<std::unique_ptr<Transport>> Split(int color, int key) override {
    return Wrap(communicator_->Split(color, key));
  }
  Result<std::unique_ptr<Transport>> Shrink(std::span<const int> excluded) override {
    return Wrap(communicator_->Shrink(excluded));
  }

  void Abort(const std::string& reason) override { communicator_->Abort(reason); }
  [[nodiscard]] Status status() const override { return communicator_->status(); }

 private:
  static Result<std::unique_ptr<Transport>> Wrap(
      Result<std::unique_ptr<device::DeviceCommunicator>> derived) {
    if (!derived.ok()) return derived.status();
    if (*derived == nullptr) return std::unique_ptr<Transport>();
    return std::unique_ptr<Transport>(new DeviceTransport(*std::move(derived)));
  }

  const std::unique_ptr<device::DeviceCommunicator> communicator_;
};

void WarnOfSharing(const device::DeviceCommunicator& communicator) {
  const std::vector<int> sharing = communicator.SharedDevices();
  if (sharing.size() < 2 || sharing.front() != communicator.rank()) return;
  std::vector<std::string> ranks;
  ranks.reserve(sharing.size());
  for (const int rank : sharing) ranks.push_back(StrCat(rank));
  LogWarn(communicator.device().ordinal,
          StrCat("ranks ", StrJoin(ranks, ", "), " use one whole GPU, ",
                 cuda::UuidText(communicator.device()),
                 ", without MIG: they take turns on it and share its memory. That is meant for "
                 "tests; give each rank a MIG device instead"));
}

}  // namespace

Result<std::unique_ptr<Transport>> MakeDeviceTransport(const cuda::Driver& driver,
                                                       const device::DeviceOptions& options) {
  FLEXMIG_ASSIGN_OR_RETURN(auto communicator, device::DeviceCommunicator::Create(driver, options));
  WarnOfSharing(*communicator);
  return std::unique_ptr<Transport>(new DeviceTransport(std::move(communicator)));
}

}  // namespace flexmig::nccl

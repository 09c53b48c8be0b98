#include "flexmig/nvml/nvml_backend.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "flexmig/base/deadline.h"
#include "flexmig/base/strings.h"

#include "board.h"
#include "change_watch.h"
#include "instances.h"
#include "library.h"
#include "placement_search.h"
#include "return_status.h"
#include "users.h"

namespace flexmig::nvml {
namespace {

using nvml_abi::Return;
using Clock = std::chrono::steady_clock;

std::string Name(mig::GpuIndex gpu) { return StrCat("GPU ", gpu.value()); }

class NvmlBackend final : public hw::MigBackend {
 public:
  NvmlBackend(NvmlOptions options, std::unique_ptr<Library> library)
      : options_(std::move(options)), library_(std::move(library)), users_(*library_, options_) {}

  Result<std::vector<hw::GpuStatus>> ListGpus() override {
    const std::lock_guard lock(mutex_);
    FLEXMIG_RETURN_IF_ERROR(LoadBoards());
    std::vector<hw::GpuStatus> gpus;
    for (size_t i = 0; i < boards_.size(); ++i) {
      const mig::GpuIndex index(static_cast<int>(i));
      const Board& board = boards_[i];
      auto mode = ReadMigMode(*library_, board.device);
      if (!mode.ok()) return mode.status().WithContext(Name(index));
      gpus.push_back({index, board.uuid, board.model, board.pci_bus_id, board.pci_device_id,
                      board.pci_subsystem_id, board.numa_node, mode->enabled, mode->pending});
    }
    return gpus;
  }

  Status SetMigMode(mig::GpuIndex gpu, bool enabled) override {
    return OnBoard(gpu, [&](const Board& board) { return Switch(board, enabled); });
  }

  Result<std::vector<hw::GpuInstance>> ListGpuInstances(mig::GpuIndex gpu) override {
    std::vector<hw::GpuInstance> instances;
    FLEXMIG_RETURN_IF_ERROR(OnBoard(gpu, [&](const Board& board) -> Status {
      FLEXMIG_ASSIGN_OR_RETURN(const auto* records, Listing(board));
      for (const InstanceRecord& record : *records) instances.push_back({record.id, record.placed});
      return OkStatus();
    }));
    return instances;
  }

  Result<std::vector<hw::MigDevice>> ListMigDevices(mig::GpuIndex gpu) override {
    std::vector<hw::MigDevice> devices;
    FLEXMIG_RETURN_IF_ERROR(OnBoard(gpu, [&](const Board& board) -> Status {
      FLEXMIG_ASSIGN_OR_RETURN(const auto* records, Listing(board));
      for (const InstanceRecord& record : *records) {
        const mig::Profile* profile = board.model->FindProfile(record.placed.profile);
        for (const PartRecord& part : record.parts) {
          // A part that shares its GPU instance is no leaf.
          if (profile == nullptr || part.compute_slices != profile->compute_slices) continue;
          devices.push_back({part.uuid, record.id, part.id, record.placed});
        }
      }
      return OkStatus();
    }));
    std::ranges::sort(devices, {}, [](const hw::MigDevice& d) { return d.placed.placement; });
    return devices;
  }

  Result<std::vector<hw::GpuProcess>> ListProcesses(mig::GpuIndex gpu) override {
    std::vector<hw::GpuProcess> clients;
    FLEXMIG_RETURN_IF_ERROR(OnBoard(gpu, [&](const Board& board) -> Status {
      FLEXMIG_ASSIGN_OR_RETURN(clients, ListClients(*library_, board));
      return OkStatus();
    }));
    return clients;
  }

  Result<mig::GpuInstanceId> CreateGpuInstance(mig::GpuIndex gpu,
                                               const mig::PlacedProfile& placed) override {
    mig::GpuInstanceId id;
    FLEXMIG_RETURN_IF_ERROR(OnBoard(gpu, [&](const Board& board) -> Status {
      FLEXMIG_ASSIGN_OR_RETURN(id, CreateInstance(board, placed));
      return OkStatus();
    }));
    return id;
  }

  Result<hw::MigDevice> CreateComputeInstance(mig::GpuIndex gpu,
                                              mig::GpuInstanceId instance) override {
    hw::MigDevice device;
    FLEXMIG_RETURN_IF_ERROR(OnBoard(gpu, [&](const Board& board) -> Status {
      FLEXMIG_ASSIGN_OR_RETURN(device, CreatePart(board, instance));
      return OkStatus();
    }));
    return device;
  }

  Status DestroyComputeInstance(mig::GpuIndex gpu, mig::GpuInstanceId instance,
                                mig::ComputeInstanceId part) override {
    return OnBoard(gpu, [&](const Board& board) { return DestroyPart(board, instance, part); });
  }

  Status DestroyGpuInstance(mig::GpuIndex gpu, mig::GpuInstanceId instance) override {
    return OnBoard(gpu, [&](const Board& board) { return DestroyInstance(board, instance); });
  }

 private:
  struct CachedListing {
    std::vector<InstanceRecord> records;
    Clock::time_point read_at;
  };

  Status LoadBoards() {
    if (!boards_.empty()) return OkStatus();
    uint32_t count = 0;
    FLEXMIG_RETURN_IF_ERROR(
        ToStatus(library_->Call(library_->functions().count, &count), "nvmlDeviceGetCount"));
    std::vector<Board> boards;
    for (uint32_t i = 0; i < count; ++i) {
      auto board = ReadBoard(*library_, i, options_.sys);
      if (!board.ok()) return board.status().WithContext(StrCat("GPU ", i));
      boards.push_back(*std::move(board));
    }
    boards_ = std::move(boards);
    watch_.emplace(*library_, boards_);
    return OkStatus();
  }

  // Runs `body` on the board under the lock; errors name the GPU.
  Status OnBoard(mig::GpuIndex gpu, const std::function<Status(const Board&)>& body) {
    const std::lock_guard lock(mutex_);
    FLEXMIG_RETURN_IF_ERROR(LoadBoards());
    const auto count = static_cast<int>(boards_.size());
    if (gpu.value() < 0 || gpu.value() >= count) {
      return NotFoundError(StrCat("no GPU ", gpu.value(), ": this machine has ", count));
    }
    return body(boards_[static_cast<size_t>(gpu.value())]).WithContext(Name(gpu));
  }

  Result<std::vector<InstanceRecord>> Walk(const Board& board) {
    // With MIG off there is nothing, and who may not list need not ask.
    FLEXMIG_ASSIGN_OR_RETURN(const MigMode mode, ReadMigMode(*library_, board.device));
    if (!mode.enabled) return std::vector<InstanceRecord>();
    // Begun anew while others create and destroy under the walk.
    const auto deadline = Deadline::After(options_.retry_for);
    while (true) {
      auto records = ListInstances(*library_, board);
      if (records.ok() || records.status().code() != StatusCode::kAborted) return records;
      if (deadline.HasPassed()) return UnavailableError(records.status().message());
    }
  }

  // The instances, from memory if nothing can have changed.
  Result<const std::vector<InstanceRecord>*> Listing(const Board& board) {
    for (const mig::GpuUuid& changed : watch_->TakeChanged()) listings_.erase(changed);
    const auto found = listings_.find(board.uuid);
    if (found != listings_.end() && watch_->Covers(board.uuid) &&
        Clock::now() - found->second.read_at < options_.keep_listing_for) {
      return &found->second.records;
    }
    const auto now = Clock::now();
    FLEXMIG_ASSIGN_OR_RETURN(auto records, Walk(board));
    CachedListing& kept = listings_[board.uuid];
    kept = {std::move(records), now};
    return &kept.records;
  }

  void Forget(const Board& board) { listings_.erase(board.uuid); }

  static bool IsOnWholeGpu(const hw::GpuProcess& client) {
    return client.gpu_instance.value() == hw::kNoInstance;
  }

  Status Switch(const Board& board, bool enabled) {
    FLEXMIG_ASSIGN_OR_RETURN(const MigMode before, ReadMigMode(*library_, board.device));
    if (!before.has_mig) return UnimplementedError(StrCat(board.model->product, " has no MIG"));
    if (before.enabled == enabled && before.pending == enabled) return OkStatus();
    if (!enabled && before.enabled) {
      FLEXMIG_ASSIGN_OR_RETURN(const auto records, Walk(board));
      if (!records.empty()) {
        return FailedPreconditionError(
            StrCat("MIG cannot be switched off while ", records.size(), " GPU instances exist"));
      }
    }
    Return activation = Return::kSuccess;
    const uint32_t mode = enabled ? nvml_abi::kMigEnabled : nvml_abi::kMigDisabled;
    Return code =
        library_->Call(library_->functions().set_mig_mode, board.device, mode, &activation);
    if (code == Return::kInUse) activation = std::exchange(code, Return::kSuccess);
    if (!LeavesOutcomeOpen(code)) FLEXMIG_RETURN_IF_ERROR(ToStatus(code, "nvmlDeviceSetMigMode"));
    return Settle(board, enabled, code, activation);
  }

  // What came of a switch. The driver may have reset the GPU, so it is looked up again.
  Status Settle(const Board& board, bool enabled, Return code, Return activation) {
    const auto index = static_cast<uint32_t>(&board - boards_.data());
    FLEXMIG_ASSIGN_OR_RETURN(Board again, ReadBoard(*library_, index, options_.sys));
    boards_[index] = std::move(again);
    watch_.emplace(*library_, boards_);
    listings_.clear();
    FLEXMIG_ASSIGN_OR_RETURN(const MigMode after, ReadMigMode(*library_, board.device));
    if (after.enabled == enabled) return OkStatus();
    // Waits for the reset: of the GPU where the chip needs one, of the virtual machine where the
    // driver says so.
    const bool may_wait =
        board.model->mode_change_needs_reset || activation == Return::kResetRequired;
    if (after.pending == enabled && may_wait) return OkStatus();
    FLEXMIG_RETURN_IF_ERROR(ToStatus(code, "nvmlDeviceSetMigMode"));
    FLEXMIG_RETURN_IF_ERROR(users_.CheckClients(board, "the GPU", IsOnWholeGpu));
    if (activation == Return::kInUse)
      return users_.HeldByUnseen("the GPU", std::chrono::milliseconds(0));
    return ToStatus(activation == Return::kSuccess ? Return::kInvalidState : activation,
                    "nvmlDeviceSetMigMode has no effect");
  }

  Result<mig::GpuInstanceId> CreateInstance(const Board& board, const mig::PlacedProfile& placed) {
    FLEXMIG_ASSIGN_OR_RETURN(const MigMode mode, ReadMigMode(*library_, board.device));
    if (!mode.enabled) return FailedPreconditionError("MIG is off");
    FLEXMIG_RETURN_IF_ERROR(mig::CheckLayout(*board.model, std::span(&placed, 1)));
    const std::string what = StrCat(board.model->FindProfile(placed.profile)->name, " at ",
                                    placed.placement.start, ":", placed.placement.size);
    FLEXMIG_ASSIGN_OR_RETURN(const auto before, Walk(board));
    Forget(board);
    const Status made = library_->functions().create_gi_at != nullptr
                            ? CreateAt(board, placed, what)
                            : CreateSearching(board, placed, before, what);
    Forget(board);
    // Whatever the driver said, what is there counts.
    FLEXMIG_ASSIGN_OR_RETURN(const auto after, Walk(board));
    const auto at = [&](const std::vector<InstanceRecord>& records) {
      return std::ranges::find(records, placed, &InstanceRecord::placed);
    };
    const bool is_new = at(after) != after.end() && at(before) == before.end();
    if (is_new) return at(after)->id;
    FLEXMIG_RETURN_IF_ERROR(made);
    return UnavailableError(StrCat(what, ": the driver reports success, but there is no instance"));
  }

  Status CreateAt(const Board& board, const mig::PlacedProfile& placed, const std::string& what) {
    nvml_abi::GpuInstance instance;
    const nvml_abi::Placement where{static_cast<uint32_t>(placed.placement.start),
                                    static_cast<uint32_t>(placed.placement.size)};
    return Creating(board, what, [&] {
      return library_->Call(library_->functions().create_gi_at, board.device,
                            static_cast<uint32_t>(placed.profile.value()), &where, &instance);
    });
  }

  // The first instance of a GPU needs it idle: clients of the whole GPU stand in its way.
  Status Creating(const Board& board, const std::string& what,
                  const std::function<Return()>& create) {
    Return code = Return::kSuccess;
    const auto client = [&] { return users_.CheckClients(board, "the GPU", IsOnWholeGpu); };
    FLEXMIG_RETURN_IF_ERROR(
        users_.WaitWhileInUse("the GPU", create, client, code).WithContext(what));
    return ToStatus(code, what);
  }

  // For drivers without explicit placement. Whether there is room is known beforehand, and spares
  // the GPU the search.
  Status CreateSearching(const Board& board, const mig::PlacedProfile& placed,
                         const std::vector<InstanceRecord>& present, const std::string& what) {
    mig::MigLayout layout{placed};
    for (const InstanceRecord& record : present) layout.push_back(record.placed);
    FLEXMIG_RETURN_IF_ERROR(mig::CheckLayout(*board.model, layout));
    PlacementDriver driver;
    driver.create = [&](mig::ProfileId profile) -> Result<PlacementDriver::Made> {
      nvml_abi::GpuInstance instance;
      FLEXMIG_RETURN_IF_ERROR(Creating(board, what, [&] {
        return library_->Call(library_->functions().create_gi, board.device,
                              static_cast<uint32_t>(profile.value()), &instance);
      }));
      nvml_abi::GpuInstanceInfo info{};
      const Return code = library_->Call(library_->functions().gi_info, instance, &info);
      FLEXMIG_RETURN_IF_ERROR(ToStatus(code, "nvmlGpuInstanceGetInfo"));
      return PlacementDriver::Made{
          mig::GpuInstanceId(static_cast<int>(info.id)),
          {static_cast<int>(info.placement.start), static_cast<int>(info.placement.size)}};
    };
    driver.destroy = [&](mig::GpuInstanceId id) { return DestroyInstance(board, id); };
    return CreateBySearch(driver, *board.model, placed).status();
  }

  Result<hw::MigDevice> CreatePart(const Board& board, mig::GpuInstanceId id) {
    FLEXMIG_ASSIGN_OR_RETURN(const auto instance, FindGpuInstance(*library_, board, id));
    FLEXMIG_ASSIGN_OR_RETURN(const auto parts, ListParts(*library_, board, instance));
    if (!parts.empty()) {
      return AlreadyExistsError(
          StrCat("GPU instance ", id.value(), " holds a compute instance already"));
    }
    nvml_abi::GpuInstanceInfo info{};
    FLEXMIG_RETURN_IF_ERROR(ToStatus(library_->Call(library_->functions().gi_info, instance, &info),
                                     "nvmlGpuInstanceGetInfo"));
    const mig::PlacedProfile placed{
        mig::ProfileId(static_cast<int>(info.profile_id)),
        {static_cast<int>(info.placement.start), static_cast<int>(info.placement.size)}};
    const mig::Profile* profile = board.model->FindProfile(placed.profile);
    if (profile == nullptr) {
      return UnimplementedError(StrCat("GPU instance ", id.value(), " has profile id ",
                                       placed.profile.value(), ", which the driver does not list"));
    }
    FLEXMIG_ASSIGN_OR_RETURN(const uint32_t whole,
                             WholeProfileId(*library_, instance, profile->compute_slices));
    const std::string what = StrCat("the compute instance of GPU instance ", id.value());
    nvml_abi::ComputeInstance part;
    Forget(board);
    Return code = Return::kSuccess;
    const Status in_use = users_.WaitWhileInUse(
        what,
        [&] { return library_->Call(library_->functions().create_ci, instance, whole, &part); },
        [] { return OkStatus(); }, code);
    Forget(board);
    // As for GPU instances: look.
    FLEXMIG_ASSIGN_OR_RETURN(const auto now, ListParts(*library_, board, instance));
    for (const PartRecord& record : now) {
      if (record.compute_slices == profile->compute_slices) {
        return hw::MigDevice{record.uuid, id, record.id, placed};
      }
    }
    FLEXMIG_RETURN_IF_ERROR(in_use);
    FLEXMIG_RETURN_IF_ERROR(ToStatus(code, what));
    return UnavailableError(StrCat(what, ": the driver reports success, but there is none"));
  }

  Status DestroyPart(const Board& board, mig::GpuInstanceId id, mig::ComputeInstanceId part_id) {
    const FunctionTable& f = library_->functions();
    FLEXMIG_ASSIGN_OR_RETURN(const auto instance, FindGpuInstance(*library_, board, id));
    const std::string what =
        StrCat("compute instance ", part_id.value(), " of GPU instance ", id.value());
    const auto find = [&](nvml_abi::ComputeInstance& part) {
      return library_->Call(f.ci_by_id, instance, static_cast<uint32_t>(part_id.value()), &part);
    };
    nvml_abi::ComputeInstance part;
    const Return found = find(part);
    if (found == Return::kNotFound || found == Return::kInvalidArgument) {
      return NotFoundError(StrCat("no ", what));
    }
    FLEXMIG_RETURN_IF_ERROR(ToStatus(found, what));

    const auto client = [&] {
      return users_.CheckClients(board, what, [&](const hw::GpuProcess& process) {
        return process.gpu_instance == id && process.compute_instance == part_id;
      });
    };
    Forget(board);
    Return code = Return::kSuccess;
    FLEXMIG_RETURN_IF_ERROR(users_.WaitWhileInUse(
        what, [&] { return library_->Call(f.destroy_ci, part); }, client, code));
    Forget(board);
    return Gone(what, code, find(part));
  }

  Status DestroyInstance(const Board& board, mig::GpuInstanceId id) {
    const FunctionTable& f = library_->functions();
    FLEXMIG_ASSIGN_OR_RETURN(const auto instance, FindGpuInstance(*library_, board, id));
    const std::string what = StrCat("GPU instance ", id.value());
    const auto user = [&]() -> Status {
      FLEXMIG_ASSIGN_OR_RETURN(const auto parts, ListParts(*library_, board, instance));
      if (!parts.empty()) {
        return FailedPreconditionError(
            StrCat(what, " is in use: it holds compute instance ", parts.front().id.value()));
      }
      return users_.CheckClients(
          board, what, [&](const hw::GpuProcess& process) { return process.gpu_instance == id; });
    };
    Forget(board);
    Return code = Return::kSuccess;
    FLEXMIG_RETURN_IF_ERROR(users_.WaitWhileInUse(
        what, [&] { return library_->Call(f.destroy_gi, instance); }, user, code));
    Forget(board);
    nvml_abi::GpuInstance again;
    return Gone(
        what, code,
        library_->Call(f.gi_by_id, board.device, static_cast<uint32_t>(id.value()), &again));
  }

  // What came of a destruction: `code` is what the driver said, `found` what a look afterwards
  // gives.
  static Status Gone(std::string_view what, Return code, Return found) {
    const bool is_gone = found == Return::kNotFound || found == Return::kInvalidArgument;
    if (is_gone && (code == Return::kSuccess || LeavesOutcomeOpen(code))) return OkStatus();
    FLEXMIG_RETURN_IF_ERROR(ToStatus(code, what));
    if (found == Return::kSuccess) {
      return UnavailableError(StrCat(what, ": the driver reports success, but it is still there"));
    }
    return ToStatus(found, what);
  }

  const NvmlOptions options_;
  std::mutex mutex_;  // serialises calls; guards all below
  const std::unique_ptr<Library> library_;
  const Users users_;
  std::vector<Board> boards_;  // empty until the first call
  std::optional<ChangeWatch> watch_;
  std::map<mig::GpuUuid, CachedListing> listings_;
};

}  // namespace

Result<std::string> ReadDriverVersion(const NvmlOptions& options) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto library, Library::Open(options));
  return library->driver_version();
}

Result<std::unique_ptr<hw::MigBackend>> OpenNvml(NvmlOptions options) {
  FLEXMIG_ASSIGN_OR_RETURN(auto library, Library::Open(options));
  return std::unique_ptr<hw::MigBackend>(
      std::make_unique<NvmlBackend>(std::move(options), std::move(library)));
}

}  // namespace flexmig::nvml

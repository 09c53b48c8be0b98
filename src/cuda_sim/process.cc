#include "process.h"

#include <cstdlib>
#include <string_view>

#include <unistd.h>

#include "flexmig/base/env.h"
#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

namespace flexmig::cuda_sim {
namespace {

// Of the simulated libnvidia-ml.so.1 as well.
constexpr char kDefaultDriver[] = "580.105.08";

struct Branch {
  int number = 0;
  int cuda = 0;
};

// The CUDA version that came with a driver branch.
Result<Branch> DriverFromEnvironment() {
  const std::string text = GetEnv("FLEXMIG_SIM_DRIVER").value_or(kDefaultDriver);
  constexpr Branch kFirst[] = {{580, 13000}, {570, 12080}, {560, 12060}, {550, 12040},
                               {535, 12020}, {525, 12000}, {510, 11060}, {470, 11040},
                               {460, 11020}, {450, 11000}};
  const auto parts = StrSplit(text, '.');
  if (parts.size() < 2 || parts.size() > 3) {
    return InvalidArgumentError(StrCat("FLEXMIG_SIM_DRIVER: '", text,
                                       "' is no driver version; expected e.g. ", kDefaultDriver));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const auto number, ParseInt(parts[0], 0, 9999));
  for (const Branch& branch : kFirst) {
    if (number >= branch.number) return Branch{static_cast<int>(number), branch.cuda};
  }
  return Branch{static_cast<int>(number), 10020};
}

// "7:5ms", a seed and the longest delay.
Result<Delays> ParseDelays(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return InvalidArgumentError(StrCat("FLEXMIG_SIM_CUDA_DELAYS: '", text,
                                       "' is no <seed>:<longest delay>; expected e.g. 7:5ms"));
  }
  const auto seed = ParseInt(text.substr(0, colon), 0, INT64_MAX);
  if (!seed.ok()) return seed.status().WithContext("FLEXMIG_SIM_CUDA_DELAYS");
  const auto longest = ParseDuration(text.substr(colon + 1));
  if (!longest.ok()) return longest.status().WithContext("FLEXMIG_SIM_CUDA_DELAYS");
  return Delays{static_cast<uint64_t>(*seed), *longest};
}

}  // namespace

Process& Process::Instance() {
  static auto* const process = new Process;
  return *process;
}

ResultCode Process::Init() {
  const std::lock_guard lock(mutex_);
  if (outcome_ == ResultCode::kSuccess) {
    return pid_ == ::getpid() ? ResultCode::kSuccess : ResultCode::kNotInitialized;
  }
  const Status opened = Open();
  problem_ = opened.ok() ? "" : opened.message();
  outcome_ = opened.ok()                                       ? ResultCode::kSuccess
             : opened.code() == StatusCode::kResourceExhausted ? ResultCode::kOutOfMemory
                                                               : ResultCode::kNoDevice;
  pid_ = ::getpid();
  return *outcome_;
}

std::optional<int> Process::DriverVersion() {
  const auto driver = DriverFromEnvironment();
  return driver.ok() ? std::optional<int>(driver->cuda) : std::nullopt;
}

ResultCode Process::state() const {
  const std::lock_guard lock(mutex_);
  return outcome_ == ResultCode::kSuccess && pid_ == ::getpid() ? ResultCode::kSuccess
                                                                : ResultCode::kNotInitialized;
}

std::string Process::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

Status Process::Open() {
  const auto name = GetEnv("FLEXMIG_SIM_NODE");
  if (!name) {
    return FailedPreconditionError(
        "FLEXMIG_SIM_NODE is not set; it names the simulated node, e.g. a100x1");
  }
  FLEXMIG_ASSIGN_OR_RETURN(const Branch driver, DriverFromEnvironment());
  if (const auto text = GetEnv("FLEXMIG_SIM_CUDA_DELAYS")) {
    FLEXMIG_ASSIGN_OR_RETURN(delays_, ParseDelays(*text));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const auto spec, simhw::FindNodeSpec(*name));
  FLEXMIG_ASSIGN_OR_RETURN(const auto options, simhw::SimOptionsFromEnvironment());
  simhw::SimMachine machine(spec, options);
  FLEXMIG_ASSIGN_OR_RETURN(const auto state, machine.Peek());
  // NOLINTNEXTLINE(concurrency-mt-unsafe): as the driver reads it, once; empty differs from unset.
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  constexpr int kFirstWithAllLeaves = 570;
  const auto infos = VisibleDevices(
      machine, state, visible == nullptr ? std::nullopt : std::optional<std::string_view>(visible),
      driver.number >= kFirstWithAllLeaves);
  if (infos.empty()) {
    return NotFoundError(StrCat("no device of ", *name, " is visible",
                                visible == nullptr ? "" : " through CUDA_VISIBLE_DEVICES=",
                                visible == nullptr ? "" : visible));
  }
  std::vector<std::unique_ptr<Device>> devices;
  for (const DeviceInfo& info : infos) {
    auto device = std::make_unique<Device>();
    device->ordinal = static_cast<int>(devices.size());
    device->info = info;
    FLEXMIG_ASSIGN_OR_RETURN(device->memory,
                             DeviceMemory::Create(static_cast<size_t>(info.memory.count())));
    devices.push_back(std::move(device));
  }
  auto node = std::make_unique<simhw::SimNode>(spec, options);
  FLEXMIG_RETURN_IF_ERROR(OpenLinks(spec, options));
  node_ = std::move(node);
  devices_ = std::move(devices);
  return OkStatus();
}

Device* Process::FindDevice(cuda_abi::Device device) const {
  if (device < 0 || static_cast<size_t>(device) >= devices_.size()) return nullptr;
  return devices_[static_cast<size_t>(device)].get();
}

Device* Process::DeviceOf(uint64_t address) const {
  for (const auto& device : devices_) {
    if (device->memory->Contains(address)) return device.get();
  }
  return nullptr;
}

Status Process::OpenLinks(const simhw::NodeSpec& spec, const simhw::SimOptions& options) {
  if (links_ != nullptr) return OkStatus();
  double bandwidth = 0;
  if (const auto text = GetEnv("FLEXMIG_SIM_LINK")) {
    const auto parsed = ParseBandwidth(*text);
    if (!parsed.ok()) return parsed.status().WithContext("FLEXMIG_SIM_LINK");
    bandwidth = *parsed;
  }
  FLEXMIG_ASSIGN_OR_RETURN(links_, Links::Open(options.state_directory / spec.name, bandwidth));
  return OkStatus();
}

Links* Process::links() {
  const std::lock_guard lock(mutex_);
  if (links_ != nullptr) return links_.get();
  const auto name = GetEnv("FLEXMIG_SIM_NODE");
  if (!name) return nullptr;
  const auto spec = simhw::FindNodeSpec(*name);
  const auto options = simhw::SimOptionsFromEnvironment();
  if (!spec.ok() || !options.ok() || !OpenLinks(*spec, *options).ok()) return nullptr;
  return links_.get();
}

ResultCode Process::AddUser(Device& device) {
  Users& users = users_[&device];
  if (users.contexts++ > 0) return ResultCode::kSuccess;
  const Status attached = node_->AttachProcess(device.info.uuid, ::getpid());
  users.are_ours = attached.ok();
  // Whoever started the process may have told the node before.
  if (attached.ok() || attached.code() == StatusCode::kAlreadyExists) return ResultCode::kSuccess;
  --users.contexts;
  problem_ = attached.message();
  // The leaf has gone since cuInit.
  return ResultCode::kDeviceUnavailable;
}

void Process::DropUser(Device& device) {
  Users& users = users_[&device];
  if (--users.contexts > 0 || !users.are_ours) return;
  // Gone is gone, whoever was quicker.
  static_cast<void>(node_->DetachProcess(device.info.uuid, ::getpid()));
}

ResultCode Process::RetainPrimary(Device& device, Context** context) {
  const std::lock_guard lock(mutex_);
  Primary& primary = primaries_[&device];
  if (primary.references == 0) {
    if (const ResultCode code = AddUser(device); code != ResultCode::kSuccess) return code;
    auto created = std::make_unique<Context>(device, primary.flags, delays_);
    primary.context = created.get();
    contexts_[reinterpret_cast<cuda_abi::Context>(created.get())] = std::move(created);
  }
  ++primary.references;
  *context = primary.context;
  return ResultCode::kSuccess;
}

ResultCode Process::ReleasePrimary(Device& device, bool all) {
  Context* gone = nullptr;
  {
    const std::lock_guard lock(mutex_);
    Primary& primary = primaries_[&device];
    if (primary.references == 0) {
      return all ? ResultCode::kSuccess : ResultCode::kInvalidContext;
    }
    primary.references = all ? 0 : primary.references - 1;
    if (primary.references > 0) return ResultCode::kSuccess;
    gone = std::exchange(primary.context, nullptr);
  }
  gone->Synchronize();
  gone->destroyed = true;
  const std::lock_guard lock(mutex_);
  DropUser(device);
  return ResultCode::kSuccess;
}

bool Process::IsPrimaryActive(const Device& device, uint32_t* flags) {
  const std::lock_guard lock(mutex_);
  const Primary& primary = primaries_[&device];
  *flags = primary.flags;
  return primary.references > 0;
}

ResultCode Process::SetPrimaryFlags(Device& device, uint32_t flags) {
  constexpr uint32_t kAll = 0xFF;  // CU_CTX_FLAGS_MASK
  if ((flags & ~kAll) != 0) return ResultCode::kInvalidValue;
  const std::lock_guard lock(mutex_);
  primaries_[&device].flags = flags;
  return ResultCode::kSuccess;
}

ResultCode Process::CreateContext(Device& device, uint32_t flags, Context** context) {
  const std::lock_guard lock(mutex_);
  if (const ResultCode code = AddUser(device); code != ResultCode::kSuccess) return code;
  auto created = std::make_unique<Context>(device, flags, delays_);
  *context = created.get();
  contexts_[reinterpret_cast<cuda_abi::Context>(created.get())] = std::move(created);
  return ResultCode::kSuccess;
}

ResultCode Process::DestroyContext(Context& context) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [device, primary] : primaries_) {
      if (primary.context == &context) return ResultCode::kInvalidContext;
    }
  }
  context.Synchronize();
  if (context.destroyed.exchange(true)) return ResultCode::kInvalidContext;
  const std::lock_guard lock(mutex_);
  DropUser(context.device());
  return ResultCode::kSuccess;
}

Context* Process::FindContext(cuda_abi::Context handle) {
  const std::lock_guard lock(mutex_);
  const auto found = contexts_.find(handle);
  if (found == contexts_.end() || found->second->destroyed) return nullptr;
  return found->second.get();
}

std::vector<Context*>& ContextStack() {
  thread_local std::vector<Context*> stack;
  return stack;
}

}  // namespace flexmig::cuda_sim

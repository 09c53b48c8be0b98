#include "session.h"

#include <cstring>

#include "flexmig/base/check.h"
#include "flexmig/base/env.h"
#include "flexmig/base/strings.h"
#include "flexmig/simhw/identity.h"

namespace flexmig::nvml_sim {
namespace {

using simhw::SimFault;

// Of the captures behind the boards.
constexpr char kDefaultDriver[] = "580.105.08";

struct Process {
  std::mutex mutex;
  int references = 0;
  std::unique_ptr<Session> session;
  std::string problem;
};

// Never destroyed: clients call the library from their own destructors and exit handlers.
Process& TheProcess() {
  static auto* const process = new Process;
  return *process;
}

Result<std::unique_ptr<Session>> Open() {
  const auto name = GetEnv("FLEXMIG_SIM_NODE");
  if (!name) {
    return FailedPreconditionError(
        "FLEXMIG_SIM_NODE is not set; it names the simulated node, e.g. dgx-a100-40");
  }
  FLEXMIG_ASSIGN_OR_RETURN(const auto spec, simhw::FindNodeSpec(*name));
  FLEXMIG_ASSIGN_OR_RETURN(auto options, simhw::SimOptionsFromEnvironment());
  auto driver = ParseDriverVersion(GetEnv("FLEXMIG_SIM_DRIVER").value_or(kDefaultDriver));
  if (!driver.ok()) return driver.status().WithContext("FLEXMIG_SIM_DRIVER");
  auto session = std::make_unique<Session>(spec, std::move(options), *std::move(driver));
  FLEXMIG_RETURN_IF_ERROR(session->machine().Peek().status());
  FLEXMIG_RETURN_IF_ERROR(session->machine().RefreshCapabilities());
  return session;
}

}  // namespace

Result<DriverVersion> ParseDriverVersion(std::string_view text) {
  DriverVersion version;
  version.text = text;
  const auto parts = StrSplit(text, '.');
  if (parts.size() < 2 || parts.size() > 3) {
    return InvalidArgumentError(
        StrCat("'", text, "' is no driver version; expected e.g. ", kDefaultDriver));
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    FLEXMIG_ASSIGN_OR_RETURN(const auto number, ParseInt(parts[i], 0, 9999));
    version.parts[i] = static_cast<int>(number);
  }
  return version;
}

Return ToReturn(const Status& status, SimFault fault) {
  switch (fault) {
    case SimFault::kNone:
    case SimFault::kPretend: break;
    case SimFault::kBusy:
    case SimFault::kInUse: return Return::kInUse;
    case SimFault::kLost: return Return::kGpuIsLost;
    case SimFault::kNoPermission: return Return::kNoPermission;
    case SimFault::kNoRoom: return Return::kInsufficientResources;
    case SimFault::kTimeout: return Return::kTimeout;
  }
  switch (status.code()) {
    case StatusCode::kOk: return Return::kSuccess;
    case StatusCode::kInvalidArgument: return Return::kInvalidArgument;
    case StatusCode::kFailedPrecondition: return Return::kInUse;
    case StatusCode::kResourceExhausted:
    case StatusCode::kAlreadyExists: return Return::kInsufficientResources;
    case StatusCode::kNotFound: return Return::kNotFound;
    case StatusCode::kUnavailable: return Return::kGpuIsLost;
    case StatusCode::kDeadlineExceeded: return Return::kTimeout;
    case StatusCode::kPermissionDenied: return Return::kNoPermission;
    case StatusCode::kUnimplemented: return Return::kNotSupported;
    case StatusCode::kAborted:
    case StatusCode::kDataLoss:
    case StatusCode::kInternal: return Return::kUnknown;
  }
  return Return::kUnknown;
}

Return Session::Read(simhw::SimOperation operation, const Handle& handle,
                     std::optional<simhw::SimBoard>& board) {
  SimFault fault = SimFault::kNone;
  auto read = machine_.ReadBoard(operation, handle.gpu_index(), &fault);
  if (!read.ok()) return ToReturn(read.status(), fault);
  if (handle.kind != HandleKind::kGpu) {
    const auto instance = read->FindInstance(handle.gpu_instance_id());
    if (!instance.ok()) return Return::kInvalidArgument;
    bool found = handle.kind == HandleKind::kGpuInstance;
    for (const auto& part : (*instance)->compute_instances) {
      found = found || part.id == handle.compute_instance_id();
    }
    if (!found) return Return::kInvalidArgument;
  }
  board = *std::move(read);
  return Return::kSuccess;
}

Return Session::Change(simhw::SimOperation operation, const Handle& handle,
                       const std::function<Status(simhw::SimBoard&)>& change) {
  SimFault fault = SimFault::kNone;
  const Status status = machine_.ChangeBoard(operation, handle.gpu_index(), change, &fault);
  return ToReturn(status, fault);
}

std::string Session::MigUuidOf(const Handle& handle, const simhw::SimBoard& board) const {
  const mig::GpuUuid& gpu = machine_.gpu_uuid(handle.gpu_index());
  if (!driver_.has_mig_uuids()) {
    return StrCat("MIG-", gpu.value(), "/", int{handle.gpu_instance}, "/",
                  int{handle.compute_instance});
  }
  const auto instance = board.FindInstance(handle.gpu_instance_id());
  FLEXMIG_CHECK(instance.ok());
  return simhw::MakeMigUuid(gpu, (*instance)->placed.placement, handle.compute_instance_id())
      .value();
}

Return OpenSession() noexcept {
  try {
    Process& process = TheProcess();
    const std::lock_guard lock(process.mutex);
    if (process.references == 0) {
      auto session = Open();
      if (!session.ok()) {
        process.problem = session.status().message();
        return Return::kDriverNotLoaded;
      }
      process.session = *std::move(session);
      process.problem.clear();
    }
    ++process.references;
    return Return::kSuccess;
  } catch (...) {
    return Return::kUnknown;
  }
}

Return CloseSession() noexcept {
  try {
    Process& process = TheProcess();
    const std::lock_guard lock(process.mutex);
    if (process.references == 0) return Return::kUninitialized;
    if (--process.references == 0) process.session.reset();
    return Return::kSuccess;
  } catch (...) {
    return Return::kUnknown;
  }
}

const char* OpenSessionProblem() noexcept {
  const std::string& problem = TheProcess().problem;
  return problem.empty() ? nullptr : problem.c_str();
}

std::mutex& SessionMutex() { return TheProcess().mutex; }
Session* CurrentSession() { return TheProcess().session.get(); }

Return CopyText(std::string_view text, char* out, uint32_t length) {
  if (out == nullptr) return Return::kInvalidArgument;
  if (length <= text.size()) return Return::kInsufficientSize;
  std::memcpy(out, text.data(), text.size());
  out[text.size()] = '\0';
  return Return::kSuccess;
}

}  // namespace flexmig::nvml_sim

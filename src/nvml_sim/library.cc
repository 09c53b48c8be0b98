// Begin, end, and what concerns no device.

#include <algorithm>
#include <string>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

#include "session.h"

namespace flexmig::nvml_abi {

using nvml_sim::CloseSession;
using nvml_sim::CopyText;
using nvml_sim::OpenSession;
using nvml_sim::Session;
using nvml_sim::WithSession;

namespace {

// The words of NVML's own nvmlErrorString.
const char* Words(Return code) {
  switch (code) {
    case Return::kSuccess: return "Success";
    case Return::kUninitialized: return "Uninitialized";
    case Return::kInvalidArgument: return "Invalid Argument";
    case Return::kNotSupported: return "Not Supported";
    case Return::kNoPermission: return "Insufficient Permissions";
    case Return::kAlreadyInitialized: return "Already Initialized";
    case Return::kNotFound: return "Not Found";
    case Return::kInsufficientSize: return "Insufficient Size";
    case Return::kInsufficientPower: return "Insufficient External Power";
    case Return::kDriverNotLoaded: return "Driver Not Loaded";
    case Return::kTimeout: return "Timeout";
    case Return::kIrqIssue: return "Interrupt Request Issue";
    case Return::kLibraryNotFound: return "NVML Shared Library Not Found";
    case Return::kFunctionNotFound: return "Function Not Found";
    case Return::kCorruptedInforom: return "Corrupted infoROM";
    case Return::kGpuIsLost: return "GPU is lost";
    case Return::kResetRequired: return "GPU requires reset";
    case Return::kOperatingSystem: return "GPU access blocked by the operating system";
    case Return::kLibRmVersionMismatch: return "Driver/library version mismatch";
    case Return::kInUse: return "In use by another client";
    case Return::kMemory: return "Insufficient Memory";
    case Return::kNoData: return "No data";
    case Return::kVgpuEccNotSupported: return "vGPU not supported with ECC enabled";
    case Return::kInsufficientResources: return "Insufficient Resources";
    case Return::kFreqNotSupported: return "Requested frequency is not supported";
    case Return::kArgumentVersionMismatch: return "Argument version mismatch";
    case Return::kDeprecated: return "Deprecated";
    case Return::kNotReady: return "Not Ready";
    case Return::kGpuNotFound: return "No GPU Found";
    case Return::kInvalidState: return "Invalid State";
    case Return::kResetTypeNotSupported: return "Reset type not supported";
    case Return::kUnknown: break;
  }
  return "Unknown Error";
}

// The CUDA version that came with a driver branch.
int32_t CudaVersionOf(int driver_branch) {
  constexpr std::pair<int, int32_t> kFirstBranches[] = {
      {580, 13000}, {570, 12080}, {560, 12060}, {550, 12040}, {535, 12020},
      {525, 12000}, {510, 11060}, {470, 11040}, {460, 11020}, {450, 11000}};
  for (const auto& [branch, cuda] : kFirstBranches) {
    if (driver_branch >= branch) return cuda;
  }
  return 10020;
}

}  // namespace

extern "C" {

Return nvmlInit() noexcept { return OpenSession(); }
Return nvmlInit_v2() noexcept { return OpenSession(); }
// The flags only say what is not an error without GPUs, and a simulated node always has some.
Return nvmlInitWithFlags(uint32_t) noexcept { return OpenSession(); }
Return nvmlShutdown() noexcept { return CloseSession(); }

const char* nvmlErrorString(Return code) noexcept {
  if (code == Return::kDriverNotLoaded) {
    if (const char* problem = nvml_sim::OpenSessionProblem()) return problem;
  }
  return Words(code);
}

Return nvmlSystemGetDriverVersion(char* version, uint32_t length) noexcept {
  return WithSession(
      [&](Session& session) { return CopyText(session.driver().text, version, length); });
}

Return nvmlSystemGetNVMLVersion(char* version, uint32_t length) noexcept {
  return WithSession([&](Session& session) {
    const int branch = CudaVersionOf(session.driver().parts[0]) / 1000;
    return CopyText(StrCat(branch, ".", session.driver().text), version, length);
  });
}

Return nvmlSystemGetCudaDriverVersion_v2(int32_t* version) noexcept {
  if (version == nullptr) return Return::kInvalidArgument;
  return WithSession([&](Session& session) {
    *version = CudaVersionOf(session.driver().parts[0]);
    return Return::kSuccess;
  });
}

Return nvmlSystemGetCudaDriverVersion(int32_t* version) noexcept {
  return nvmlSystemGetCudaDriverVersion_v2(version);
}

// The first word of the command line, cut off to fit as NVML does it.
Return nvmlSystemGetProcessName(uint32_t pid, char* name, uint32_t length) noexcept {
  if (name == nullptr || length == 0) return Return::kInvalidArgument;
  return WithSession([&](Session&) {
    const auto line = ReadFile(StrCat("/proc/", pid, "/cmdline"));
    if (!line.ok()) return Return::kNotFound;
    const std::string_view command = std::string_view(*line).substr(0, line->find('\0'));
    return CopyText(command.substr(0, std::min<size_t>(command.size(), length - 1)), name, length);
  });
}

}  // extern "C"
}  // namespace flexmig::nvml_abi

// Modules and kernels.

#include <algorithm>
#include <cstring>

#include "calls.h"
#include "kernels.h"
#include "ptx.h"

namespace flexmig::cuda_abi {

using cuda_sim::Kernel;
using cuda_sim::Process;
using cuda_sim::WithContext;
using cuda_sim::WithStream;
using SimContext = cuda_sim::Context;

extern "C" {

ResultCode cuModuleLoadData(Module* module, const void* image) noexcept {
  if (module == nullptr || image == nullptr) return ResultCode::kInvalidValue;
  return WithContext([&](Process& process, SimContext&) {
    if (const auto code = cuda_sim::CheckNotCaptured(); code != ResultCode::kSuccess) return code;
    // Only text is known: PTX begins with a comment, a space or a directive.
    const auto* const text = static_cast<const char*>(image);
    constexpr std::string_view kBeginnings = "./ \t\r\n";
    if (kBeginnings.find(*text) == std::string_view::npos) return ResultCode::kInvalidImage;
    auto parsed = cuda_sim::ParsePtx(text);
    if (parsed == nullptr) return ResultCode::kInvalidPtx;
    *module = process.modules.Add(std::move(parsed));
    return ResultCode::kSuccess;
  });
}

// Options ask for logs and limits of a compiler that is not there.
ResultCode cuModuleLoadDataEx(Module* module, const void* image, uint32_t option_count,
                              int32_t* options, void** values) noexcept {
  if (option_count > 0 && (options == nullptr || values == nullptr)) {
    return ResultCode::kInvalidValue;
  }
  return cuModuleLoadData(module, image);
}

ResultCode cuModuleUnload(Module module) noexcept {
  return WithContext([&](Process& process, SimContext&) {
    return process.modules.Remove(module) == nullptr ? ResultCode::kInvalidHandle
                                                     : ResultCode::kSuccess;
  });
}

// Names that the PTX does not have, and those that no function of the host stands for.
ResultCode cuModuleGetFunction(Function* function, Module module, const char* name) noexcept {
  if (function == nullptr || name == nullptr) return ResultCode::kInvalidValue;
  return WithContext([&](Process& process, SimContext&) {
    const auto found = process.modules.Find(module);
    if (found == nullptr) return ResultCode::kInvalidHandle;
    if (std::ranges::find(found->entries, name) == found->entries.end()) {
      return ResultCode::kNotFound;
    }
    const Kernel* const kernel = cuda_sim::FindKernel(name);
    if (kernel == nullptr) return ResultCode::kNotFound;
    // Kernels are static; the handle does not own them.
    *function = process.kernels.Add(std::shared_ptr<const Kernel>(kernel, [](const Kernel*) {}));
    return ResultCode::kSuccess;
  });
}

ResultCode cuLaunchKernel(Function function, uint32_t grid_x, uint32_t grid_y, uint32_t grid_z,
                          uint32_t block_x, uint32_t block_y, uint32_t block_z,
                          uint32_t shared_bytes, Stream stream, void** parameters,
                          void** extra) noexcept {
  return WithStream(stream, [&](Process& process, const auto& found) {
    const auto kernel = process.kernels.Find(function);
    if (kernel == nullptr) return ResultCode::kInvalidHandle;
    constexpr uint64_t kMostThreads = 1024;
    constexpr uint32_t kMostShared = 228 << 10;
    const uint64_t threads = uint64_t{block_x} * block_y * block_z;
    if (uint64_t{grid_x} * grid_y * grid_z == 0 || threads == 0 || threads > kMostThreads ||
        shared_bytes > kMostShared || extra != nullptr || parameters == nullptr) {
      return ResultCode::kInvalidValue;
    }
    std::vector<uint64_t> values;
    for (size_t i = 0; i < kernel->sizes.size(); ++i) {
      if (parameters[i] == nullptr) return ResultCode::kInvalidValue;
      // Little-endian, so that a short value lies in front.
      uint64_t value = 0;
      std::memcpy(&value, parameters[i], kernel->sizes[i]);
      values.push_back(value);
    }
    return cuda_sim::Submit(found,
                            [kernel, values = std::move(values), &context = found->context()] {
                              return kernel->run(context, values);
                            });
  });
}

}  // extern "C"
}  // namespace flexmig::cuda_abi

#include "exchange_kernel.h"

#include <mutex>
#include <string>
#include <vector>

#include "flexmig/device_kernels/exchange_kernel.h"

namespace flexmig::device {
namespace {

struct Loaded {
  const cuda::Driver* driver;
  cuda::Context context;
  cuda::Function function;
};

}  // namespace

Result<cuda::Function> LoadExchangeKernel(const cuda::Driver& driver, cuda::Context context) {
  // Never destroyed, as the modules.
  static std::mutex& mutex = *new std::mutex;
  static std::vector<Loaded>& loaded = *new std::vector<Loaded>;
  const std::lock_guard lock(mutex);
  for (const Loaded& candidate : loaded) {
    if (candidate.driver == &driver && candidate.context == context) return candidate.function;
  }
  const std::string ptx(device_kernels::ExchangeKernelPtx());
  if (ptx.empty()) {
    return UnimplementedError("this library was built without its kernel, for want of clang");
  }
  FLEXMIG_ASSIGN_OR_RETURN(const cuda::Module module, driver.LoadModule(ptx));
  FLEXMIG_ASSIGN_OR_RETURN(const cuda::Function function,
                           driver.FindFunction(module, device_kernels::kExchangeKernelName));
  loaded.push_back({&driver, context, function});
  return function;
}

}  // namespace flexmig::device

#include "library.h"

#include <dlfcn.h>

#include "flexmig/base/env.h"
#include "flexmig/base/strings.h"

#include "return_status.h"

namespace flexmig::nvml {

using nvml_abi::Return;

NvmlOptions NvmlOptionsFromEnvironment() {
  NvmlOptions options;
  if (auto path = GetEnv("FLEXMIG_NVML_PATH")) options.library = *std::move(path);
  return options;
}

std::mutex& Library::Mutex() {
  static std::mutex mutex;
  return mutex;
}

Result<std::unique_ptr<Library>> Library::Open(const NvmlOptions& options) {
  // Never closed: drivers' libraries leave threads and handlers behind.
  void* const loaded = ::dlopen(options.library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (loaded == nullptr) {
    const char* reason = ::dlerror();
    return UnavailableError(StrCat("the driver's library cannot be loaded: ",
                                   reason == nullptr ? options.library.c_str() : reason,
                                   " (FLEXMIG_NVML_PATH names another one)"));
  }
  const auto find = [&](const char* name) {
    void* const found = ::dlsym(loaded, name);
    return options.filter_symbol ? options.filter_symbol(name, found) : found;
  };
  auto functions = ResolveFunctions(find);
  if (!functions.ok()) return functions.status().WithContext(options.library);

  // Only an initialised library is shut down, so the object comes after the call.
  const Return code = [&] {
    const std::lock_guard lock(Mutex());
    return functions->init();
  }();
  if (code != Return::kSuccess) {
    const Status status = ToStatus(code, "nvmlInit");
    const char* words = functions->error_string != nullptr ? functions->error_string(code) : "";
    return Status(status.code(), StrCat(options.library, ": ", status.message(), " (", words, ")"));
  }
  std::unique_ptr<Library> library(new Library(*functions));
  char version[nvml_abi::kVersionSize] = "";
  const Return asked = library->Call(functions->driver_version, version, uint32_t{sizeof version});
  FLEXMIG_RETURN_IF_ERROR(ToStatus(asked, "nvmlSystemGetDriverVersion"));
  library->driver_version_ = version;
  return library;
}

Library::~Library() {
  // Nobody could do anything about a failure.
  static_cast<void>(Call(functions_.shutdown));
}

}  // namespace flexmig::nvml

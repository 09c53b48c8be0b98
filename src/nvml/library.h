#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "flexmig/base/status.h"
#include "flexmig/nvml/nvml_backend.h"
#include "flexmig/nvml_abi/functions.h"

#include "function_table.h"

namespace flexmig::nvml {

// The driver's library, loaded and initialised as long as the object lives.
// Threading: thread-safe; one lock for the whole process, because older drivers' libraries are not.
class Library {
 public:
  // Errors: those of OpenNvml.
  static Result<std::unique_ptr<Library>> Open(const NvmlOptions& options);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  [[nodiscard]] const FunctionTable& functions() const { return functions_; }
  [[nodiscard]] const std::string& driver_version() const { return driver_version_; }

  // Calls a function of the table; FUNCTION_NOT_FOUND if the library lacks it.
  template <typename... Parameters, typename... Arguments>
  nvml_abi::Return Call(nvml_abi::Return (*function)(Parameters...) noexcept,
                        Arguments... arguments) const {
    if (function == nullptr) return nvml_abi::Return::kFunctionNotFound;
    const std::lock_guard lock(Mutex());
    return function(arguments...);
  }

 private:
  explicit Library(const FunctionTable& functions) : functions_(functions) {}
  static std::mutex& Mutex();

  const FunctionTable functions_;
  std::string driver_version_;
};

}  // namespace flexmig::nvml

#pragma once

#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/nvml_abi/return_code.h"

namespace flexmig::nvml {

// What the caller of a function that returned this does next. Codes of newer drivers are kInternal.
StatusCode CodeOf(nvml_abi::Return code);

// "<what>: NVML_ERROR_NO_PERMISSION" under that code; Ok for kSuccess.
Status ToStatus(nvml_abi::Return code, std::string_view what);

// Whether the function may have done its work although it says otherwise.
bool LeavesOutcomeOpen(nvml_abi::Return code);

}  // namespace flexmig::nvml

#pragma once

#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/cuda_abi/result_code.h"

namespace flexmig::cuda {

// What the caller of a function that returned this does next. Codes of newer drivers are kInternal.
StatusCode CodeOf(cuda_abi::ResultCode code);

// "<call>: CUDA_ERROR_INVALID_VALUE" under that code; Ok for kSuccess.
Status ToStatus(cuda_abi::ResultCode code, std::string_view call);

}  // namespace flexmig::cuda

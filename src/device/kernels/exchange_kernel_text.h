#pragma once

#include <string_view>

namespace flexmig::device_kernels {

// Embedded by cmake/EmbedText.cmake.
extern const std::string_view kExchangeKernelPtx;

}  // namespace flexmig::device_kernels

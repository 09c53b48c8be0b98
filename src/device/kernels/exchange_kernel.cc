#include "flexmig/device_kernels/exchange_kernel.h"

#include "exchange_kernel_text.h"

namespace flexmig::device_kernels {

std::string_view ExchangeKernelPtx() { return kExchangeKernelPtx; }

}  // namespace flexmig::device_kernels

// All versions of all functions.
#define __CUDA_API_VERSION_INTERNAL
#include <cstddef>

#include <cuda.h>

#include "facts_for_test.h"

namespace flexmig::cuda_abi {

// Casts of any kind, since some of the header's constants are pointers.
#define FLEXMIG_FUNCTION(name) facts.functions[#name] = ShapeOf(&::name);
#define FLEXMIG_VALUE(own, cuda) facts.values[#cuda] = Number(cuda);

namespace {
template <typename T>
unsigned long long Number(T value) {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<unsigned long long>(value);
  } else {
    return static_cast<unsigned long long>(value);
  }
}
}  // namespace

Facts HeaderFacts() {
  Facts facts;
#include "facts_for_test.inc"
  return facts;
}

}  // namespace flexmig::cuda_abi

#pragma once

#include <map>
#include <string>
#include <type_traits>

#include "flexmig/base/strings.h"

namespace flexmig::cuda_abi {

// What a type is to a caller of a C function: its class and size.
template <typename T>
std::string ShapeOf() {
  if constexpr (std::is_void_v<T>) {
    return "void";
  } else if constexpr (std::is_pointer_v<T>) {
    return "pointer";
  } else if constexpr (std::is_floating_point_v<T>) {
    return StrCat("float", sizeof(T));
  } else {
    static_assert(std::is_integral_v<T> || std::is_enum_v<T>);
    return StrCat("integer", sizeof(T));
  }
}

template <typename R, typename... P>
std::string ShapeOf(R (*)(P...)) {
  std::string text = ShapeOf<R>() + "(";
  ((text += ShapeOf<P>() + " "), ...);
  return text + ")";
}

// Functions with their shapes, constants and sizes with their values; by CUDA's names.
struct Facts {
  std::map<std::string, std::string> functions;
  std::map<std::string, unsigned long long> values;
};
Facts OwnFacts();
Facts HeaderFacts();  // REQUIRES: built with cuda.h

}  // namespace flexmig::cuda_abi

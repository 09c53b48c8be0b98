#pragma once

namespace flexmig::internal {

// Prints "file:line: check failed: expression" and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* expression);

}  // namespace flexmig::internal

// For bugs only, never for input, hardware or peers: those get a Status.
#define FLEXMIG_CHECK(condition)                                        \
  do {                                                                  \
    if (!(condition)) [[unlikely]]                                      \
      ::flexmig::internal::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)

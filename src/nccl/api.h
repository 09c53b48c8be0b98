#pragma once

// For the files that define the C interface: those of exports.txt, and nothing else is exported.

#define FLEXMIG_NCCL_API __attribute__((visibility("default")))
#include "flexmig/nccl_abi/functions.h"

// Gives a function that has just been defined its pnccl name too, and makes the first one weak:
// tools put functions of their own under the first names and call the second.
#define FLEXMIG_NCCL_PRAGMA(text) _Pragma(#text)
#define FLEXMIG_NCCL_ALIAS(name)                                          \
  decltype(pnccl##name) pnccl##name __attribute__((alias("nccl" #name))); \
  FLEXMIG_NCCL_PRAGMA(weak nccl##name)                                    \
  static_assert(true)  // takes the semicolon

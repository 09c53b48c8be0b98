#pragma once

#include <cstdlib>
#include <string>

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "flexmig/base/check.h"
#include "flexmig/nccl_abi/functions.h"

// libnccl.so.2 (FLEXMIG_NCCL is its path) as programs see it: a name, looked up.
namespace flexmig::nccl_test {

inline void* OpenLibrary() {
  static void* const library = ::dlopen(FLEXMIG_NCCL, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) ADD_FAILURE() << ::dlerror();
  FLEXMIG_CHECK(library != nullptr);
  return library;
}

// For every function of the interface an object that calls the library's: Nccl().AllReduce(...).
class Functions {
 public:
#define FLEXMIG_NCCL_TEST_FUNCTION(name) \
  decltype(&::nccl##name) const name = Find<decltype(&::nccl##name)>("nccl" #name)

  FLEXMIG_NCCL_TEST_FUNCTION(GetVersion);
  FLEXMIG_NCCL_TEST_FUNCTION(GetUniqueId);
  FLEXMIG_NCCL_TEST_FUNCTION(GetErrorString);
  FLEXMIG_NCCL_TEST_FUNCTION(GetLastError);
  FLEXMIG_NCCL_TEST_FUNCTION(MemAlloc);
  FLEXMIG_NCCL_TEST_FUNCTION(MemFree);
  FLEXMIG_NCCL_TEST_FUNCTION(CommInitRank);
  FLEXMIG_NCCL_TEST_FUNCTION(CommInitRankConfig);
  FLEXMIG_NCCL_TEST_FUNCTION(CommInitRankScalable);
  FLEXMIG_NCCL_TEST_FUNCTION(CommInitAll);
  FLEXMIG_NCCL_TEST_FUNCTION(CommSplit);
  FLEXMIG_NCCL_TEST_FUNCTION(CommShrink);
  FLEXMIG_NCCL_TEST_FUNCTION(CommFinalize);
  FLEXMIG_NCCL_TEST_FUNCTION(CommDestroy);
  FLEXMIG_NCCL_TEST_FUNCTION(CommAbort);
  FLEXMIG_NCCL_TEST_FUNCTION(CommRevoke);
  FLEXMIG_NCCL_TEST_FUNCTION(CommGetAsyncError);
  FLEXMIG_NCCL_TEST_FUNCTION(CommCount);
  FLEXMIG_NCCL_TEST_FUNCTION(CommCuDevice);
  FLEXMIG_NCCL_TEST_FUNCTION(CommUserRank);
  FLEXMIG_NCCL_TEST_FUNCTION(CommRegister);
  FLEXMIG_NCCL_TEST_FUNCTION(CommDeregister);
  FLEXMIG_NCCL_TEST_FUNCTION(CommWindowRegister);
  FLEXMIG_NCCL_TEST_FUNCTION(CommWindowDeregister);
  FLEXMIG_NCCL_TEST_FUNCTION(RedOpCreatePreMulSum);
  FLEXMIG_NCCL_TEST_FUNCTION(RedOpDestroy);
  FLEXMIG_NCCL_TEST_FUNCTION(AllReduce);
  FLEXMIG_NCCL_TEST_FUNCTION(Reduce);
  FLEXMIG_NCCL_TEST_FUNCTION(ReduceScatter);
  FLEXMIG_NCCL_TEST_FUNCTION(AllGather);
  FLEXMIG_NCCL_TEST_FUNCTION(Broadcast);
  FLEXMIG_NCCL_TEST_FUNCTION(Bcast);
  FLEXMIG_NCCL_TEST_FUNCTION(AlltoAll);
  FLEXMIG_NCCL_TEST_FUNCTION(Gather);
  FLEXMIG_NCCL_TEST_FUNCTION(Scatter);
  FLEXMIG_NCCL_TEST_FUNCTION(Send);
  FLEXMIG_NCCL_TEST_FUNCTION(Recv);
  FLEXMIG_NCCL_TEST_FUNCTION(GroupStart);
  FLEXMIG_NCCL_TEST_FUNCTION(GroupEnd);
  FLEXMIG_NCCL_TEST_FUNCTION(GroupSimulateEnd);
  FLEXMIG_NCCL_TEST_FUNCTION(TeamWorld);
  FLEXMIG_NCCL_TEST_FUNCTION(TeamLsa);
  FLEXMIG_NCCL_TEST_FUNCTION(TeamRail);
  FLEXMIG_NCCL_TEST_FUNCTION(TeamRankToWorld);
  FLEXMIG_NCCL_TEST_FUNCTION(TeamRankToLsa);

#undef FLEXMIG_NCCL_TEST_FUNCTION

 private:
  template <typename Function>
  static Function Find(const char* name) {
    auto* const found = reinterpret_cast<Function>(::dlsym(OpenLibrary(), name));
    if (found == nullptr) ADD_FAILURE() << "no " << name;
    FLEXMIG_CHECK(found != nullptr);
    return found;
  }
};

inline const Functions& Nccl() {
  static const Functions& functions = *new Functions;
  return functions;
}

}  // namespace flexmig::nccl_test

// Expects a call's result to be ncclSuccess, and says why if it is not.
#define EXPECT_NCCL(call)                                                       \
  do {                                                                          \
    const ncclResult_t flexmig_result = (call);                                 \
    EXPECT_EQ(flexmig_result, ncclSuccess)                                      \
        << #call << ": " << ::flexmig::nccl_test::Nccl().GetLastError(nullptr); \
  } while (false)
#define ASSERT_NCCL(call)                                                       \
  do {                                                                          \
    const ncclResult_t flexmig_result = (call);                                 \
    ASSERT_EQ(flexmig_result, ncclSuccess)                                      \
        << #call << ": " << ::flexmig::nccl_test::Nccl().GetLastError(nullptr); \
  } while (false)

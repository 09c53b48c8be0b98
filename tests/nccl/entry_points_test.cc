// Every exported function survives null, stale and wild arguments, and calls none of them a
// success.

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "library.h"

namespace flexmig::nccl_test {
namespace {

// Arguments are integers or pointers, in registers; those that a function does not read do no harm.
// Functions that take something larger are called by their own types below.
using AnyFunction = int (*)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
                            uintptr_t, uintptr_t);

// Whose arguments are no handles, or not in registers, or that have no result to judge.
const std::set<std::string> kByTheirTypes = {"GetVersion",
                                             "GetUniqueId",
                                             "GetErrorString",
                                             "GetLastError",
                                             "ResetDebugInit",
                                             "ResetDebugInitInternal",
                                             "CommInitRank",
                                             "CommInitRankConfig",
                                             "CommInitRankScalable",
                                             "CommInitAll",
                                             "GroupStart",
                                             "GroupEnd",
                                             "GroupSimulateEnd",
                                             "MemAlloc",
                                             "MemFree",
                                             "TeamWorld",
                                             "TeamLsa",
                                             "TeamRail",
                                             "TeamRankToWorld",
                                             "TeamRankToLsa",
                                             "LsaBarrierCreateRequirement",
                                             "GinBarrierCreateRequirement",
                                             "LLA2ACalcSlots",
                                             "LLA2ACreateRequirement"};

class EntryPointsTest : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("FLEXMIG_CUDA_PATH", "/nowhere/libcuda.so.1", 1);  // no GPU is needed for any of this
    std::ifstream list(FLEXMIG_NCCL_EXPORTS);
    for (std::string name; std::getline(list, name);) {
      ASSERT_TRUE(name.starts_with("nccl") || name.starts_with("pnccl")) << name;
      names_.push_back(name);
    }
    ASSERT_EQ(names_.size(), 105U);
  }
  static std::string Plain(const std::string& name) {
    return name.substr(name.starts_with('p') ? 5 : 4);
  }
  // Those that take a communicator first or, with a null in front, somewhere.
  [[nodiscard]] std::vector<std::string> TakeHandles() const {
    std::vector<std::string> names;
    for (const std::string& name : names_) {
      if (kByTheirTypes.count(Plain(name)) == 0) names.push_back(name);
    }
    return names;
  }
  static AnyFunction Find(const std::string& name) {
    return reinterpret_cast<AnyFunction>(::dlsym(OpenLibrary(), name.c_str()));
  }

  std::vector<std::string> names_;
};

TEST_F(EntryPointsTest, NullsAreRefused) {
  EXPECT_EQ(TakeHandles().size(), 58U);
  for (const std::string& name : TakeHandles()) {
    SCOPED_TRACE(name);
    const int result = Find(name)(0, 0, 0, 0, 0, 0, 0, 0);
    // To destroy nothing is no mistake.
    const std::string plain = Plain(name);
    if (plain == "CommDestroy" || plain == "CommAbort") {
      EXPECT_EQ(result, ncclSuccess);
    } else {
      EXPECT_TRUE(result == ncclInvalidArgument || result == ncclInvalidUsage) << result;
    }
  }
}

TEST_F(EntryPointsTest, WildCommunicatorsAreRefused) {
  // On the stack, at the end of the address space, and what a handle of ours might have looked
  // like.
  int on_stack = 0;
  for (const uintptr_t wild : {reinterpret_cast<uintptr_t>(&on_stack), ~uintptr_t{0}, uintptr_t{8},
                               uintptr_t{0x464D'4E43'0000'0fff}}) {
    for (const std::string& name : TakeHandles()) {
      SCOPED_TRACE(name);
      const int result = Find(name)(wild, wild, wild, wild, wild, wild, wild, wild);
      EXPECT_TRUE(result == ncclInvalidArgument || result == ncclInvalidUsage) << result;
    }
  }
  EXPECT_EQ(on_stack, 0);
}

TEST_F(EntryPointsTest, FunctionsWithoutCommunicatorRefuseNulls) {
  const Functions& nccl = Nccl();
  EXPECT_EQ(nccl.GetVersion(nullptr), ncclInvalidArgument);
  EXPECT_EQ(nccl.GetUniqueId(nullptr), ncclInvalidArgument);
  EXPECT_EQ(nccl.MemAlloc(nullptr, 5), ncclInvalidArgument);
  EXPECT_EQ(nccl.MemFree(nullptr), ncclSuccess);
  EXPECT_EQ(nccl.GroupEnd(), ncclInvalidUsage);
  EXPECT_EQ(nccl.GroupSimulateEnd(nullptr), ncclInvalidUsage);
  EXPECT_STRNE(nccl.GetErrorString(static_cast<ncclResult_t>(77)), "");
  EXPECT_NE(nccl.GetLastError(nullptr), nullptr);
  EXPECT_NE(nccl.GetLastError(reinterpret_cast<ncclComm_t>(uintptr_t{3})), nullptr);
  EXPECT_EQ(nccl.TeamWorld(nullptr).nRanks, 0);
  EXPECT_EQ(nccl.TeamLsa(nullptr).nRanks, 0);
  EXPECT_EQ(nccl.TeamRail(nullptr).nRanks, 0);
}

TEST_F(EntryPointsTest, InitialisationRefusesWhatCannotBe) {
  const Functions& nccl = Nccl();
  ncclUniqueId id;
  ASSERT_EQ(nccl.GetUniqueId(&id), ncclSuccess);
  ncclComm_t comm = reinterpret_cast<ncclComm_t>(uintptr_t{5});
  EXPECT_EQ(nccl.CommInitRank(nullptr, 1, id, 0), ncclInvalidArgument);
  for (const auto& [ranks, rank] : {std::pair{0, 0}, {-1, 0}, {2, 2}, {2, -1}}) {
    EXPECT_EQ(nccl.CommInitRank(&comm, ranks, id, rank), ncclInvalidArgument);
  }
  ncclUniqueId damaged = id;
  damaged.internal[127] = static_cast<char>(damaged.internal[127] + 1);
  EXPECT_EQ(nccl.CommInitRank(&comm, 2, damaged, 0), ncclInvalidArgument);
  EXPECT_EQ(nccl.CommInitRank(&comm, 2, ncclUniqueId{}, 0), ncclInvalidArgument);
  ncclConfig_t config{};
  EXPECT_EQ(nccl.CommInitRankConfig(&comm, 2, id, 0, &config), ncclInvalidArgument);
  EXPECT_EQ(nccl.CommInitRankScalable(&comm, 2, 0, 1, nullptr, nullptr), ncclInvalidArgument);
  EXPECT_EQ(nccl.CommInitRankScalable(&comm, 2, 0, 0, &id, nullptr), ncclInvalidArgument);
  EXPECT_EQ(nccl.CommInitRankScalable(&comm, 2, 0, 3, &id, nullptr), ncclInvalidArgument);
  EXPECT_EQ(nccl.CommInitAll(nullptr, 1, nullptr), ncclInvalidArgument);
  // The pointer has not been touched.
  EXPECT_EQ(comm, reinterpret_cast<ncclComm_t>(uintptr_t{5}));
  // Without a driver, what needs one says so.
  EXPECT_EQ(nccl.CommInitRank(&comm, 1, id, 0), ncclSystemError);
  EXPECT_NE(std::string(nccl.GetLastError(nullptr)).find("/nowhere/libcuda.so.1"),
            std::string::npos);
  void* memory = nullptr;
  EXPECT_EQ(nccl.MemAlloc(&memory, 16), ncclSystemError);
}

TEST_F(EntryPointsTest, DeviceInterfaceIsRefused) {
  for (const char* const name :
       {"ncclLsaBarrierCreateRequirement", "ncclGinBarrierCreateRequirement",
        "ncclLLA2ACreateRequirement", "ncclDevCommCreate", "ncclDevCommDestroy"}) {
    EXPECT_EQ(Find(name)(0, 0, 0, 0, 0, 0, 0, 0), ncclInvalidUsage) << name;
    EXPECT_NE(std::string(Nccl().GetLastError(nullptr)).find(name), std::string::npos);
  }
}

TEST_F(EntryPointsTest, FailedCallFailsItsGroup) {
  const Functions& nccl = Nccl();
  EXPECT_EQ(nccl.GroupStart(), ncclSuccess);
  EXPECT_EQ(nccl.AllReduce(nullptr, nullptr, 0, ncclInt8, ncclSum, nullptr, nullptr),
            ncclInvalidArgument);
  EXPECT_EQ(nccl.GroupEnd(), ncclInvalidArgument);
  EXPECT_EQ(nccl.GroupStart(), ncclSuccess);
  EXPECT_EQ(nccl.GroupEnd(), ncclSuccess);
}

}  // namespace
}  // namespace flexmig::nccl_test

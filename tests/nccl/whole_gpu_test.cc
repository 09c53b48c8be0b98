// Ranks on whole GPUs: several on one, several of one process, and those that another NCCL serves.

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/file.h"

#include "nccl_ranks.h"

namespace flexmig::nccl_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class NcclWholeGpuTest : public testing::Test {
 protected:
  // A rank that sees these GPUs, as CUDA_VISIBLE_DEVICES has them.
  void BecomeRankOn(const std::string& gpus, const Variables& variables = {}) const {
    SetVariables({{"FLEXMIG_STATE_DIR", (node_.folder() / "state").string()},
                  {"FLEXMIG_SIM_NODE", "a100x4"},
                  {"CUDA_VISIBLE_DEVICES", gpus},
                  {"FLEXMIG_CUDA_PATH", FLEXMIG_CUDA_SIM},
                  {"FLEXMIG_TIMEOUT", "60s"}});
    SetVariables(variables);
  }
  [[nodiscard]] std::string File(const std::string& name) const {
    return (node_.folder() / name).string();
  }
  static std::string Content(const std::string& path) {
    const auto content = ReadFile(path);
    return content.ok() ? *content : "";
  }

  const test::SimulatedNode node_{"a100x4"};
};

void ExpectSum(ncclComm_t comm, int32_t own, int32_t expected) {
  const UserStream stream;
  const Ints data(std::vector<int32_t>(5000, own));
  ASSERT_NCCL(
      Nccl().AllReduce(data.data(), data.data(), 5000, ncclInt32, ncclSum, comm, StreamOf(stream)));
  stream.Synchronize();
  EXPECT_EQ(data.Read(), std::vector<int32_t>(5000, expected));
}

TEST_F(NcclWholeGpuTest, RanksThatShareOneAreWarnedByName) {
  const ncclUniqueId id = NewId();
  const std::string log = File("log.");
  RankProcesses processes(3, [&](int rank, RankReport&) {
    const std::string own_log = log + std::to_string(rank);
    BecomeRankOn(rank == 1 ? "3" : "2",
                 {{"NCCL_DEBUG", "INFO"}, {"NCCL_DEBUG_FILE", own_log}, {"NCCL_ALGO", "Ring"}});
    ncclComm_t comm = nullptr;
    ASSERT_NCCL(Nccl().CommInitRank(&comm, 3, id, rank));
    ExpectSum(comm, rank + 1, 6);
    EXPECT_NCCL(Nccl().CommDestroy(comm));
    const std::string written = Content(own_log);
    if (rank == 0) {
      EXPECT_THAT(written, HasSubstr("NCCL version 2.28.9"));
      EXPECT_THAT(written, HasSubstr("NCCL WARN ranks 0, 2 use one whole GPU, GPU-"));
    } else {
      EXPECT_THAT(written, Not(HasSubstr("WARN")));
    }
    EXPECT_THAT(written, HasSubstr("NCCL INFO NCCL_ALGO has no effect here"));
    EXPECT_THAT(written, HasSubstr("nranks 3 on GPU-"));
  });
  for (int rank = 0; rank < 3; ++rank) EXPECT_TRUE(processes.Succeeded(rank)) << rank;
}

TEST_F(NcclWholeGpuTest, OneProcessWithSeveralDevices) {
  RankProcesses processes(1, [&](int, RankReport&) {
    BecomeRankOn("0,1,2");
    ncclComm_t comms[3] = {};
    const int devices[] = {2, 0, 1};
    ASSERT_NCCL(Nccl().CommInitAll(comms, 3, devices));
    const cuda::Driver& driver = device::SimDriver::Instance().driver();
    std::vector<std::unique_ptr<UserStream>> streams;
    std::vector<std::unique_ptr<Ints>> data;
    for (int rank = 0; rank < 3; ++rank) {
      int device = -1;
      EXPECT_NCCL(Nccl().CommCuDevice(comms[rank], &device));
      EXPECT_EQ(device, devices[rank]);
      ASSERT_TRUE(driver.Primary(device).ok());
      streams.push_back(std::make_unique<UserStream>());
      data.push_back(std::make_unique<Ints>(ValuesOf(rank, 10'000)));
    }
    // All from one thread, which is busy with the last device meanwhile.
    ASSERT_NCCL(Nccl().GroupStart());
    for (size_t rank = 0; rank < 3; ++rank) {
      int32_t* const p = data[rank]->data();
      ASSERT_NCCL(Nccl().AllReduce(p, p, 10'000, ncclInt32, ncclSum, comms[rank],
                                   StreamOf(*streams[rank])));
    }
    ASSERT_NCCL(Nccl().GroupEnd());
    for (size_t rank = 0; rank < 3; ++rank) {
      ASSERT_TRUE(driver.Primary(devices[rank]).ok());
      streams[rank]->Synchronize();
      EXPECT_EQ(data[rank]->Read(), SumOfAll(3, 10'000));
    }
    for (const ncclComm_t comm : comms) EXPECT_NCCL(Nccl().CommDestroy(comm));
  });
  EXPECT_TRUE(processes.Succeeded(0));
}

class NcclFallbackTest : public NcclWholeGpuTest {
 protected:
  void SetUp() override {
    if (multiproc::kSanitized) GTEST_SKIP() << "RTLD_DEEPBIND does not work with sanitizers";
  }
};

TEST_F(NcclFallbackTest, RanksWithAWholeGpuEachAreHandedOver) {
  const ncclUniqueId id = NewId();
  RankProcesses processes(2, [&](int rank, RankReport&) {
    const std::string calls = File("calls." + std::to_string(rank));
    BecomeRankOn(std::to_string(rank),
                 {{"FLEXMIG_NCCL_FALLBACK", FLEXMIG_NCCL_STUB}, {"STUB_NCCL_LOG", calls}});
    ncclComm_t comm = nullptr;
    ASSERT_NCCL(Nccl().CommInitRank(&comm, 2, id, rank));
    const std::string me = std::to_string(rank);
    const std::string other = std::to_string(1 - rank);
    EXPECT_EQ(Content(calls), "init rank " + me + " of 2\n");
    std::filesystem::remove(calls);

    int32_t data[8] = {};
    float factor = 2;
    ncclRedOp_t op = ncclSum;
    ASSERT_NCCL(
        Nccl().RedOpCreatePreMulSum(&op, &factor, ncclFloat32, ncclScalarHostImmediate, comm));
    ASSERT_NCCL(Nccl().GroupStart());
    ASSERT_NCCL(Nccl().Send(data, 3, ncclInt32, 1 - rank, comm, nullptr));
    ASSERT_NCCL(Nccl().AllReduce(data, data, 4, ncclFloat32, op, comm, nullptr));
    ASSERT_NCCL(Nccl().AllReduce(data, data, 5, ncclFloat32, ncclMin, comm, nullptr));
    ASSERT_NCCL(Nccl().Recv(data, 6, ncclInt32, 1 - rank, comm, nullptr));
    ASSERT_NCCL(Nccl().GroupEnd());
    EXPECT_EQ(
        Content(calls),
        "group start 0 0\npremulsum type 7 residence 1\nall-reduce 4 op 9\ndestroy op 9 of 2\n"
        "all-reduce 5 op 3\ngroup start 0 0\nsend 3 to " +
            other + "\nrecv 6 from " + other + "\ngroup end 0 0\ngroup end 0 0\n");
    std::filesystem::remove(calls);

    ncclComm_t child = nullptr;
    ASSERT_NCCL(Nccl().CommSplit(comm, 0, 5, &child, nullptr));
    ASSERT_NCCL(Nccl().AlltoAll(data, data, 1, ncclInt8, child, nullptr));
    EXPECT_THAT(Content(calls), AllOf(HasSubstr("split color 0 key 5\n"), HasSubstr("send 1 to 1"),
                                      HasSubstr("recv 1 from 0")));
    EXPECT_NCCL(Nccl().CommFinalize(child));
    EXPECT_NCCL(Nccl().CommDestroy(child));
    EXPECT_THAT(Content(calls), HasSubstr("finalize rank " + me + " of 2\n"));
    EXPECT_NCCL(Nccl().CommAbort(comm));
  });
  for (int rank = 0; rank < 2; ++rank) EXPECT_TRUE(processes.Succeeded(rank)) << rank;
}

TEST_F(NcclFallbackTest, OthersStayOursAndAreToldWhy) {
  const struct {
    const char* gpus[2];
    const char* library;
    const char* why;
  } cases[] = {
      {{"1", "1"}, FLEXMIG_NCCL_STUB, "ranks 0 and 1 share a GPU"},
      {{"0", "1"}, "/nowhere/libnccl.so.2", "rank 0 could not load it"},
      {{"0", "1"}, FLEXMIG_NCCL, "rank 0 could not load it"},  // ours itself
  };
  for (const auto& c : cases) {
    const ncclUniqueId id = NewId();
    RankProcesses processes(2, [&](int rank, RankReport&) {
      const std::string log = File("log." + std::to_string(rank));
      std::filesystem::remove(log);
      BecomeRankOn(
          c.gpus[rank],
          {{"FLEXMIG_NCCL_FALLBACK", c.library}, {"NCCL_DEBUG", "INFO"}, {"NCCL_DEBUG_FILE", log}});
      ncclComm_t comm = nullptr;
      ASSERT_NCCL(Nccl().CommInitRank(&comm, 2, id, rank));
      ExpectSum(comm, rank, 1);
      EXPECT_NCCL(Nccl().CommDestroy(comm));
      EXPECT_THAT(Content(log), HasSubstr(c.why));
    });
    for (int rank = 0; rank < 2; ++rank) EXPECT_TRUE(processes.Succeeded(rank)) << c.why;
  }
}

TEST(NcclFallbackLeafTest, RanksOnLeavesStayOurs) {
  if (multiproc::kSanitized) GTEST_SKIP() << "RTLD_DEEPBIND does not work with sanitizers";
  const LeafNode node{"a100x1"};
  RunNcclRanks(node, 2, [](ncclComm_t comm, int rank) { ExpectSum(comm, rank, 1); },
               {{"FLEXMIG_NCCL_FALLBACK", FLEXMIG_NCCL_STUB}});
}

}  // namespace
}  // namespace flexmig::nccl_test

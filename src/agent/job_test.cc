#include "flexmig/agent/job.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/strings.h"
#include "flexmig/launch/job_environment.h"
#include "flexmig/mig/gpu_model.h"
#include "flexmig/mig/layout.h"

namespace flexmig::agent {
namespace {

using testing::HasSubstr;

// Two A100-40 of 7 leaves.
mig::NodeInventory Node() {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  return mig::NodeInventory::Uniform(model, 2, *mig::UniformLayout(model, "1g.5gb"));
}

BusyLeaves Busy(const mig::NodeInventory& node, std::initializer_list<size_t> leaves,
                const char* job) {
  BusyLeaves busy;
  for (const size_t i : leaves) {
    busy[node.leaves[i].uuid] = {
        .job = JobId(job), .pid = 77, .user = {}, .since = {}, .rank = Rank(0), .command = {}};
  }
  return busy;
}

Result<int> CountFor(const decltype(JobSize::size)& size, Bytes min_memory = {}) {
  const auto request = RequestFor({size, min_memory, std::nullopt}, Node());
  if (!request.ok()) return request.status();
  return request->leaf_count;
}

TEST(JobTest, SizesBecomeNumbersOfLeaves) {
  EXPECT_EQ(*CountFor(int64_t{4}), 4);
  EXPECT_EQ(*CountFor(JobSize::Like{"3g.20gb"}), 5);
  EXPECT_EQ(*CountFor(JobSize::GpuFraction{0.81}), 6);
  EXPECT_EQ(*CountFor(int64_t{1} << 40), INT32_MAX);
  const auto request = RequestFor({int64_t{2}, Bytes::GiB(4), 1}, Node());
  EXPECT_EQ(request->min_memory, Bytes::GiB(4));
  EXPECT_EQ(request->max_gpus, 1);
}

TEST(JobTest, ImpossibleSizesSayWhatTheNodeHas) {
  for (const int64_t count : {int64_t{0}, int64_t{-1}, INT64_MIN}) {
    const auto refused = CountFor(count);
    EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(refused.status().message(), HasSubstr("this node has 14"));
  }
  const auto memory = CountFor(JobSize::Like{"3g.20gb"}, Bytes::GiB(6));
  EXPECT_EQ(memory.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(memory.status().message(), HasSubstr("4.75 GiB"));
  EXPECT_EQ(CountFor(JobSize::Like{"9g.90gb"}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(CountFor(JobSize::GpuFraction{0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(RequestFor({int64_t{1}, {}, 0}, Node()).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(RequestFor({int64_t{1}, {}, std::nullopt}, {}).status().code(),
            StatusCode::kFailedPrecondition);
}

TEST(JobTest, LeasedLeavesAreNotChosen) {
  const auto node = Node();
  auto busy = Busy(node, {0, 2}, "other");
  busy.merge(Busy(node, {4}, "third"));
  busy[mig::MigUuid("MIG-of-a-layout-that-is-gone")] = busy.begin()->second;
  const auto policy = *alloc::MakePolicy("first-fit");
  const auto chosen = ChooseLeaves(node, {3, {}, std::nullopt}, *policy, JobId("mine"), busy);
  ASSERT_TRUE(chosen.ok()) << chosen.status().ToString();
  EXPECT_THAT(*chosen,
              testing::ElementsAre(node.leaves[1].uuid, node.leaves[3].uuid, node.leaves[5].uuid));
  const auto too_many = ChooseLeaves(node, {12, {}, std::nullopt}, *policy, JobId("mine"), busy);
  EXPECT_EQ(too_many.status().code(), StatusCode::kResourceExhausted);
  const auto never = ChooseLeaves(node, {15, {}, std::nullopt}, *policy, JobId("mine"), busy);
  EXPECT_EQ(never.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(never.status().message(), HasSubstr("14"));
}

TEST(JobTest, SecondJobOfAnIdIsRefused) {
  const auto node = Node();
  const auto chosen = ChooseLeaves(node, {1, {}, std::nullopt}, **alloc::MakePolicy("pack"),
                                   JobId("mine"), Busy(node, {3}, "mine"));
  EXPECT_EQ(chosen.status(), AlreadyExistsError("job 'mine' is running as process 77"));
}

TEST(JobTest, EveryRankLearnsItsLeafAndOneSegment) {
  const auto node = Node();
  const std::vector<mig::MigUuid> leaves = {node.leaves[9].uuid, node.leaves[2].uuid};
  const auto ranks = *RanksOn(node, JobId("mine"), leaves, 4711);
  ASSERT_EQ(ranks.size(), 2u);
  EXPECT_EQ(ranks[0].leaf, StrCat("GPU 1, ", leaves[0].value()));
  for (int r = 0; r < 2; ++r) {
    const auto& variables = ranks[static_cast<size_t>(r)].variables;
    const auto job = launch::FromVariables([&](const char* name) -> std::optional<std::string> {
      const auto at = variables.find(name);
      if (at == variables.end()) return std::nullopt;
      return at->second;
    });
    ASSERT_TRUE(job.ok()) << job.status().ToString();
    EXPECT_EQ(job->rank, Rank(r));
    EXPECT_EQ(job->world_size, 2);
    EXPECT_EQ(job->master_port, 4711);
    EXPECT_EQ(job->leaves[1], (launch::RankLeaf{leaves[1].value(), 0}));
    EXPECT_EQ(variables.at("CUDA_VISIBLE_DEVICES"), leaves[static_cast<size_t>(r)].value());
    EXPECT_EQ(job->segment, ranks[0].variables.at("FLEXMIG_SEGMENT"));
  }
  EXPECT_NE(ranks[0].variables.at("FLEXMIG_SEGMENT"),
            (*RanksOn(node, JobId("mine"), leaves, 4711))[0].variables.at("FLEXMIG_SEGMENT"));
  EXPECT_EQ(RanksOn(node, JobId("mine"), {mig::MigUuid("MIG-x")}, 1).status().code(),
            StatusCode::kNotFound);
}

TEST(JobTest, JobIdsAreSafeInFilesAndVariables) {
  EXPECT_EQ(*ParseJobId("Train_7.b-2"), JobId("Train_7.b-2"));
  EXPECT_TRUE(ParseJobId(std::string(64, 'a')).ok());
  for (const auto& bad :
       {std::string(""), std::string(65, 'a'), std::string("a b"), std::string("a/b"),
        std::string("-n"), std::string(".."), std::string("a\n"), std::string("\xc3\xa4")}) {
    EXPECT_EQ(ParseJobId(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_TRUE(ParseJobId(MakeJobId().value()).ok());
  EXPECT_NE(MakeJobId(), MakeJobId());
}

TEST(JobTest, FreePortIsAPort) {
  const auto port = FindFreePort();
  ASSERT_TRUE(port.ok()) << port.status().ToString();
  EXPECT_GE(*port, 1024);
  EXPECT_LE(*port, 65535);
}

}  // namespace
}  // namespace flexmig::agent

#include "flexmig/launch/job_environment.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"

namespace flexmig::launch {
namespace {

JobEnvironment FourRanks(int rank) {
  JobEnvironment job;
  job.job_id = JobId("job-7");
  job.rank = Rank(rank);
  job.world_size = 4;
  job.master_port = 29501;
  job.segment = "0123456789abcdef0123456789abcdef";
  for (int r = 0; r < 4; ++r) job.leaves.push_back({StrCat("MIG-", r), r / 2});
  return job;
}

Result<JobEnvironment> Read(const std::map<std::string, std::string>& variables) {
  return FromVariables([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end() || found->second.empty()) return std::nullopt;
    return found->second;
  });
}

TEST(JobEnvironmentTest, ARankSeesExactlyItsOwnLeaf) {
  const auto variables = ToVariables(FourRanks(2));
  EXPECT_EQ(variables.at("CUDA_VISIBLE_DEVICES"), "MIG-2");
  EXPECT_EQ(variables.at("FLEXMIG_LEAVES"), "0:MIG-0,0:MIG-1,1:MIG-2,1:MIG-3");
  EXPECT_EQ(variables.at("RANK"), "2");
  EXPECT_EQ(variables.at("LOCAL_RANK"), "2");
  EXPECT_EQ(variables.at("WORLD_SIZE"), "4");
  EXPECT_EQ(variables.at("MASTER_PORT"), "29501");
}

TEST(JobEnvironmentTest, ReadsBackWhatWasWritten) {
  for (int rank = 0; rank < 4; ++rank) {
    const JobEnvironment job = FourRanks(rank);
    const auto read = Read(ToVariables(job));
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(read->job_id, job.job_id);
    EXPECT_EQ(read->rank, job.rank);
    EXPECT_EQ(read->world_size, job.world_size);
    EXPECT_EQ(read->segment, job.segment);
    EXPECT_EQ(read->leaves, job.leaves);
  }
}

TEST(JobEnvironmentTest, OutsideAJobIsNotFound) {
  EXPECT_EQ(Read({{"RANK", "0"}}).status().code(), StatusCode::kNotFound);
}

TEST(JobEnvironmentTest, EveryMalformedVariableIsNamed) {
  const struct {
    const char* name;
    const char* value;
  } cases[] = {
      {"RANK", "4"},
      {"RANK", "-1"},
      {"RANK", "x"},
      {"RANK", ""},
      {"WORLD_SIZE", "0"},
      {"WORLD_SIZE", "257"},
      {"WORLD_SIZE", ""},
      {"MASTER_PORT", "65536"},
      {"FLEXMIG_LEAVES", ""},
      {"FLEXMIG_LEAVES", "0:MIG-0"},
      {"FLEXMIG_LEAVES", "0:"},
      {"FLEXMIG_LEAVES", "0:a,0:a,1:b,1:c"},
      {"FLEXMIG_LEAVES", "x:a,0:b,0:c,0:d"},
      {"FLEXMIG_SEGMENT", "0123"},
      {"FLEXMIG_SEGMENT", "0123456789ABCDEF0123456789abcdef"},
  };
  for (const auto& test : cases) {
    auto variables = ToVariables(FourRanks(1));
    variables[test.name] = test.value;
    const auto read = Read(variables);
    EXPECT_EQ(read.status().code(), StatusCode::kInvalidArgument) << test.name << test.value;
    EXPECT_NE(read.status().message().find(test.name), std::string::npos)
        << read.status().message();
  }
}

}  // namespace
}  // namespace flexmig::launch

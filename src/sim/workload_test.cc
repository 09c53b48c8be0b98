#include "flexmig/sim/workload.h"

#include <map>

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"

#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

using namespace std::chrono_literals;

Result<Workload> Make(const std::vector<Line>& lines, const WorkloadOptions& options = {},
                      int gpus = 1) {
  return MakeWorkload(Records(lines), Board(), gpus, SpeedModel(Board(), {}), options);
}

Mapping Mix(std::string_view text, uint64_t seed = 1) {
  return *Mapping::Parse(text, Board(), seed);
}

TEST(WorkloadTest, FractionsAreRoundedUpToSlices) {
  const std::map<int, int> slices_of_hundredths = {
      {1, 1}, {14, 1}, {15, 2}, {28, 2}, {29, 3}, {81, 6}, {86, 7}, {100, 7}, {150, 11}, {800, 56}};
  for (const auto& [hundredths, slices] : slices_of_hundredths) {
    const auto workload = Make({{0, 1, hundredths}});
    EXPECT_EQ(workload->jobs[0].slices, slices) << hundredths;
    EXPECT_EQ(workload->jobs[0].whole_gpus, (hundredths + 99) / 100);
  }
  // 3 / 7, written with six decimals, is three slices.
  auto records = Records({{0, 1, 42}});
  records[0].demand_micro_gpus = 428'571;
  EXPECT_EQ(MakeWorkload(records, Board(), 1, SpeedModel(Board(), {}), {})->jobs[0].slices, 3);
  records[0].demand_micro_gpus = 428'572;
  EXPECT_EQ(MakeWorkload(records, Board(), 1, SpeedModel(Board(), {}), {})->jobs[0].slices, 4);
}

TEST(WorkloadTest, DurationsBelongToWhatWasAskedFor) {
  const auto workload = Make({{0, 1, 42}, {0, 1, 100}, {0, 1, 250}});
  EXPECT_EQ(workload->jobs[0].reference_speed, 650'000);
  EXPECT_EQ(workload->jobs[1].reference_speed, 1'060'000);
  EXPECT_EQ(workload->jobs[2].reference_speed, 2'650'000);
}

TEST(WorkloadTest, TheMixIsDrawnForOneGpuJobsOnly) {
  WorkloadOptions options;
  options.mapping = Mix("seeded-mix:1=30/3=70");
  std::vector<Line> lines(5000, {0, 1, 100});
  lines.push_back({0, 1, 50});
  lines.push_back({0, 1, 200});
  const auto workload = Make(lines, options);
  std::map<int, int> counts;
  for (size_t i = 0; i < 5000; ++i) {
    ++counts[workload->jobs[i].slices];
    EXPECT_EQ(workload->jobs[i].reference_speed, 1'060'000) << "measured on the whole GPU";
  }
  EXPECT_EQ(counts.size(), 2U);
  EXPECT_NEAR(counts[1], 1500, 5 * 32.4);  // five standard deviations
  EXPECT_EQ(workload->jobs[5000].slices, 4);
  EXPECT_EQ(workload->jobs[5001].slices, 14);
}

TEST(WorkloadTest, EqualSeedsDrawTheSameSizes) {
  const std::vector<Line> lines(200, {0, 1, 100});
  const auto slices = [&](uint64_t seed) {
    WorkloadOptions options;
    options.mapping = Mix("seeded-mix:1=1/2=1/3=1/4=1/7=1", seed);
    std::string text;
    const auto workload = Make(lines, options);
    for (const WorkloadJob& job : workload->jobs) text += StrCat(job.slices);
    return text;
  };
  EXPECT_EQ(slices(1), slices(1));
  EXPECT_NE(slices(1), slices(2));
}

TEST(WorkloadTest, MultiGpuJobsCanBeLeftOut) {
  WorkloadOptions options;
  options.multi_gpu = *ParseMultiGpuJobs("skip");
  const auto workload = Make({{0, 1, 100}, {1, 1, 200}, {2, 1, 30}}, options);
  EXPECT_EQ(workload->jobs.size(), 2U);
  EXPECT_EQ(workload->multi_gpu_left_out, 1);
  EXPECT_EQ(workload->jobs[1].id, trace::TraceJobId(3));
  EXPECT_EQ(Make({{0, 1, 200}}, options).status().message(), "no job is left to simulate");
}

TEST(WorkloadTest, JobsThatTheClusterCannotHoldCanBeLeftOut) {
  WorkloadOptions options;
  options.multi_gpu = *ParseMultiGpuJobs("fit");
  const std::vector<Line> lines = {{0, 1, 100}, {1, 1, 200}, {2, 1, 300}, {3, 1, 30}};
  const auto workload = Make(lines, options, 2);
  EXPECT_EQ(workload->jobs.size(), 3U);
  EXPECT_EQ(workload->multi_gpu_left_out, 1);
  EXPECT_EQ(Make(lines, {}, 2)->jobs.size(), 4U);
  options.fit_gpus = 1;
  EXPECT_EQ(Make(lines, options, 2)->multi_gpu_left_out, 2) << "no job may have two";
  EXPECT_EQ(ParseMultiGpuJobs("most").status().message(), "'most' is not leaves, fit or skip");
}

TEST(WorkloadTest, LoadIsSliceTimeAskedForPerSliceTimeThere) {
  // 7 slices x 50 s and 3 x 50 s over 100 s of 2 x 7 slices.
  const std::vector<Line> lines = {{10, 50, 100}, {110, 50, 42}};
  const auto workload = Make(lines, {}, 2);
  EXPECT_DOUBLE_EQ(*workload->offered_load, 500.0 / 1400);
  WorkloadOptions options;
  options.load = 1000.0 / 1400;
  const auto loaded = Make(lines, options, 2);
  EXPECT_NEAR(*loaded->offered_load, *options.load, 1e-12);
  EXPECT_EQ(loaded->jobs[0].submit_time, sched::TimePoint(10s));
  EXPECT_EQ(loaded->jobs[1].submit_time, sched::TimePoint(60s));
  options.load.reset();
  options.compress = 4;
  EXPECT_EQ(Make(lines, options, 2)->jobs[1].submit_time, sched::TimePoint(35s));
}

TEST(WorkloadTest, WhatCannotBeLoadedIsRefused) {
  WorkloadOptions options;
  options.load = 0.5;
  EXPECT_EQ(Make({{5, 10, 100}, {5, 10, 100}}, options).status().message(),
            "a load cannot be set: all jobs are submitted at once or take no time");
  options.compress = 2;
  EXPECT_EQ(Make({{5, 10, 100}}, options).status().message(),
            "load and compress exclude each other");
  options.load.reset();
  options.compress = 0;
  EXPECT_EQ(Make({{5, 10, 100}}, options).status().code(), StatusCode::kInvalidArgument);
  options.compress = 1e-9;
  EXPECT_EQ(Make({{5, 10, 100}, {10, 1, 100}}, options).status().message(),
            "submit times would be stretched beyond 1000000000 s");
  EXPECT_EQ(Make({{5, 10, 100}, {4, 10, 100}}).status().message(), "job 2 is out of order");
  EXPECT_EQ(Make({}).status().code(), StatusCode::kInvalidArgument);
  auto twice = Records({{0, 1, 100}, {0, 1, 100}});
  twice[1].id = twice[0].id;
  EXPECT_EQ(MakeWorkload(twice, Board(), 1, SpeedModel(Board(), {}), {}).status().message(),
            "job 1 occurs twice");
}

TEST(WorkloadTest, AWindowKeepsWhatWasSubmittedInIt) {
  WorkloadOptions options;
  options.from = 20s;
  options.until = 40s;
  const auto workload =
      Make({{10, 1, 100}, {20, 1, 100}, {30, 1, 100}, {40, 1, 100}, {50, 1, 100}}, options);
  ASSERT_TRUE(workload.ok());
  ASSERT_EQ(workload->jobs.size(), 2U);
  EXPECT_EQ(workload->jobs[0].submit_time, sched::TimePoint(20s)) << "times stay";
  EXPECT_EQ(workload->jobs[1].id, trace::TraceJobId(3));
  EXPECT_EQ(workload->outside_window, 3);
  options.until = 15s;
  EXPECT_EQ(Make({{10, 1, 100}, {20, 1, 100}}, options).status().message(),
            "no job is left to simulate");
}

TEST(WorkloadTest, ReplicasAreDrawnFromTheWindow) {
  WorkloadOptions options;
  options.from = 20s;
  options.resampling = *Resampling::Parse("order", 3);
  const auto workload = Make({{10, 99, 100}, {20, 1, 100}, {30, 2, 100}, {40, 3, 100}}, options);
  ASSERT_TRUE(workload.ok());
  sched::Duration total{};
  for (const WorkloadJob& job : workload->jobs) total += job.duration;
  EXPECT_EQ(total, 6s);
}

TEST(MappingTest, MemoryDecidesTheInstance) {
  WorkloadOptions options;
  options.mapping = *Mapping::Parse("model-memory", Board(), 1);
  // What 1g.5gb, 2g.10gb, 3g.20gb and 7g.40gb of an A100 40GB hold; 4g.20gb has no more than
  // 3g.20gb, and 1g.10gb is not looked at.
  const std::map<int, int> slices_of_mib = {{1, 1},      {4000, 1},   {5500, 2},   {9500, 2},
                                            {10'500, 3}, {19'500, 3}, {21'000, 7}, {39'000, 7}};
  for (const auto& [mib, slices] : slices_of_mib) {
    auto records = Records({{0, 1, 100}});
    records[0].memory = Bytes::Of(int64_t{mib} << 20);
    const auto workload = MakeWorkload(records, Board(), 1, SpeedModel(Board(), {}), options);
    ASSERT_TRUE(workload.ok()) << workload.status().ToString();
    EXPECT_EQ(workload->jobs[0].slices, slices) << mib;
    EXPECT_EQ(workload->jobs[0].reference_speed, kWholeSpeed) << "measured on the 7g";
  }
  EXPECT_EQ(Make({{0, 1, 42}}, options)->jobs[0].slices, 3) << "shares are as before";
  EXPECT_EQ(Make({{0, 1, 100}}, options).status().message(),
            "mapping model-memory: the trace does not say how much memory job 1 needs");
  auto records = Records({{0, 1, 100}});
  records[0].memory = Bytes::GiB(41);
  EXPECT_EQ(MakeWorkload(records, Board(), 1, SpeedModel(Board(), {}), options).status().message(),
            "mapping model-memory: job 1 needs 41.00 GiB, and no instance of A100 40GB "
            "(SXM4, PCIe), A800-40GB is known to have that; the largest has 39.50");
}

TEST(MappingTest, BadMappingsAreRefusedByName) {
  const auto refusal = [](std::string_view text) {
    return Mapping::Parse(text, Board(), 1).status();
  };
  EXPECT_EQ(refusal("memory").code(), StatusCode::kNotFound);
  for (const char* text : {"seeded-mix:", "seeded-mix:1", "seeded-mix:8=1", "seeded-mix:0=1",
                           "seeded-mix:1=0", "seeded-mix:1=-1", "seeded-mix:1=1,2=1"}) {
    EXPECT_EQ(refusal(text).code(), StatusCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(refusal("seeded-mix:8=1").message(),
            "mapping 'seeded-mix:8=1': '8' is not a whole number from 1 to 7");
}

}  // namespace
}  // namespace flexmig::sim

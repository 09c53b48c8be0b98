#include "flexmig/trace/generator.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"
#include "flexmig/trace/csv_writer.h"

namespace flexmig::trace {
namespace {

std::string Text(const GeneratorOptions& options) { return *WriteCsv(*Generate(options)); }

TEST(GeneratorTest, EqualSeedsGiveEqualBytes) {
  GeneratorOptions options;
  const std::string text = Text(options);
  EXPECT_EQ(Text(options), text);
  options.seed = 2;
  EXPECT_NE(Text(options), text);
}

// The numbers were computed by a second program (Python, with the C library's log and exp).
TEST(GeneratorTest, TheFirstLinesAreTheSameOnEveryPlatform) {
  GeneratorOptions options;
  options.jobs = 6;
  EXPECT_EQ(Text(options), StrCat(kCsvHeader,
                                  "\n1,0,59.842889,1,1,,,,\n"
                                  "2,125.904588,759.160219,1,1,,,,\n"
                                  "3,156.969779,8734.895556,1,1,,,,\n"
                                  "4,191.32816,173.099261,1,1,,,,\n"
                                  "5,260.014754,218.182392,0.57,1,,,,\n"
                                  "6,280.303726,280.894949,1,1,,,,\n"));
}

TEST(GeneratorTest, SamplesHaveTheStatedDistributions) {
  GeneratorOptions options;
  options.jobs = 50'000;
  options.mean_gap = std::chrono::seconds(30);
  options.median = std::chrono::seconds(100'000);  // far from the floor of 1 s
  options.sigma = 0.8;
  const auto records = Generate(options);
  ASSERT_TRUE(records.ok());
  const double n = static_cast<double>(options.jobs);
  const double span =
      std::chrono::duration<double>(records->back().submit_time - records->front().submit_time)
          .count();
  EXPECT_NEAR(span / n / 30, 1, 5 / std::sqrt(n));  // five standard errors
  double sum = 0;
  double squares = 0;
  std::map<int64_t, double> sizes;
  for (const JobRecord& record : *records) {
    const double z =
        std::log(std::chrono::duration<double>(record.duration).count() / 100'000) / 0.8;
    sum += z;
    squares += z * z;
    ++sizes[record.demand_micro_gpus];
  }
  EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(2 / n));
  for (const SizeWeight& size : options.sizes) {
    const double share = static_cast<double>(size.weight) / 100;
    EXPECT_NEAR(sizes[size.demand_micro_gpus] / n, share, 5 * std::sqrt(share / n));
  }
  EXPECT_EQ(sizes.size(), options.sizes.size());
}

TEST(GeneratorTest, OptionsAreReadAndDescribed) {
  const auto options =
      ParseGeneratorOptions("jobs=5,seed=7,gap=1.5s,median=2min,sigma=0,sizes=0.5:3/8:1");
  ASSERT_TRUE(options.ok()) << options.status().ToString();
  EXPECT_EQ(options->seed, 7U);
  EXPECT_EQ(options->sizes, (std::vector<SizeWeight>{{500'000, 3}, {8'000'000, 1}}));
  const std::string description = DescribeGeneratorOptions(*options);
  EXPECT_EQ(description, "jobs=5,seed=7,gap=1.5s,median=120s,sigma=0,sizes=0.5:3/8:1");
  EXPECT_EQ(DescribeGeneratorOptions(*ParseGeneratorOptions(description)), description);
  const auto records = Generate(*options);
  ASSERT_TRUE(records.ok());
  for (const JobRecord& record : *records) {
    EXPECT_EQ(record.duration, std::chrono::minutes(2));
    EXPECT_EQ(record.num_gpus, record.demand_micro_gpus == 500'000 ? 1 : 8);
  }
  EXPECT_EQ(ParseGeneratorOptions("sizes=openb-shared")->sizes, OpenbSharedSizes());
}

TEST(GeneratorTest, BadOptionsNameTheirPart) {
  const auto refusal = [](std::string_view text) {
    const auto options = ParseGeneratorOptions(text);
    EXPECT_EQ(options.status().code(), StatusCode::kInvalidArgument) << text;
    return options.status().message();
  };
  EXPECT_EQ(refusal("jobs=0"),
            "generator option 'jobs=0': '0' is not a whole number from 1 to 100000000");
  EXPECT_EQ(refusal("gap=60"),
            "generator option 'gap=60': '60' is not a duration such as 250ms, 3.6s, 10min or 2h");
  EXPECT_EQ(refusal("speed=1"),
            "generator option 'speed=1': 'speed' is not one of jobs, seed, gap, median, sigma, "
            "sizes");
  EXPECT_EQ(refusal("jobs"), "'jobs' is not a part such as jobs=200 of 'jobs'");
  EXPECT_EQ(refusal(""), "'' is not a part such as jobs=200 of ''");
  EXPECT_EQ(refusal("seed=1,seed=2"), "'seed' occurs twice in 'seed=1,seed=2'");
  EXPECT_EQ(refusal("sizes=0.5"),
            "generator option 'sizes=0.5': '0.5' is not openb, openb-shared or a size and weight "
            "such as 0.28:4");
  EXPECT_EQ(refusal("sizes=0.5:0"), "no size has a weight above 0");
  EXPECT_EQ(refusal("median=0.5s"), "the median duration is not from 1 s to 10^9 s");
  refusal("sigma=6");
  refusal("sigma=nan");
  refusal("seed=-1");
}

TEST(GeneratorTest, ATraceThatWouldNotFitTheFormatIsRefused) {
  GeneratorOptions options;
  options.mean_gap = std::chrono::hours(24 * 365);
  EXPECT_EQ(Generate(options).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace flexmig::trace

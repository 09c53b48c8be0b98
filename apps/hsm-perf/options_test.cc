#include "options.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flexmig::perf {
namespace {

Result<ParsedArguments> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "hsm-perf");
  return ParseArguments(static_cast<int>(arguments.size()), arguments.data());
}

// The message of an error; "" if there is none.
std::string ErrorOf(const std::vector<const char*>& arguments) {
  const auto parsed = Parse(arguments);
  EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
  return parsed.status().message();
}

TEST(OptionsTest, SizesHaveBinarySuffixes) {
  EXPECT_EQ(*ParseSize("8"), 8u);
  EXPECT_EQ(*ParseSize("64K"), 65536u);
  EXPECT_EQ(*ParseSize("128M"), 134217728u);
  EXPECT_EQ(*ParseSize("1024G"), uint64_t{1} << 40);
  for (const char* const wrong : {"", "K", "8k", "8KB", "-8", "0", "1.5M", "1025G", "8 K"}) {
    EXPECT_FALSE(ParseSize(wrong).ok()) << wrong;
  }
}

TEST(OptionsTest, FormattedSizesAreReadBack) {
  EXPECT_EQ(FormatSize(8), "8");
  EXPECT_EQ(FormatSize(65536), "64K");
  EXPECT_EQ(FormatSize(1025), "1025");
  EXPECT_EQ(FormatSize(uint64_t{3} << 30), "3G");
  for (const uint64_t bytes : {1u, 1000u, 1024u, 1u << 20, 3u << 20}) {
    EXPECT_EQ(*ParseSize(FormatSize(bytes)), bytes);
  }
}

TEST(OptionsTest, DefaultsAreTheDocumentedOnes) {
  const auto parsed = Parse({});
  ASSERT_TRUE(parsed.ok());
  const Options& options = parsed->options;
  EXPECT_EQ(options.mode, Options::Mode::kMeasure);
  EXPECT_EQ(options.group.ranks, 2);
  EXPECT_EQ(options.group.min_bytes, 8u);
  EXPECT_EQ(options.group.max_bytes, 128u << 20);
  EXPECT_EQ(options.group.factor, 4u);
  EXPECT_EQ(options.group.warmup, 5u);
  EXPECT_TRUE(options.group.check && options.group.pin);
  EXPECT_TRUE(options.group.out_of_place && options.group.in_place);
  EXPECT_THAT(options.collectives, testing::ElementsAre(Collective::kAllReduce));
  EXPECT_THAT(options.types, testing::ElementsAre(reduce::DataType::kFloat32));
  EXPECT_TRUE(options.peers.empty());
}

TEST(OptionsTest, NcclTestsFlagsAreUnderstood) {
  const auto parsed = Parse({"-n", "4", "-b", "1K", "-e", "1M",  "-f", "2",
                             "-w", "0", "-i", "7",  "-o", "max", "-d", "bfloat16,int32",
                             "-r", "3", "-c", "0"});
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  const GroupConfig& group = parsed->options.group;
  EXPECT_EQ(group.ranks, 4);
  EXPECT_EQ(group.min_bytes, 1024u);
  EXPECT_EQ(group.max_bytes, 1u << 20);
  EXPECT_EQ(group.factor, 2u);
  EXPECT_EQ(group.warmup, 0u);
  EXPECT_EQ(group.iterations, 7u);
  EXPECT_EQ(group.op, reduce::ReduceOp::kMax);
  EXPECT_EQ(group.root, 3);
  EXPECT_FALSE(group.check);
  EXPECT_THAT(parsed->options.types,
              testing::ElementsAre(reduce::DataType::kBfloat16, reduce::DataType::kInt32));
}

TEST(OptionsTest, AllMeansEveryCollective) {
  const auto parsed = Parse({"--collective", "all"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->options.collectives.size(), std::size(kAllCollectives));
  EXPECT_TRUE(parsed->options.all_collectives);
}

TEST(OptionsTest, ErrorsNameTheFlag) {
  EXPECT_THAT(ErrorOf({"-b", "1M", "-e", "1K"}), testing::HasSubstr("--maxbytes 1K"));
  EXPECT_THAT(ErrorOf({"-e", "1X"}), testing::HasSubstr("--maxbytes"));
  EXPECT_THAT(ErrorOf({"-n", "65"}), testing::HasSubstr("--ranks"));
  EXPECT_THAT(ErrorOf({"-n", "2", "-r", "2"}), testing::HasSubstr("--root"));
  EXPECT_THAT(ErrorOf({"-f", "1"}), testing::HasSubstr("--stepfactor"));
  EXPECT_THAT(ErrorOf({"-d", "float"}), testing::HasSubstr("--datatype"));
  EXPECT_THAT(ErrorOf({"-o", "mean"}), testing::HasSubstr("--op"));
  EXPECT_THAT(ErrorOf({"--time", "5"}), testing::HasSubstr("--time"));
  EXPECT_THAT(ErrorOf({"--time", "0ms"}), testing::HasSubstr("--time"));
  EXPECT_THAT(ErrorOf({"--place", "here"}), testing::HasSubstr("--place"));
  EXPECT_THAT(ErrorOf({"--report", "page.md"}), testing::HasSubstr("--goals"));
  EXPECT_THAT(ErrorOf({"--goals", "goals.csv"}), testing::HasSubstr("--report"));
  EXPECT_THAT(ErrorOf({"--fresh", "--back-to-back"}), testing::HasSubstr("--fresh"));
  EXPECT_THAT(ErrorOf({"--no-such-flag"}), testing::HasSubstr("no-such-flag"));
}

TEST(OptionsTest, TuningHasDefaultsOfItsOwn) {
  const auto parsed = Parse({"--tune", "file", "-e", "4M"});
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  const Options& options = parsed->options;
  EXPECT_EQ(options.mode, Options::Mode::kTune);
  EXPECT_TRUE(options.all_collectives);
  EXPECT_EQ(options.group.min_bytes, 1024u);
  EXPECT_EQ(options.group.max_bytes, 4u << 20) << "unless it is given";
  EXPECT_EQ(options.group.factor, 2u);
  EXPECT_FALSE(options.group.in_place);
  EXPECT_EQ(options.passes, 3);
}

TEST(OptionsTest, FlagsThatTuningCannotUseAreRefused) {
  for (const std::vector<const char*>& more : {std::vector<const char*>{"--registered"},
                                               {"--back-to-back"},
                                               {"--json", "x"},
                                               {"--peers", "gloo"},
                                               {"--limits"},
                                               {"-n", "1"},
                                               {"--place", "both"},
                                               {"-d", "float32,int8"}}) {
    std::vector<const char*> arguments = {"--tune", "file"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_THAT(ErrorOf(arguments), testing::HasSubstr("--tune")) << more.front();
  }
}

TEST(OptionsTest, HelpIsTextAndNoError) {
  const auto parsed = Parse({"--help"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(parsed->text, testing::HasSubstr("--back-to-back"));
}

}  // namespace
}  // namespace flexmig::perf

#include "flexmig/partition/created_record.h"

#include <gtest/gtest.h>

#include "flexmig/base/file.h"
#include "flexmig/base/random.h"

namespace flexmig::partition {
namespace {

const mig::GpuUuid kGpuA("GPU-a");
const mig::GpuUuid kGpuB("GPU-b");
constexpr mig::PlacedProfile kLow{mig::ProfileId(19), {0, 1}};
constexpr mig::PlacedProfile kHigh{mig::ProfileId(9), {4, 4}};

class CreatedRecordTest : public ::testing::Test {
 protected:
  CreatedRecordTest()
      : file_(std::filesystem::temp_directory_path() / ("flexmig-created-" + RandomHex(8))) {}
  ~CreatedRecordTest() override { std::filesystem::remove(file_); }
  CreatedRecordTest(const CreatedRecordTest&) = delete;
  CreatedRecordTest& operator=(const CreatedRecordTest&) = delete;

  const std::filesystem::path file_;
};

TEST_F(CreatedRecordTest, AMissingFileMeansThatNothingWasCreated) {
  const auto record = CreatedRecord::Load(file_);
  ASSERT_TRUE(record.ok());
  EXPECT_FALSE(record->Contains(kGpuA, kLow));
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(CreatedRecordTest, TheFileRemembersPerGpuWhatWasAddedAndKept) {
  auto record = CreatedRecord::Load(file_);
  ASSERT_TRUE(record.ok());
  EXPECT_TRUE(record->Add(kGpuA, {kLow, kHigh}).ok());
  EXPECT_TRUE(record->Add(kGpuB, {kLow}).ok());
  EXPECT_TRUE(record->Keep(kGpuA, {kHigh}).ok());
  const auto again = CreatedRecord::Load(file_);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_FALSE(again->Contains(kGpuA, kLow));
  EXPECT_TRUE(again->Contains(kGpuA, kHigh));
  EXPECT_TRUE(again->Contains(kGpuB, kLow));
  EXPECT_EQ(*ReadFile(file_), "flexmig.created-instances/v1\nGPU-a 9 4 4\nGPU-b 19 0 1\n");
}

TEST_F(CreatedRecordTest, ARecordThatCannotBeWrittenIsAsBefore) {
  auto record = CreatedRecord::Load(file_ / "in" / "a" / "missing" / "folder");
  ASSERT_TRUE(record.ok());
  EXPECT_FALSE(record->Add(kGpuA, {kLow}).ok());
  EXPECT_FALSE(record->Contains(kGpuA, kLow));
}

TEST_F(CreatedRecordTest, EveryOtherTextIsRefusedWithItsPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ":1:1: the file does not begin with flexmig.created-instances/v1"},
      {"flexmig.created-instances/v2\n",
       ":1:1: the file does not begin with flexmig.created-instances/v1"},
      {"flexmig.created-instances/v1", ":1:29: the last line has no end"},
      {"flexmig.created-instances/v1\nGPU-a 9 4 4", ":2:12: the last line has no end"},
      {"flexmig.created-instances/v1\nGPU-a 9 4\n",
       ":2:1: not '<GPU UUID> <profile id> <start> <size>'"},
      {"flexmig.created-instances/v1\n\n", ":2:1: not '<GPU UUID> <profile id> <start> <size>'"},
      {"flexmig.created-instances/v1\nGPU-a 9 x 4\n",
       ":2:9: 'x' is not a whole number from 0 to 1000000"},
      {"flexmig.created-instances/v1\nMIG-a 9 4 4\n", ":2:1: not a GPU UUID"},
      {"flexmig.created-instances/v1\nGPU-a 9 4 4\nGPU-a 9 4 4\n", ":3:1: the line is repeated"},
  };
  for (const auto& [text, message] : cases) {
    ASSERT_TRUE(WriteFileAtomically(file_, text).ok());
    const auto record = CreatedRecord::Load(file_);
    EXPECT_EQ(record.status().code(), StatusCode::kDataLoss) << text;
    EXPECT_EQ(record.status().message(), file_.native() + message);
  }
}

}  // namespace
}  // namespace flexmig::partition

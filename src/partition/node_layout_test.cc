#include "flexmig/partition/node_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flexmig::partition {
namespace {

using ::testing::StartsWith;

NodeLayout Example() {
  NodeLayout layout;
  layout.gpus.push_back({"",
                         mig::GpuUuid("GPU-a"),
                         "a100-40",
                         true,
                         {{mig::ProfileId(19), {0, 1}}, {mig::ProfileId(9), {4, 4}}}});
  layout.gpus.push_back({"", mig::GpuUuid("GPU-b"), "a100-40", false, {}});
  return layout;
}

std::vector<hw::GpuStatus> Gpus(const std::vector<const char*>& uuids) {
  std::vector<hw::GpuStatus> gpus;
  for (const char* uuid : uuids) {
    hw::GpuStatus& gpu = gpus.emplace_back();
    gpu.index = mig::GpuIndex(static_cast<int>(gpus.size()) - 1);
    gpu.uuid = mig::GpuUuid(uuid);
    gpu.model = *mig::FindGpuModel("a100-40");
  }
  return gpus;
}

TEST(NodeLayoutTest, IsTheSameAfterWritingAndReading) {
  const std::string text = FormatNodeLayout(Example());
  EXPECT_EQ(text, R"({
  "format": "flexmig.node-layout/v1",
  "gpus": [
    {
      "uuid": "GPU-a",
      "model": "a100-40",
      "mig_enabled": true,
      "instances": [
        {"profile": "1g.5gb", "profile_id": 19, "start": 0, "size": 1},
        {"profile": "3g.20gb", "profile_id": 9, "start": 4, "size": 4}
      ]
    },
    {
      "uuid": "GPU-b",
      "model": "a100-40",
      "mig_enabled": false,
      "instances": []
    }
  ]
}
)");
  const auto layout = ParseNodeLayout(text, "c.json");
  ASSERT_TRUE(layout.ok()) << layout.status().ToString();
  EXPECT_EQ(layout->gpus, Example().gpus);
  EXPECT_TRUE(ParseNodeLayout(FormatNodeLayout(NodeLayout()), "c.json").ok());
}

TEST(NodeLayoutTest, GpusAreFoundByTheirUuidWhereverTheyAre) {
  const auto desired = DesiredFrom(Example(), Gpus({"GPU-b", "GPU-c", "GPU-a"}), false);
  ASSERT_TRUE(desired.ok()) << desired.status().ToString();
  ASSERT_EQ(desired->size(), 2U);
  EXPECT_EQ(desired->at(0).gpu.value(), 0);
  EXPECT_FALSE(desired->at(0).mig_enabled);
  EXPECT_EQ(desired->at(1).gpu.value(), 2);
  EXPECT_EQ(desired->at(1).exact, Example().gpus[0].layout);
  EXPECT_EQ(desired->at(1).instances, (mig::ProfileCounts{{"1g.5gb", 1}, {"3g.20gb", 1}}));
}

TEST(NodeLayoutTest, AGpuThatIsGoneIsNotFoundUnlessThatIsAllRight) {
  const auto layout = ParseNodeLayout(FormatNodeLayout(Example()), "c.json");
  const Status status = DesiredFrom(*layout, Gpus({"GPU-b"}), false).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.message(),
            "c.json:4:5: GPU-a is not on this node; --missing-ok restores the others");
  EXPECT_EQ(DesiredFrom(*layout, Gpus({"GPU-b"}), true)->size(), 1U);
}

TEST(NodeLayoutTest, InstancesThatTheBoardCannotHoldAreRefusedWithTheirPlace) {
  NodeLayout layout = Example();
  layout.gpus[0].layout[0].placement.start = 7;
  const auto read = ParseNodeLayout(FormatNodeLayout(layout), "c.json");
  EXPECT_EQ(read.status().message(), "c.json:10:9: overlaps an earlier instance");
  layout.gpus[0].layout.pop_back();
  const auto alone = ParseNodeLayout(FormatNodeLayout(layout), "c.json");
  const Status status = DesiredFrom(*alone, Gpus({"GPU-a", "GPU-b"}), false).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), StartsWith("c.json:4:5: "));
}

TEST(NodeLayoutTest, EveryOtherTextIsRefusedWithItsPlace) {
  const std::string head = "{\"format\": \"flexmig.node-layout/v1\", \"gpus\": [\n";
  const std::string gpu = "{\"uuid\": \"GPU-a\", \"model\": \"a30\", \"mig_enabled\": ";
  const std::pair<std::string, const char*> cases[] = {
      {"", "c.json:1:1: is not JSON"},
      {"{\n \"format\": }", "c.json:2:12: is not JSON"},
      {"format: flexmig.node-layout/v1\n", "c.json:1:2: is not JSON"},
      {"[]", "c.json:1:1: the file is not a map"},
      {"{\"format\": \"flexmig.node-layout/v1\"}", "c.json:1:1: the key 'gpus' is missing"},
      {"{\"format\": \"flexmig.node-layout/v2\", \"gpus\": []}",
       "c.json:1:12: format is not flexmig.node-layout/v1"},
      {head + "], \"more\": 1}", "c.json:2:4: unknown key 'more'; there are format, gpus"},
      {"{\"format\": \"flexmig.node-layout/v1\", \"gpus\": {}}", "c.json:1:46: gpus is not a list"},
      {head + "1]}", "c.json:2:1: a GPU is not a map"},
      {head + gpu + "true}]}", "c.json:2:1: the key 'instances' is missing"},
      {head + gpu + "\"true\", \"instances\": []}]}", "c.json:2:50: neither true nor false"},
      {head + gpu + "true, \"instances\": [], \"uuid\": \"GPU-b\"}]}",
       "c.json:2:73: the key 'uuid' is repeated"},
      {head + gpu + "true, \"instances\": []},\n" + gpu + "true, \"instances\": []}]}",
       "c.json:3:1: GPU-a is named twice"},
      {head + gpu + "false, \"instances\": [1]}]}", "c.json:2:70: instances although MIG is off"},
      {head + gpu +
           "true, \"instances\": [\n{\"profile\": \"\", \"profile_id\": 1.5, \"start\": 0, " +
           "\"size\": 1}]}]}",
       "c.json:3:31: '1.5' is not a whole number from 0 to 1000000"},
      {head + gpu +
           "true, \"instances\": [\n{\"profile\": \"\", \"profile_id\": 1, \"start\": -1, " +
           "\"size\": 1}]}]}",
       "c.json:3:43: '-1' is not a whole number from 0 to 1000000"},
      {head +
           "{\"uuid\": \"MIG-a\", \"model\": \"a30\", \"mig_enabled\": true, \"instances\": []}]}",
       "c.json:2:10: not a GPU UUID"},
  };
  for (const auto& [text, message] : cases) {
    const auto layout = ParseNodeLayout(text, "c.json");
    EXPECT_EQ(layout.status().code(), StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(layout.status().message(), StartsWith(message)) << text;
  }
}

}  // namespace
}  // namespace flexmig::partition

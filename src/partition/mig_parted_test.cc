#include "flexmig/partition/mig_parted.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flexmig::partition {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kGood = R"(# as mig-parted reads it
version: v1
mig-configs:
  all-disabled:
    - devices: all
      mig-enabled: false
  all-1g.5gb:
    - devices: all
      mig-enabled: true
      mig-devices:
        "1g.5gb": 7
  custom:
    - devices: [2, 0]
      mig-enabled: true
      mig-devices:
        1g.5gb: 2
        3g.20gb: 1
    - devices: [1]
      mig-enabled: true
      mig-devices: {}
  filtered:
    - device-filter: ["0x20b710de", "0x20B010DE"]
      devices: all
      mig-enabled: true
      mig-devices: {}
    - device-filter: "0x233010DE:0x16C110DE"
      devices: [0, 3, 9]
      mig-enabled: false
)";

std::vector<hw::GpuStatus> Gpus(int count) {
  std::vector<hw::GpuStatus> gpus(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    gpus[static_cast<size_t>(i)].index = mig::GpuIndex(i);
    gpus[static_cast<size_t>(i)].model = *mig::FindGpuModel("a100-40");
    gpus[static_cast<size_t>(i)].pci_device_id = 0x20B010DE;
    gpus[static_cast<size_t>(i)].pci_subsystem_id = 0x134F10DE;
  }
  return gpus;
}

MigPartedFile Parse(std::string_view text) {
  auto file = ParseMigParted(text, "c.yaml");
  EXPECT_TRUE(file.ok()) << file.status().ToString();
  return file.ok() ? std::move(file).value() : MigPartedFile();
}

TEST(MigPartedTest, AllMeansEveryGpuOfTheNode) {
  const auto desired = SelectConfig(Parse(kGood), "all-1g.5gb", Gpus(3));
  ASSERT_TRUE(desired.ok()) << desired.status().ToString();
  ASSERT_EQ(desired->size(), 3U);
  for (int i = 0; i < 3; ++i) {
    const DesiredGpu& gpu = desired->at(static_cast<size_t>(i));
    EXPECT_EQ(gpu.gpu.value(), i);
    EXPECT_TRUE(gpu.mig_enabled);
    EXPECT_EQ(gpu.instances, (mig::ProfileCounts{{"1g.5gb", 7}}));
  }
}

TEST(MigPartedTest, ListsNameSomeGpusAndLeaveTheOthersAlone) {
  const auto desired = SelectConfig(Parse(kGood), "custom", Gpus(8));
  ASSERT_TRUE(desired.ok()) << desired.status().ToString();
  ASSERT_EQ(desired->size(), 3U);
  EXPECT_EQ(desired->at(0).instances, (mig::ProfileCounts{{"1g.5gb", 2}, {"3g.20gb", 1}}));
  EXPECT_TRUE(desired->at(1).instances.empty());
  EXPECT_EQ(desired->at(2).gpu.value(), 2);
}

TEST(MigPartedTest, DisabledMeansMigOff) {
  const auto desired = SelectConfig(Parse(kGood), "all-disabled", Gpus(1));
  ASSERT_TRUE(desired.ok());
  EXPECT_FALSE(desired->at(0).mig_enabled);
}

TEST(MigPartedTest, AnUnknownConfigurationListsTheKnownOnes) {
  const Status status = SelectConfig(Parse(kGood), "all-2g.10gb", Gpus(1)).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.message(),
            "c.yaml: no configuration 'all-2g.10gb'; there are all-1g.5gb, all-disabled, custom, "
            "filtered");
}

TEST(MigPartedTest, ADeviceFilterPicksTheBoardsAmongTheNamedGpus) {
  auto gpus = Gpus(5);
  for (const size_t i : {1, 3, 4}) {
    gpus[i].pci_device_id = 0x233010DE;
    gpus[i].pci_subsystem_id = i == 4 ? 0x16C210DE : 0x16C110DE;
    gpus[i].model = *mig::FindGpuModel("h100-80");
  }
  const auto desired = SelectConfig(Parse(kGood), "filtered", gpus);
  ASSERT_TRUE(desired.ok()) << desired.status().ToString();
  std::string text;
  for (const DesiredGpu& gpu : *desired) {
    text += std::to_string(gpu.gpu.value()) + (gpu.mig_enabled ? "+ " : "- ");
  }
  EXPECT_EQ(text, "0+ 2+ 3- ");
}

TEST(MigPartedTest, AnEmptyFilterPassesEveryBoard) {
  for (const char* filter : {"\"\"", "[]"}) {
    const auto file = Parse(std::string("version: v1\nmig-configs: {c: [{device-filter: ") +
                            filter + ", devices: all, mig-enabled: false}]}\n");
    EXPECT_EQ(SelectConfig(file, "c", Gpus(2))->size(), 2U);
  }
}

TEST(MigPartedTest, AConfigurationForOtherBoardsOnlyIsNotFound) {
  auto gpus = Gpus(1);
  gpus[0].pci_device_id = 0x235310DE;
  const Status status = SelectConfig(Parse(kGood), "filtered", gpus).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.message(),
            "c.yaml: 'filtered' names no GPU of this node, whose GPU 0 is 0x235310DE");
}

TEST(MigPartedTest, TheNameMayBeLeftOutIfThereIsOnlyOne) {
  const auto one = Parse("version: v1\nmig-configs: {c: [{devices: all, mig-enabled: false}]}\n");
  EXPECT_EQ(SelectConfig(one, "", Gpus(2))->size(), 2U);
  const Status status = SelectConfig(Parse(kGood), "", Gpus(1)).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("choose one of all-1g.5gb, all-disabled, custom"));
}

TEST(MigPartedTest, EveryFieldIsTheSameAfterWritingAndReading) {
  const auto file = Parse(kGood);
  const std::string text = FormatMigParted(file);
  EXPECT_EQ(Parse(text).configs, file.configs);
  EXPECT_EQ(FormatMigParted(Parse(text)), text);
}

TEST(MigPartedTest, WritesTheFormOfMigParted) {
  EXPECT_EQ(FormatMigParted(Parse(kGood)), R"(version: v1
mig-configs:
  all-1g.5gb:
  - devices: all
    mig-enabled: true
    mig-devices:
      1g.5gb: 7
  all-disabled:
  - devices: all
    mig-enabled: false
    mig-devices: {}
  custom:
  - devices: [0, 2]
    mig-enabled: true
    mig-devices:
      1g.5gb: 2
      3g.20gb: 1
  - devices: [1]
    mig-enabled: true
    mig-devices: {}
  filtered:
  - device-filter: ["0x20B010DE", "0x20B710DE"]
    devices: all
    mig-enabled: true
    mig-devices: {}
  - device-filter: "0x233010DE:0x16C110DE"
    devices: [0, 3, 9]
    mig-enabled: false
    mig-devices: {}
)");
}

TEST(MigPartedTest, NamesThatYamlWouldReadOtherwiseAreQuoted) {
  MigPartedFile file;
  MigPartedRule rule;
  rule.all_gpus = true;
  for (const char* name : {"true", "No", "7", "1e3", "", "a b", "a: b", "- x", "quote\" \\", "#",
                           "~", "tab\t", "\x01", "\u00fc", "1g.5gb+me", "0x10", "null", "[", "y"}) {
    file.configs[name] = {rule};
  }
  EXPECT_EQ(Parse(FormatMigParted(file)).configs, file.configs) << FormatMigParted(file);
}

TEST(MigPartedTest, AGpuThatIsNotThereIsNotFound) {
  const Status status = SelectConfig(Parse(kGood), "custom", Gpus(2)).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "c.yaml:13:7: no GPU 2: the node has 2");
}

TEST(MigPartedTest, InstancesThatTheBoardCannotHoldAreLocated) {
  const auto select = [](const std::string& instances) {
    const auto file = Parse(
        "version: v1\nmig-configs:\n  c:\n  - {devices: all, mig-enabled: true, mig-devices: {" +
        instances + "}}\n");
    return SelectConfig(file, "c", Gpus(1)).status();
  };
  EXPECT_EQ(select("1g.6gb: 1").code(), StatusCode::kNotFound);
  EXPECT_THAT(select("1g.6gb: 1").message(), StartsWith("c.yaml:4:5: A100 40GB"));
  EXPECT_EQ(select("3g.20gb: 3").code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(select("3g.20gb: 3").message(), StartsWith("c.yaml:4:5: A100 40GB"));
}

TEST(MigPartedTest, TwoEntriesMayNotNameOneGpu) {
  const auto file = Parse(
      "version: v1\nmig-configs:\n  c:\n  - {devices: [1], mig-enabled: true, mig-devices: {}}\n"
      "  - {devices: all, mig-enabled: false}\n");
  const Status status = SelectConfig(file, "c", Gpus(2)).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "c.yaml:5:5: GPU 1 is named by an earlier entry of 'c'");
}

TEST(MigPartedTest, EveryErrorNamesItsPlace) {
  const std::string head = "version: v1\nmig-configs:\n  c:\n  - ";
  const std::pair<std::string, const char*> cases[] = {
      {"", "c.yaml:1:1: holds no YAML document"},
      {"--- 1\n--- 2\n", "c.yaml:1:1: holds more than one YAML document"},
      {"version: v1\nmig-configs: [", "c.yaml:2:1: "},
      {"version: v1\n\tmig-configs: 1", "c.yaml:2:1: "},
      {"- 1\n", "c.yaml:1:1: the file is not a map"},
      {"version: v2\nmig-configs: {}\n", "c.yaml:1:10: version is not v1"},
      {"version: v1\n", "c.yaml:1:1: the key 'mig-configs' is missing"},
      {"version: v1\nmig-config: {}\n",
       "c.yaml:2:1: unknown key 'mig-config'; there are version, "},
      {"version: v1\nversion: v1\n", "c.yaml:2:1: the key 'version' is repeated"},
      {"version: v1\nmig-configs: {a: [], a: []}\n", "c.yaml:2:22: the key 'a' is repeated"},
      {"version: v1\nmig-configs: {a: []}\n",
       "c.yaml:2:18: a configuration is not a list of entries"},
      {"version: v1\nmig-configs: {? [1] : []}\n", "c.yaml:2:17: a key is not a word"},
      {head + "5\n", "c.yaml:4:5: an entry is not a map"},
      {head + "devices: all\n", "c.yaml:4:5: the key 'mig-enabled' is missing"},
      {head + "mig-enabled: true\n", "c.yaml:4:5: the key 'devices' is missing"},
      {head + "{devices: some, mig-enabled: true}\n",
       "c.yaml:4:15: devices is neither 'all' nor a list of GPUs"},
      {head + "{devices: [x], mig-enabled: false}\n",
       "c.yaml:4:16: 'x' is not a whole number from 0 to 255"},
      {head + "{devices: [\"1\"], mig-enabled: true}\n", "c.yaml:4:16: not a number"},
      {head + "{devices: [1, 1], mig-enabled: true}\n", "c.yaml:4:19: GPU 1 is named twice"},
      {head + "{devices: all, mig-enabled: yes}\n", "c.yaml:4:33: neither true nor false"},
      {head + "{devices: all, mig-enabled: true, mig-devices: [1]}\n",
       "c.yaml:4:52: mig-devices is not a map"},
      {head + "{devices: all, mig-enabled: true, mig-devices: {1g.5gb: seven}}\n",
       "c.yaml:4:61: 'seven' is not a whole number from 0 to 64"},
      {head + "{devices: all, mig-enabled: true, mig-devices: {1g.5gb: 65}}\n",
       "c.yaml:4:61: '65' is not a whole number from 0 to 64"},
      {head + "{devices: all, mig-enabled: true, mig-devices: {a: 1, a: 2}}\n",
       "c.yaml:4:59: the key 'a' is repeated"},
      {head + "{devices: all, mig-enabled: false, mig-devices: {a: 1}}\n",
       "c.yaml:4:57: instances although MIG is off"},
      {head + "{devices: all, mig-enabled: true, mig-devices: {a: 0, b: 0}}\n",
       "c.yaml:4:52: all counts are 0; {} means no instances"},
      {head + "{devices: all, mig-enabled: true}\n",
       "c.yaml:4:5: mig-enabled is true, but mig-devices is missing; {} means no instances"},
      {head + "{devices: all, mig-enabled: true, mig-devices: }\n",
       "c.yaml:4:5: mig-enabled is true, but mig-devices is missing; {} means no instances"},
      {"version: v1\nmig-configs: {}\n", "c.yaml:2:14: mig-configs holds no configuration"},
      {"version: v1\nmig-configs: {" + std::string(129, 'n') + ": []}\n",
       "c.yaml:2:15: a name is longer than 128 bytes"},
      {head + "{devices: all, mig-enabled: true, device-filter: {a: 1}}\n",
       "c.yaml:4:54: device-filter is neither a device id nor a list of them"},
      {head + "{device-filter: 0x20B010DE, devices: all, mig-enabled: false}\n",
       "c.yaml:4:21: a device id is not a text in quotes"},
      {head + "{device-filter: [\"A100\"], devices: all, mig-enabled: false}\n",
       "c.yaml:4:22: 'A100' is not a device id such as 0x20B010DE or "},
      {head + "{device-filter: \"0x20B010DE:\", devices: all, mig-enabled: false}\n",
       "c.yaml:4:21: '0x20B010DE:' is not a device id such as "},
  };
  for (const auto& [text, message] : cases) {
    const auto file = ParseMigParted(text, "c.yaml");
    EXPECT_EQ(file.status().code(), StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(file.status().message(), StartsWith(message)) << text;
  }
}

// yaml-cpp's LoadAll never returned from these five bytes.
TEST(MigPartedTest, ATextOfEndlessDocumentsIsRefused) {
  const auto file = ParseMigParted(",{d::", "c.yaml");
  EXPECT_EQ(file.status().code(), StatusCode::kInvalidArgument);
}

TEST(MigPartedTest, DeepNestingAndHugeFilesAreRefused) {
  const std::string nested(100'000, '[');
  EXPECT_EQ(ParseMigParted(nested, "c.yaml").status().code(), StatusCode::kInvalidArgument);
  const std::string huge(5 << 20, '#');
  EXPECT_THAT(ParseMigParted(huge, "c.yaml").status().message(), HasSubstr("larger than"));
}

}  // namespace
}  // namespace flexmig::partition

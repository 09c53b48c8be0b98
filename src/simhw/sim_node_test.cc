#include "flexmig/simhw/sim_node.h"

#include <csignal>
#include <cstdlib>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/file.h"
#include "flexmig/base/process.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::simhw {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr mig::GpuIndex kGpu0(0);
constexpr mig::GpuIndex kGpu1(1);
constexpr mig::ComputeInstanceId kCi(0);
constexpr mig::PlacedProfile kLow{mig::ProfileId(19), {0, 1}};   // 1g.5gb
constexpr mig::PlacedProfile kUpper{mig::ProfileId(9), {4, 4}};  // 3g.20gb

std::unique_ptr<SimNode> Open(std::string_view name, SimOptions options = {}) {
  auto node = OpenSimNode(name, std::move(options));
  EXPECT_TRUE(node.ok()) << node.status().ToString();
  return node.ok() ? std::move(node).value() : nullptr;
}

std::unique_ptr<SimNode> OpenScripted(std::string_view name, std::string_view script) {
  SimOptions options;
  auto parsed = ParseSimScript(script, "s");
  EXPECT_TRUE(parsed.ok()) << parsed.status().ToString();
  if (parsed.ok()) options.script = std::move(parsed).value();
  return Open(name, std::move(options));
}

// MIG on and one leaf.
hw::MigDevice MakeLeaf(SimNode& node, mig::GpuIndex gpu, const mig::PlacedProfile& placed) {
  EXPECT_TRUE(node.SetMigMode(gpu, true).ok());
  const auto instance = node.CreateGpuInstance(gpu, placed);
  EXPECT_TRUE(instance.ok()) << instance.status().ToString();
  auto device = node.CreateComputeInstance(gpu, *instance);
  EXPECT_TRUE(device.ok()) << device.status().ToString();
  return device.ok() ? *device : hw::MigDevice();
}

TEST(SimNodeTest, AFreshNodeHasMigOffEverywhere) {
  const auto node = Open("dgx-a100-40");
  const auto gpus = node->ListGpus();
  ASSERT_TRUE(gpus.ok());
  ASSERT_EQ(gpus->size(), 8U);
  std::set<mig::GpuUuid> uuids;
  for (size_t i = 0; i < gpus->size(); ++i) {
    const hw::GpuStatus& gpu = (*gpus)[i];
    EXPECT_EQ(gpu.index.value(), static_cast<int>(i));
    EXPECT_EQ(gpu.model->key, "a100-40");
    EXPECT_FALSE(gpu.mig_enabled || gpu.mig_enabled_pending);
    EXPECT_TRUE(node->ListGpuInstances(gpu.index)->empty());
    EXPECT_TRUE(node->ListMigDevices(gpu.index)->empty());
    uuids.insert(gpu.uuid);
  }
  EXPECT_EQ(uuids.size(), 8U);
  EXPECT_EQ(gpus->at(4).numa_node, 7);
  EXPECT_EQ(gpus->at(4).pci_bus_id, "0000:87:00.0");
}

TEST(SimNodeTest, AnUnknownNameIsNotFound) {
  EXPECT_EQ(OpenSimNode("dgx-v100", {}).status().code(), StatusCode::kNotFound);
}

TEST(SimNodeTest, EveryCallRefusesAGpuThatIsNotThere) {
  const auto node = Open("a100x2");
  for (const int index : {-1, 2, INT32_MAX}) {
    const mig::GpuIndex gpu(index);
    const Status statuses[] = {
        node->SetMigMode(gpu, true),
        node->ListGpuInstances(gpu).status(),
        node->ListMigDevices(gpu).status(),
        node->ListProcesses(gpu).status(),
        node->CreateGpuInstance(gpu, kLow).status(),
        node->CreateComputeInstance(gpu, mig::GpuInstanceId(0)).status(),
        node->DestroyComputeInstance(gpu, mig::GpuInstanceId(0), kCi),
        node->DestroyGpuInstance(gpu, mig::GpuInstanceId(0)),
    };
    for (const Status& status : statuses) {
      EXPECT_EQ(status.code(), StatusCode::kNotFound);
      EXPECT_EQ(status.message(), StrCat("no GPU ", index, ": a100-40x2 has GPUs 0 to 1"));
    }
  }
}

TEST(SimNodeTest, ErrorsNameTheGpu) {
  const auto node = Open("a100x2");
  EXPECT_EQ(node->CreateGpuInstance(kGpu1, kLow).status().message(), "GPU 1: MIG is off");
}

TEST(SimNodeTest, ALeafIsListedAsInstanceDeviceAndInventory) {
  const auto node = Open("a100x2");
  const hw::MigDevice upper = MakeLeaf(*node, kGpu1, kUpper);
  const auto orphan = node->CreateGpuInstance(kGpu1, kLow);
  ASSERT_TRUE(orphan.ok());
  const auto instances = node->ListGpuInstances(kGpu1);
  ASSERT_EQ(instances->size(), 2U);
  EXPECT_EQ(instances->at(0).id.value(), 2);  // by id; 0:1 is id 7
  EXPECT_EQ(instances->at(0).placed, kUpper);
  EXPECT_EQ(instances->at(1).id, *orphan);
  const auto devices = node->ListMigDevices(kGpu1);
  ASSERT_EQ(devices->size(), 1U);
  EXPECT_EQ(devices->at(0).uuid, upper.uuid);
  EXPECT_EQ(devices->at(0).gpu_instance.value(), 2);
  const auto inventory = hw::ReadInventory(*node);
  ASSERT_TRUE(inventory.ok());
  ASSERT_EQ(inventory->leaves.size(), 1U);
  EXPECT_EQ(inventory->leaves[0].gpu, kGpu1);
  EXPECT_EQ(inventory->leaves[0].profile->name, "3g.20gb");
}

TEST(SimNodeTest, ASlotKeepsItsUuidOverDestroyAndCreate) {
  const auto node = Open("a100x2");
  const hw::MigDevice first = MakeLeaf(*node, kGpu0, kLow);
  const hw::MigDevice other = MakeLeaf(*node, kGpu1, kLow);
  EXPECT_NE(first.uuid, other.uuid);
  ASSERT_TRUE(node->DestroyComputeInstance(kGpu0, first.gpu_instance, kCi).ok());
  ASSERT_TRUE(node->DestroyGpuInstance(kGpu0, first.gpu_instance).ok());
  EXPECT_EQ(MakeLeaf(*node, kGpu0, kLow).uuid, first.uuid);
}

TEST(SimNodeTest, AProcessThatEndsNoLongerHoldsItsLeaf) {
  const auto node = Open("a100x1");
  const hw::MigDevice leaf = MakeLeaf(*node, kGpu0, kLow);
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  EXPECT_TRUE(node->AttachProcess(leaf.uuid.value(), child).ok());
  const auto processes = node->ListProcesses(kGpu0);
  ASSERT_EQ(processes->size(), 1U);
  EXPECT_EQ(processes->at(0).pid, child);
  EXPECT_EQ(processes->at(0).gpu_instance, leaf.gpu_instance);
  const Status busy = node->DestroyComputeInstance(kGpu0, leaf.gpu_instance, kCi);
  EXPECT_EQ(busy.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(busy.message(), HasSubstr(StrCat("process ", child)));
  const auto pidfd = OpenPidFd(child);
  ASSERT_TRUE(pidfd.ok());
  ::kill(child, SIGKILL);
  const Deadline deadline = Deadline::After(std::chrono::seconds(10));
  while (!HasExited(*pidfd) && !deadline.HasPassed()) std::this_thread::yield();
  EXPECT_TRUE(node->ListProcesses(kGpu0)->empty());  // though still a zombie
  EXPECT_TRUE(node->DestroyComputeInstance(kGpu0, leaf.gpu_instance, kCi).ok());
  ::waitpid(child, nullptr, 0);
}

TEST(SimNodeTest, ALaterProcessWithTheSameIdIsAnother) {
  SimOptions options;
  bool same_process = true;
  options.is_alive = [&](const SimProcess&) { return same_process; };
  const auto node = Open("a100x1", std::move(options));
  const hw::MigDevice leaf = MakeLeaf(*node, kGpu0, kLow);
  ASSERT_TRUE(node->AttachProcess(leaf.uuid.value(), ::getpid()).ok());
  same_process = false;
  EXPECT_TRUE(node->ListProcesses(kGpu0)->empty());
  EXPECT_TRUE(node->AttachProcess(leaf.uuid.value(), ::getpid()).ok());
}

TEST(SimNodeTest, ProcessesAttachByUuid) {
  const auto node = Open("a100x2");
  const auto gpus = node->ListGpus();
  const std::string gpu0 = gpus->at(0).uuid.value();
  EXPECT_TRUE(node->AttachProcess(gpu0, ::getpid()).ok());
  EXPECT_EQ(node->AttachProcess(gpu0, ::getpid()).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(node->ListProcesses(kGpu0)->at(0).gpu_instance.value(), hw::kNoInstance);
  EXPECT_TRUE(node->DetachProcess(gpu0, ::getpid()).ok());
  EXPECT_EQ(node->DetachProcess(gpu0, ::getpid()).code(), StatusCode::kNotFound);
  EXPECT_EQ(node->AttachProcess(gpu0, INT32_MAX).code(), StatusCode::kNotFound);
  EXPECT_EQ(node->AttachProcess("MIG-0", ::getpid()).code(), StatusCode::kNotFound);
}

TEST(SimNodeTest, FaultsHaveTheCodesOfTheContract) {
  const std::pair<const char*, StatusCode> cases[] = {
      {"busy", StatusCode::kUnavailable},          {"in-use", StatusCode::kFailedPrecondition},
      {"lost", StatusCode::kUnavailable},          {"no-permission", StatusCode::kPermissionDenied},
      {"no-room", StatusCode::kResourceExhausted}, {"timeout", StatusCode::kDeadlineExceeded},
  };
  for (const auto& [fault, code] : cases) {
    const auto node = OpenScripted("a100x1", StrCat("fail any any ", fault, " times=9"));
    const Status statuses[] = {
        node->ListGpus().status(),
        node->SetMigMode(kGpu0, true),
        node->ListGpuInstances(kGpu0).status(),
        node->ListMigDevices(kGpu0).status(),
        node->ListProcesses(kGpu0).status(),
        node->CreateGpuInstance(kGpu0, kLow).status(),
        node->CreateComputeInstance(kGpu0, mig::GpuInstanceId(7)).status(),
        node->DestroyComputeInstance(kGpu0, mig::GpuInstanceId(7), kCi),
        node->DestroyGpuInstance(kGpu0, mig::GpuInstanceId(7)),
    };
    for (const Status& status : statuses) EXPECT_EQ(status.code(), code) << fault;
    EXPECT_FALSE(node->ListGpus()->at(0).mig_enabled);
  }
}

TEST(SimNodeTest, ACallCanPretendToHaveWorked) {
  const auto node = OpenScripted("a100x1", "fail destroy-gi any pretend times=1");
  ASSERT_TRUE(node->SetMigMode(kGpu0, true).ok());
  const auto instance = node->CreateGpuInstance(kGpu0, kLow);
  ASSERT_TRUE(instance.ok());
  EXPECT_TRUE(node->DestroyGpuInstance(kGpu0, *instance).ok());
  EXPECT_EQ(node->ListGpuInstances(kGpu0)->size(), 1U);
  EXPECT_TRUE(node->DestroyGpuInstance(kGpu0, *instance).ok());
  EXPECT_TRUE(node->ListGpuInstances(kGpu0)->empty());
}

TEST(SimNodeTest, ADelayIsSpentInTheCall) {
  const auto node = OpenScripted("a100x1", "delay set-mig-mode 0 30ms");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(node->SetMigMode(kGpu0, true).ok());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(30));
}

TEST(SimNodeTest, ThreadsMayShareANode) {
  const auto node = Open("a100x2");
  for (const auto gpu : {kGpu0, kGpu1}) ASSERT_TRUE(node->SetMigMode(gpu, true).ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const mig::GpuIndex gpu(t % 2);
      const mig::PlacedProfile placed{mig::ProfileId(19), {t, 1}};
      for (int i = 0; i < 50; ++i) {
        const auto instance = node->CreateGpuInstance(gpu, placed);
        ASSERT_TRUE(instance.ok());
        ASSERT_TRUE(node->CreateComputeInstance(gpu, *instance).ok());
        ASSERT_TRUE(hw::ReadInventory(*node).ok());
        ASSERT_TRUE(node->DestroyComputeInstance(gpu, *instance, kCi).ok());
        ASSERT_TRUE(node->DestroyGpuInstance(gpu, *instance).ok());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(hw::ReadInventory(*node)->leaves.empty());
}

class SimNodeFileTest : public ::testing::Test {
 protected:
  SimNodeFileTest()
      : directory_(std::filesystem::temp_directory_path() / ("flexmig-node-" + RandomHex(8))) {}
  ~SimNodeFileTest() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] SimOptions Options(std::string_view script = "") const {
    SimOptions options;
    options.state_directory = directory_;
    options.lock_wait = std::chrono::seconds(20);
    options.script = *ParseSimScript(script, "s");
    return options;
  }

  const std::filesystem::path directory_;
};

TEST_F(SimNodeFileTest, TwoNamesOfOneNodeShareItsState) {
  const hw::MigDevice leaf = MakeLeaf(*Open("a100x1", Options()), kGpu0, kLow);
  const auto devices = Open("a100-40x1", Options())->ListMigDevices(kGpu0);
  ASSERT_EQ(devices->size(), 1U);
  EXPECT_EQ(devices->at(0).uuid, leaf.uuid);
  EXPECT_TRUE(std::filesystem::exists(directory_ / "a100-40x1" / "node.json"));
}

// The window of the field bug in which a GPU instance is left without compute instance.
TEST_F(SimNodeFileTest, DyingBetweenTheTwoCreationsLeavesAnOrphan) {
  for (const char* script : {"die after create-gi any", "die before create-ci any"}) {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto node = Open("a100x1", Options(script));
      MakeLeaf(*node, kGpu0, kLow);
      ::_exit(0);
    }
    int wait_status = 0;
    ASSERT_EQ(::waitpid(child, &wait_status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL);
    const auto node = Open("a100x1", Options());
    const auto instances = node->ListGpuInstances(kGpu0);
    ASSERT_EQ(instances->size(), 1U);
    EXPECT_TRUE(node->ListMigDevices(kGpu0)->empty());
    EXPECT_TRUE(node->DestroyGpuInstance(kGpu0, instances->at(0).id).ok());
  }
}

// Two processes create and destroy at random on one GPU; each may be refused, the layout stays
// legal (the parser checks it with every read).
TEST_F(SimNodeFileTest, ProcessesThatFightOverAGpuKeepItsLayoutLegal) {
  ASSERT_TRUE(Open("a100x1", Options())->SetMigMode(kGpu0, true).ok());
  const auto fight = [&](uint64_t seed) {
    SplitMix64 random(seed);
    const auto node = Open("a100x1", Options());
    const auto profiles = node->spec().boards[0].model->profiles;
    for (int step = 0; step < 80; ++step) {
      const auto& profile = profiles[random.NextBelow(profiles.size())];
      const int start = profile.starts[random.NextBelow(profile.starts.size())];
      const auto created =
          node->CreateGpuInstance(kGpu0, {profile.id, {start, profile.memory_slices}});
      if (!created.ok() && created.status().code() != StatusCode::kResourceExhausted) ::_exit(1);
      const auto instances = node->ListGpuInstances(kGpu0);
      if (!instances.ok()) ::_exit(2);
      if (instances->empty()) continue;
      const auto victim = (*instances)[random.NextBelow(instances->size())].id;
      const Status gone = node->DestroyGpuInstance(kGpu0, victim);
      if (!gone.ok() && gone.code() != StatusCode::kNotFound) ::_exit(3);
    }
    ::_exit(0);
  };
  pid_t children[2];
  for (size_t i = 0; i < 2; ++i) {
    children[i] = ::fork();
    if (children[i] == 0) fight(100 + i);
  }
  for (const pid_t child : children) {
    int wait_status = -1;
    ASSERT_EQ(::waitpid(child, &wait_status, 0), child);
    EXPECT_EQ(wait_status, 0);
  }
  EXPECT_TRUE(Open("a100x1", Options())->ListGpuInstances(kGpu0).ok());
}

class SimOptionsTest : public SimNodeFileTest {
 protected:
  SimOptionsTest() {
    std::filesystem::create_directory(directory_);
    ::setenv("FLEXMIG_STATE_DIR", directory_.c_str(), 1);
  }
  ~SimOptionsTest() override {
    ::unsetenv("FLEXMIG_STATE_DIR");
    ::unsetenv("FLEXMIG_SIM_SCRIPT");
  }
};

TEST_F(SimOptionsTest, TheEnvironmentNamesStateAndScript) {
  ASSERT_TRUE(WriteFileAtomically(directory_ / "s", "seed 3\n").ok());
  ::setenv("FLEXMIG_SIM_SCRIPT", (directory_ / "s").c_str(), 1);
  const auto options = SimOptionsFromEnvironment();
  ASSERT_TRUE(options.ok()) << options.status().ToString();
  EXPECT_EQ(options->state_directory, directory_ / "sim");
  EXPECT_EQ(options->script.seed, 3U);
}

TEST_F(SimOptionsTest, AScriptThatIsMissingOrWrongIsAnError) {
  ::setenv("FLEXMIG_SIM_SCRIPT", (directory_ / "none").c_str(), 1);
  EXPECT_EQ(SimOptionsFromEnvironment().status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(WriteFileAtomically(directory_ / "none", "sneeze\n").ok());
  EXPECT_THAT(SimOptionsFromEnvironment().status().message(), HasSubstr("none:1:1: "));
}

}  // namespace
}  // namespace flexmig::simhw

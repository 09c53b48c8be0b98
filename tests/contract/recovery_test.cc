// What a node goes through while or after it is cut: a reboot, a board that is lost, missing
// permission, two applies at once; and how it comes back.

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/strings.h"
#include "flexmig/partition/apply.h"
#include "flexmig/partition/node_layout.h"

#include "stand.h"

namespace flexmig::contract {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using Kind = partition::GpuOutcome::Kind;

constexpr mig::GpuIndex kGpu0(0);
constexpr mig::GpuIndex kGpu1(1);

using Param = std::tuple<Front, const char*>;

class RecoveryTest : public ::testing::TestWithParam<Param> {
 protected:
  static nvml::NvmlOptions Impatient() {
    nvml::NvmlOptions options;
    options.retry_for = milliseconds(20);
    return options;
  }

  // A node of two boards; the script is for the backend only.
  static Stand Node(std::string_view script = "") {
    return Stand(std::get<Front>(GetParam()), std::get<const char*>(GetParam()), script,
                 Impatient());
  }

  static partition::ApplyOptions Options(const Stand& stand) {
    partition::ApplyOptions options;
    options.state_directory = stand.folder() / "partition";
    options.retry_for = milliseconds(20);
    options.lock_wait = milliseconds(30'000);
    return options;
  }

  static mig::ProfileCounts Leaves(const mig::GpuModel& model) {
    const std::string name(mig::DefaultLeafProfile(model).name);
    return partition::CountProfiles(model, *mig::UniformLayout(model, name));
  }

  // Two instances of half a board each.
  static mig::ProfileCounts Halves(const mig::GpuModel& model) {
    for (const mig::Profile& profile : model.profiles) {
      if (profile.max_instances == 2) return {{std::string(profile.name), 2}};
    }
    return {};
  }

  static partition::ApplyReport Bring(hw::MigBackend& backend, const Stand& stand,
                                      const mig::ProfileCounts& counts) {
    return partition::Apply(backend, {{kGpu0, true, counts}, {kGpu1, true, counts}},
                            Options(stand));
  }

  static std::vector<partition::ObservedGpu> Observe(hw::MigBackend& backend) {
    std::vector<partition::ObservedGpu> gpus;
    for (const auto gpu : {kGpu0, kGpu1}) {
      auto observed = partition::Observe(backend, gpu, partition::CreatedRecord(), nullptr);
      EXPECT_TRUE(observed.ok()) << observed.status().ToString();
      if (observed.ok()) gpus.push_back(*std::move(observed));
    }
    return gpus;
  }

  // "GPU 0: 7 x 1g.5gb" for each GPU; "MIG off"; a "?" for each instance without compute instance.
  static std::string Describe(hw::MigBackend& backend) {
    std::string text;
    for (const auto& gpu : Observe(backend)) {
      const hw::GpuStatus& status = gpu.status;
      text += StrCat("GPU ", status.index.value(), ": ",
                     status.mig_enabled ? mig::DescribeLayout(*status.model, gpu.layout())
                                        : std::string("MIG off"),
                     " ");
      for (const auto& instance : gpu.instances) text += instance.device ? "" : "?";
    }
    return text;
  }

  static std::vector<std::string> Uuids(hw::MigBackend& backend) {
    std::vector<std::string> uuids;
    const auto inventory = hw::ReadInventory(backend);
    EXPECT_TRUE(inventory.ok()) << inventory.status().ToString();
    if (!inventory.ok()) return uuids;
    for (const auto& leaf : inventory->leaves) uuids.push_back(leaf.uuid.value());
    return uuids;
  }

  static partition::ApplyReport Restore(hw::MigBackend& backend, const Stand& stand,
                                        const std::string& saved) {
    const auto layout = partition::ParseNodeLayout(saved, "saved");
    EXPECT_TRUE(layout.ok()) << layout.status().ToString();
    const auto gpus = backend.ListGpus();
    const auto desired = partition::DesiredFrom(*layout, *gpus, false);
    EXPECT_TRUE(desired.ok()) << desired.status().ToString();
    return partition::Apply(backend, *desired, Options(stand));
  }
};

// Instances are gone after a reboot, and on newer boards the mode is, too.
TEST_P(RecoveryTest, ARebootedNodeIsRestoredToTheSameLeavesAtTheSamePlaces) {
  Stand stand = Node();
  ASSERT_TRUE(Bring(stand.backend(), stand, Leaves(stand.model())).status.ok());
  // Not where an apply would put them: the far end of GPU 1 alone.
  const mig::Profile& leaf = mig::DefaultLeafProfile(stand.model());
  const auto instances = stand.world().ListGpuInstances(kGpu1);
  for (const auto& instance : *instances) {
    if (instance.placed.placement.start == leaf.starts.back()) continue;
    ASSERT_TRUE(
        stand.world().DestroyComputeInstance(kGpu1, instance.id, mig::ComputeInstanceId(0)).ok());
    ASSERT_TRUE(stand.world().DestroyGpuInstance(kGpu1, instance.id).ok());
  }
  const std::string saved =
      partition::FormatNodeLayout(partition::SaveLayout(Observe(stand.backend())));
  const auto uuids = Uuids(stand.backend());
  const std::string before = Describe(stand.backend());
  ASSERT_EQ(uuids.size(), leaf.starts.size() + 1);

  ASSERT_TRUE(stand.world().Reboot().ok());
  EXPECT_TRUE(Uuids(stand.backend()).empty());
  const auto report = Restore(stand.backend(), stand, saved);
  EXPECT_TRUE(report.status.ok()) << report.status.ToString();
  EXPECT_EQ(Uuids(stand.backend()), uuids);
  EXPECT_EQ(Describe(stand.backend()), before);
  const bool mode_was_lost = report.gpus[0].steps[0].kind == partition::Step::Kind::kEnableMig;
  EXPECT_EQ(mode_was_lost, !stand.model().mode_change_needs_reset);
  // Nothing is left to do, and what was restored counts as created here.
  for (const auto& gpu : Restore(stand.backend(), stand, saved).gpus) {
    EXPECT_EQ(gpu.kind, Kind::kUnchanged);
  }
  EXPECT_TRUE(Bring(stand.backend(), stand, Halves(stand.model())).status.ok());
}

// Whatever call fails on the way, what is said is true and the next restore finishes.
TEST_P(RecoveryTest, ARestoreThatFailsAnywhereIsFinishedByTheNext) {
  for (const char* operation : {"set-mig-mode", "create-gi", "create-ci", "list-gi"}) {
    for (const char* fault : {"lost", "no-permission", "timeout", "pretend"}) {
      for (const int skip : {0, 1, 3}) {
        SCOPED_TRACE(StrCat(operation, " ", fault, " ", skip));
        Stand stand = Node(StrCat("fail ", operation, " any ", fault, " skip=", skip, " times=1"));
        ASSERT_TRUE(Bring(stand.world(), stand, Halves(stand.model())).status.ok());
        const std::string saved =
            partition::FormatNodeLayout(partition::SaveLayout(Observe(stand.world())));
        const std::string before = Describe(stand.world());
        ASSERT_TRUE(stand.world().Reboot().ok());
        const std::string rebooted = Describe(stand.world());
        const auto layout = partition::ParseNodeLayout(saved, "saved");
        const auto desired = partition::DesiredFrom(*layout, *stand.world().ListGpus(), false);
        const auto report = partition::Apply(stand.backend(), *desired, Options(stand));
        if (report.status.ok()) {
          EXPECT_EQ(Describe(stand.world()), before);
        } else if (report.gpus.empty()) {
          EXPECT_EQ(Describe(stand.world()), rebooted);
        }
        const auto again = partition::Apply(stand.backend(), *desired, Options(stand));
        EXPECT_TRUE(again.status.ok())
            << again.status.ToString() << ", after " << report.status.ToString();
        EXPECT_EQ(Describe(stand.world()), before);
        if (HasFailure()) return;
      }
    }
  }
}

TEST_P(RecoveryTest, ABoardThatIsLostMidwayIsToldAndFinishedOnceItIsBack) {
  for (const int skip : {6, 10, 14}) {
    SCOPED_TRACE(skip);
    // From some call on GPU 1 does not answer any more.
    Stand stand = Node(StrCat("fail any 1 lost skip=",
                              std::get<Front>(GetParam()) == Front::kAbi ? skip * 20 : skip));
    ASSERT_TRUE(Bring(stand.world(), stand, Halves(stand.model())).status.ok());
    const mig::ProfileCounts wanted = Leaves(stand.model());
    const auto report = Bring(stand.backend(), stand, wanted);
    EXPECT_FALSE(report.status.ok());
    EXPECT_THAT(report.status.message(), HasSubstr("GPU 1"));
    if (!report.gpus.empty()) {
      EXPECT_NE(report.gpus[1].kind, Kind::kApplied);
    }
    const auto again = Bring(stand.world(), stand, wanted);
    EXPECT_TRUE(again.status.ok()) << again.status.ToString();
    for (const auto& gpu : Observe(stand.world())) {
      EXPECT_EQ(partition::CountProfiles(stand.model(), gpu.layout()), wanted);
    }
  }
}

TEST_P(RecoveryTest, WithoutPermissionNothingIsChangedAndTheMendIsSaid) {
  for (const char* operation : {"list", "create", "set-mig-mode"}) {
    SCOPED_TRACE(operation);
    Stand stand = Node(StrCat("fail ", operation, " any no-permission"));
    const std::string before = Describe(stand.world());
    const auto report = Bring(stand.backend(), stand, Leaves(stand.model()));
    EXPECT_EQ(report.status.code(), StatusCode::kPermissionDenied) << report.status.ToString();
    EXPECT_THAT(report.status.message(), HasSubstr("run as root"));
    EXPECT_THAT(report.status.message(), HasSubstr("mig/config"));
    EXPECT_EQ(Describe(stand.world()), before);
  }
}

TEST_P(RecoveryTest, TwoAppliesAtOnceGoOneAfterTheOther) {
  Stand stand = Node("delay create any 2ms\ndelay destroy any 2ms\n");
  const mig::ProfileCounts wishes[] = {Leaves(stand.model()), Halves(stand.model())};
  for (int round = 0; round < 3; ++round) {
    partition::ApplyReport reports[2];
    {
      std::jthread other([&] { reports[0] = Bring(stand.world(), stand, wishes[0]); });
      reports[1] = Bring(stand.backend(), stand, wishes[1]);
    }
    for (const auto& report : reports) {
      EXPECT_TRUE(report.status.ok()) << report.status.ToString();
    }
    const auto gpus = Observe(stand.world());
    const auto layout = partition::CountProfiles(stand.model(), gpus[0].layout());
    EXPECT_TRUE(layout == wishes[0] || layout == wishes[1]);
    EXPECT_EQ(partition::CountProfiles(stand.model(), gpus[1].layout()), layout);
  }
}

INSTANTIATE_TEST_SUITE_P(Simulated, RecoveryTest,
                         ::testing::Combine(::testing::Values(Front::kInProcess, Front::kAbi),
                                            ::testing::Values("a30x2", "a100x2", "h100x2")),
                         [](const auto& test) {
                           return StrCat(FrontName(std::get<Front>(test.param)), "_",
                                         std::get<const char*>(test.param));
                         });

}  // namespace
}  // namespace flexmig::contract

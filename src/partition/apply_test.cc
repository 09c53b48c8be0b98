#include "flexmig/partition/apply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "flexmig/base/file.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/simhw/sim_node.h"

namespace flexmig::partition {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = GpuOutcome::Kind;

constexpr mig::GpuIndex kGpu0(0);
constexpr mig::GpuIndex kGpu1(1);

class ApplyTest : public ::testing::Test {
 protected:
  ApplyTest()
      : directory_(std::filesystem::temp_directory_path() / ("flexmig-apply-" + RandomHex(8))) {
    options_.state_directory = directory_ / "partition";
    options_.retry_for = milliseconds(200);
  }
  ~ApplyTest() override { std::filesystem::remove_all(directory_); }
  ApplyTest(const ApplyTest&) = delete;
  ApplyTest& operator=(const ApplyTest&) = delete;

  // Opens the node, under a script.
  std::unique_ptr<simhw::SimNode> Open(std::string_view script = "",
                                       std::string_view name = "a100x2") const {
    simhw::SimOptions options;
    options.state_directory = directory_ / "sim";
    auto parsed = simhw::ParseSimScript(script, "s");
    EXPECT_TRUE(parsed.ok()) << parsed.status().ToString();
    options.script = std::move(parsed).value();
    return *simhw::OpenSimNode(name, std::move(options));
  }

  // "7 x 1g.5gb" or "MIG off"; a trailing "?" for each instance without compute instance.
  std::string Layout(mig::GpuIndex index) const {
    const auto node = Open();
    const auto gpu = Observe(*node, index, CreatedRecord(), nullptr);
    EXPECT_TRUE(gpu.ok());
    if (!gpu->status.mig_enabled) return "MIG off";
    std::string text = mig::DescribeLayout(*gpu->status.model, gpu->layout());
    for (const auto& instance : gpu->instances) text += instance.device ? "" : "?";
    return text;
  }

  ApplyReport ApplyTo(hw::MigBackend& node, mig::ProfileCounts counts) const {
    return Apply(node, {{kGpu0, true, counts}, {kGpu1, true, counts}}, options_);
  }

  // Both GPUs hold 7 x 1g.5gb, created here.
  void Flatten() {
    const auto node = Open();
    const Status status = ApplyTo(*node, {{"1g.5gb", 7}}).status;
    ASSERT_TRUE(status.ok()) << status.ToString();
  }

  const std::filesystem::path directory_;
  ApplyOptions options_;
};

TEST_F(ApplyTest, AFreshNodeIsFlattenedAndThenLeftAlone) {
  const auto node = Open();
  const ApplyReport report = ApplyTo(*node, {{"1g.5gb", 7}});
  EXPECT_TRUE(report.status.ok()) << report.status.ToString();
  ASSERT_EQ(report.gpus.size(), 2U);
  EXPECT_EQ(report.gpus[1].kind, Kind::kApplied);
  EXPECT_EQ(report.gpus[1].steps, report.plan.gpus[1].steps);
  EXPECT_EQ(hw::ReadInventory(*node)->leaves.size(), 14U);
  const ApplyReport again = ApplyTo(*node, {{"1g.5gb", 7}});
  EXPECT_TRUE(again.status.ok());
  EXPECT_EQ(again.gpus[0].kind, Kind::kUnchanged);
  EXPECT_THAT(again.gpus[0].steps, IsEmpty());
}

TEST_F(ApplyTest, OwnInstancesAreReplacedWithoutForce) {
  Flatten();
  const auto node = Open();
  EXPECT_TRUE(ApplyTo(*node, {{"3g.20gb", 2}}).status.ok());
  EXPECT_EQ(Layout(kGpu1), "2 x 3g.20gb");
  const ApplyReport off = Apply(*node, {{kGpu0, false, {}}}, options_);
  EXPECT_TRUE(off.status.ok()) << off.status.ToString();
  EXPECT_EQ(Layout(kGpu0), "MIG off");
  EXPECT_EQ(Layout(kGpu1), "2 x 3g.20gb");
}

TEST_F(ApplyTest, ForeignInstancesAreReplacedByForceOnly) {
  const auto node = Open();
  ASSERT_TRUE(node->SetMigMode(kGpu1, true).ok());
  ASSERT_TRUE(node->CreateGpuInstance(kGpu1, {mig::ProfileId(9), {4, 4}}).ok());
  const ApplyReport refused = ApplyTo(*node, {{"1g.5gb", 7}});
  EXPECT_EQ(refused.status.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(refused.status.message(),
            "nothing was changed: GPU 1: 3g.20gb at 4:4 was not created by flexmig");
  EXPECT_THAT(refused.gpus, IsEmpty());
  EXPECT_EQ(Layout(kGpu0), "MIG off");
  options_.plan.force = true;
  EXPECT_TRUE(ApplyTo(*node, {{"1g.5gb", 7}}).status.ok());
  EXPECT_EQ(Layout(kGpu1), "7 x 1g.5gb");
}

TEST_F(ApplyTest, ProcessesAndLeasesKeepTheirLeaves) {
  Flatten();
  const auto node = Open();
  const auto leaves = hw::ReadInventory(*node)->leaves;
  ASSERT_TRUE(node->AttachProcess(leaves[3].uuid.value(), ::getpid()).ok());
  options_.plan.force = true;
  options_.plan.holder_of = [&](const mig::MigUuid& uuid) {
    return uuid == leaves[9].uuid ? std::string("job 7f3a") : std::string();
  };
  const ApplyReport report = ApplyTo(*node, {{"7g.40gb", 1}});
  EXPECT_EQ(report.status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(report.status.message(),
              HasSubstr(StrCat("GPU 0: 1g.5gb at 3:1 is in use by process ", ::getpid())));
  EXPECT_THAT(report.status.message(), HasSubstr("GPU 1: 1g.5gb at 2:1 is leased by job 7f3a"));
  EXPECT_EQ(Layout(kGpu0), "7 x 1g.5gb");
}

TEST_F(ApplyTest, DoomedLeavesAreReservedBeforeTheFirstChange) {
  Flatten();
  const auto node = Open();
  std::vector<mig::MigUuid> doomed;
  options_.reserve = [&](const std::vector<mig::MigUuid>& uuids) {
    doomed = uuids;
    return FailedPreconditionError("a job was faster");
  };
  const ApplyReport report = ApplyTo(*node, {{"1g.5gb", 3}, {"3g.20gb", 1}});
  EXPECT_EQ(report.status.message(), "a job was faster");
  EXPECT_EQ(doomed.size(), 8U);
  EXPECT_EQ(Layout(kGpu0), "7 x 1g.5gb");
}

TEST_F(ApplyTest, TransientErrorsAreWaitedOut) {
  Flatten();
  const auto node = Open(
      "fail destroy any busy times=3\nfail create-ci 1 timeout times=2\n"
      "fail list any lost skip=9 times=2\nfail destroy-gi 1 pretend times=2\n");
  options_.retry_for = milliseconds(2000);
  const ApplyReport report = ApplyTo(*node, {{"3g.20gb", 2}});
  EXPECT_TRUE(report.status.ok()) << report.status.ToString();
  EXPECT_EQ(report.gpus[1].steps, report.plan.gpus[1].steps);
  EXPECT_EQ(Layout(kGpu1), "2 x 3g.20gb");
}

TEST_F(ApplyTest, PatienceEnds) {
  Flatten();
  const auto node = Open("fail destroy-gi 0 pretend");
  const auto begin = std::chrono::steady_clock::now();
  const ApplyReport report = ApplyTo(*node, {{"3g.20gb", 2}});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(5000));
  EXPECT_EQ(report.status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(report.status.message(),
              HasSubstr("destroy GPU instance 1g.5gb at 0:1: GPU 0: the driver reports success"));
}

TEST_F(ApplyTest, AFailedGpuGoesBackToItsOldLayout) {
  Flatten();
  const auto node = Open("fail create-gi 1 no-room times=1");
  const ApplyReport report = ApplyTo(*node, {{"3g.20gb", 2}});
  EXPECT_EQ(report.status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(report.gpus[0].kind, Kind::kApplied);
  EXPECT_EQ(report.gpus[1].kind, Kind::kRolledBack);
  EXPECT_EQ(Layout(kGpu0), "2 x 3g.20gb");
  EXPECT_EQ(Layout(kGpu1), "7 x 1g.5gb");
  const ApplyReport again = ApplyTo(*Open(), {{"3g.20gb", 2}});
  EXPECT_TRUE(again.status.ok()) << again.status.ToString();
  EXPECT_EQ(again.gpus[0].kind, Kind::kUnchanged);
  EXPECT_EQ(again.gpus[1].kind, Kind::kApplied);
}

TEST_F(ApplyTest, GoingBackDoesNotDestroyANewLeafThatAJobHasTaken) {
  Flatten();
  const auto node = Open("fail create-gi 0 no-room skip=1");
  std::vector<size_t> asked;
  options_.reserve = [&](const std::vector<mig::MigUuid>& uuids) {
    asked.push_back(uuids.size());
    return asked.size() == 1 ? OkStatus() : FailedPreconditionError("leased by job 7f3a");
  };
  const ApplyReport report = Apply(*node, {{kGpu0, true, {{"3g.20gb", 2}}}}, options_);
  EXPECT_EQ(report.status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(report.status.message(), HasSubstr("going back failed, too: leased by job 7f3a"));
  EXPECT_EQ(report.gpus[0].kind, Kind::kLeftover);
  EXPECT_THAT(asked, ElementsAre(7U, 1U));
  EXPECT_EQ(Layout(kGpu0), "1 x 3g.20gb");
}

TEST_F(ApplyTest, AFreshGpuGoesBackToMigOff) {
  const auto node = Open("fail create-ci 0 no-permission skip=5");
  const ApplyReport report = ApplyTo(*node, {{"1g.5gb", 7}});
  EXPECT_EQ(report.status.code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(report.gpus[0].kind, Kind::kRolledBack);
  EXPECT_EQ(report.gpus[1].kind, Kind::kNotTried);
  EXPECT_EQ(Layout(kGpu0), "MIG off");
}

TEST_F(ApplyTest, WhatIsLeftOverIsToldAndFinishedByTheNextApply) {
  Flatten();
  const auto node = Open("fail create 0 lost");
  const ApplyReport report = ApplyTo(*node, {{"3g.20gb", 2}});
  EXPECT_EQ(report.status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(report.status.message(), HasSubstr("going back failed, too"));
  EXPECT_EQ(report.gpus[0].kind, Kind::kLeftover);
  EXPECT_THAT(report.gpus[0].layout, IsEmpty());
  EXPECT_EQ(Layout(kGpu0), "no instances");
  EXPECT_TRUE(ApplyTo(*Open(), {{"3g.20gb", 2}}).status.ok());
  EXPECT_EQ(Layout(kGpu0), "2 x 3g.20gb");
}

TEST_F(ApplyTest, AnUnseenClientOnAmpereKeepsTheSwitchWaiting) {
  const auto node = Open("fail set-mig-mode 0 pretend");
  const ApplyReport report = ApplyTo(*node, {{"1g.5gb", 7}});
  EXPECT_EQ(report.status.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(report.status.message(),
            "switch MIG on: GPU 0: waits for a reset; something uses the GPU");
}

TEST_F(ApplyTest, AnInstanceThatAppearsMeanwhileIsNotDestroyed) {
  const auto node = Open();
  options_.reserve = [&](const std::vector<mig::MigUuid>&) -> Status {
    FLEXMIG_RETURN_IF_ERROR(node->SetMigMode(kGpu0, true));
    return node->CreateGpuInstance(kGpu0, {mig::ProfileId(9), {4, 4}}).status();
  };
  const ApplyReport report = ApplyTo(*node, {{"1g.5gb", 7}});
  EXPECT_EQ(report.status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(report.status.message(), HasSubstr("created by somebody else"));
  EXPECT_EQ(Layout(kGpu0), "1 x 3g.20gb?");
}

TEST_F(ApplyTest, TwoAppliesExcludeEachOther) {
  ASSERT_TRUE(MakePrivateDirectory(options_.state_directory).ok());
  const auto lock = FileLock::TryAcquire(options_.state_directory / "lock");
  ASSERT_TRUE(lock.ok());
  options_.lock_wait = milliseconds(20);
  const ApplyReport report = ApplyTo(*Open(), {{"1g.5gb", 7}});
  EXPECT_EQ(report.status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_THAT(report.status.message(), HasSubstr("another apply is at work"));
  EXPECT_THAT(report.status.message(), HasSubstr(StrCat("process ", ::getpid())));
}

TEST_F(ApplyTest, AnUnknownGpuIsNotFound) {
  const ApplyReport report = Apply(*Open(), {{mig::GpuIndex(2), true, {}}}, options_);
  EXPECT_EQ(report.status.code(), StatusCode::kNotFound);
  EXPECT_EQ(report.status.message(), "no GPU 2: the node has 2");
}

}  // namespace
}  // namespace flexmig::partition

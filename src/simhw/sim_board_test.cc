#include "flexmig/simhw/sim_board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/simhw/identity.h"

namespace flexmig::simhw {
namespace {

using ::testing::HasSubstr;

constexpr mig::ComputeInstanceId kCi(0);
constexpr mig::GpuInstanceId kWhole(hw::kNoInstance);
constexpr mig::ComputeInstanceId kNoCi(hw::kNoInstance);

const mig::GpuModel& Model(std::string_view key) { return **mig::FindGpuModel(key); }

mig::PlacedProfile Place(const mig::GpuModel& model, std::string_view name, int start) {
  const mig::Profile& profile = **model.FindProfile(name);
  return {profile.id, {start, profile.memory_slices}};
}

class SimBoardTest : public ::testing::Test {
 protected:
  SimBoardTest() { EXPECT_TRUE(board_.SetMigMode(true).ok()); }

  mig::GpuInstanceId Create(std::string_view name, int start) {
    const auto id = board_.CreateGpuInstance(Place(model_, name, start));
    EXPECT_TRUE(id.ok()) << id.status().ToString();
    return id.ok() ? *id : mig::GpuInstanceId(-2);
  }

  StatusCode CodeOfCreate(std::string_view name, int start) {
    return board_.CreateGpuInstance(Place(model_, name, start)).status().code();
  }

  const mig::GpuModel& model_ = Model("a100-40");
  SimBoard board_{model_};
};

TEST_F(SimBoardTest, InstancesAreMadeFromTheOutsideInAndUnmadeFromTheInsideOut) {
  const auto id = Create("3g.20gb", 4);
  EXPECT_EQ(id.value(), 2);
  EXPECT_EQ(board_.DestroyComputeInstance(id, kCi).code(), StatusCode::kNotFound);
  EXPECT_TRUE(board_.CreateComputeInstance(id).ok());
  EXPECT_EQ(board_.CreateComputeInstance(id).code(), StatusCode::kAlreadyExists);
  const Status early = board_.DestroyGpuInstance(id);
  EXPECT_EQ(early.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(early.message(), HasSubstr("holds a compute instance"));
  EXPECT_EQ(board_.DestroyComputeInstance(id, mig::ComputeInstanceId(1)).code(),
            StatusCode::kNotFound);
  EXPECT_TRUE(board_.DestroyComputeInstance(id, kCi).ok());
  EXPECT_TRUE(board_.DestroyGpuInstance(id).ok());
  EXPECT_EQ(board_.DestroyGpuInstance(id).code(), StatusCode::kNotFound);
}

TEST_F(SimBoardTest, OverlapAndAFullBoardExhaustResources) {
  Create("3g.20gb", 4);
  Create("1g.5gb", 0);
  EXPECT_EQ(CodeOfCreate("2g.10gb", 0), StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOfCreate("7g.40gb", 0), StatusCode::kResourceExhausted);
  Create("2g.10gb", 2);
  Create("1g.5gb", 1);
  EXPECT_EQ(board_.state().instances.size(), 4U);
}

TEST_F(SimBoardTest, APlacementThatIsNeverLegalIsTheCallersMistake) {
  EXPECT_EQ(CodeOfCreate("3g.20gb", 2), StatusCode::kInvalidArgument);
  EXPECT_EQ(board_.CreateGpuInstance({mig::ProfileId(99), {0, 1}}).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(SimBoardTest, MigStaysOnWhileInstancesExist) {
  const auto id = Create("1g.5gb", 6);
  EXPECT_EQ(board_.SetMigMode(false).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(board_.state().mig_enabled);
  EXPECT_TRUE(board_.DestroyGpuInstance(id).ok());
  EXPECT_TRUE(board_.SetMigMode(false).ok());
  EXPECT_EQ(CodeOfCreate("1g.5gb", 6), StatusCode::kFailedPrecondition);
}

TEST_F(SimBoardTest, AProcessKeepsItsComputeInstance) {
  const auto id = Create("1g.5gb", 3);
  EXPECT_EQ(board_.AttachProcess({4711, 1, id, kCi}).code(), StatusCode::kNotFound);
  EXPECT_TRUE(board_.CreateComputeInstance(id).ok());
  EXPECT_TRUE(board_.AttachProcess({4711, 1, id, kCi}).ok());
  EXPECT_TRUE(board_.AttachProcess({4712, 1, id, kCi}).ok());
  EXPECT_EQ(board_.AttachProcess({4711, 1, id, kCi}).code(), StatusCode::kAlreadyExists);
  const Status busy = board_.DestroyComputeInstance(id, kCi);
  EXPECT_EQ(busy.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(busy.message(), HasSubstr("processes 4711, 4712"));
  EXPECT_TRUE(board_.DetachProcess(4711, id, kCi).ok());
  EXPECT_EQ(board_.DetachProcess(4711, id, kCi).code(), StatusCode::kNotFound);
  board_.DropProcesses([](const SimProcess& process) { return process.pid != 4712; });
  EXPECT_TRUE(board_.DestroyComputeInstance(id, kCi).ok());
}

// Ids, order and placements as the MIG user guide lists them for 9,19,14,19.
TEST_F(SimBoardTest, APublishedTranscriptCanBeReplayed) {
  EXPECT_EQ(Create("3g.20gb", 4).value(), 2);
  EXPECT_EQ(Create("1g.5gb", 0).value(), 7);
  EXPECT_EQ(Create("2g.10gb", 2).value(), 4);
  EXPECT_EQ(Create("1g.5gb", 1).value(), 8);
  EXPECT_EQ(CodeOfCreate("1g.5gb", 0), StatusCode::kResourceExhausted);
}

TEST(SimBoardModeTest, AmpereWaitsForItsProcessesAndForASecondCall) {
  SimBoard board(Model("a30"));
  ASSERT_TRUE(board.AttachProcess({4711, 1, kWhole}).ok());
  EXPECT_TRUE(board.SetMigMode(true).ok());
  EXPECT_FALSE(board.state().mig_enabled);
  EXPECT_TRUE(board.state().mig_enabled_pending);
  EXPECT_EQ(board.CreateGpuInstance(Place(board.model(), "1g.6gb", 0)).status().code(),
            StatusCode::kFailedPrecondition);
  ASSERT_TRUE(board.DetachProcess(4711, kWhole, kNoCi).ok());
  EXPECT_FALSE(board.state().mig_enabled);
  EXPECT_TRUE(board.SetMigMode(true).ok());
  EXPECT_TRUE(board.state().mig_enabled);
}

TEST(SimBoardModeTest, APendingSwitchCanBeTakenBack) {
  SimBoard board(Model("a30"));
  ASSERT_TRUE(board.AttachProcess({4711, 1, kWhole}).ok());
  ASSERT_TRUE(board.SetMigMode(true).ok());
  EXPECT_TRUE(board.SetMigMode(false).ok());
  EXPECT_FALSE(board.state().mig_enabled_pending);
}

TEST(SimBoardModeTest, HopperSwitchesAtOnceButItsFirstInstanceNeedsAnIdleGpu) {
  SimBoard board(Model("h100-80"));
  ASSERT_TRUE(board.AttachProcess({4711, 1, kWhole}).ok());
  EXPECT_TRUE(board.SetMigMode(true).ok());
  EXPECT_TRUE(board.state().mig_enabled);
  const auto placed = Place(board.model(), "1g.10gb", 0);
  const auto refused = board.CreateGpuInstance(placed);
  EXPECT_EQ(refused.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.status().message(), HasSubstr("process 4711"));
  EXPECT_EQ(board.AttachProcess({4712, 1, kWhole}).code(), StatusCode::kFailedPrecondition);
  ASSERT_TRUE(board.DetachProcess(4711, kWhole, kNoCi).ok());
  EXPECT_TRUE(board.CreateGpuInstance(placed).ok());
}

TEST(SimBoardRestoreTest, EveryStateThatCannotBeIsRefused) {
  const mig::GpuModel& a100 = Model("a100-40");
  const SimInstance low{Place(a100, "1g.5gb", 0), {{kCi, 0, 1}}};
  const SimInstance high{Place(a100, "1g.5gb", 5), {}};
  const mig::ComputeInstanceId ci1(1);
  const auto half = [&](std::vector<SimComputeInstance> parts) {
    return BoardState{true, true, {{Place(a100, "3g.20gb", 4), std::move(parts)}}, {}};
  };
  const auto told = [](std::vector<SimEvent> events) {
    return BoardState{true, true, {}, {}, std::move(events)};
  };
  const SimProcess on_low{7, 1, MakeGpuInstanceId(a100, {0, 1}), kCi};
  const SimProcess on_high{7, 1, MakeGpuInstanceId(a100, {5, 1}), kCi};
  const SimProcess on_all{7, 1, kWhole};
  EXPECT_TRUE(SimBoard::Restore(a100, {true, true, {low, high}, {on_low}}).ok());
  EXPECT_TRUE(SimBoard::Restore(a100, {false, true, {}, {on_all}}).ok());
  EXPECT_TRUE(SimBoard::Restore(Model("b200"), {true, true, {}, {on_all}}).ok());
  EXPECT_TRUE(SimBoard::Restore(a100, half({{ci1, 0, 1}, {kCi, 1, 2}})).ok());
  EXPECT_TRUE(SimBoard::Restore(a100, told({{4, 0}, {5, 79}})).ok());
  const BoardState wrong[] = {
      {false, false, {low}, {}},             // instances with MIG off
      {true, false, {}, {}},                 // a switch-off never waits
      {true, true, {high, low}, {}},         // unsorted
      {true, true, {low, low}, {}},          // overlap
      {true, true, {low, high}, {on_high}},  // no compute instance there
      {true, true, {low}, {on_all}},         // the whole GPU is not to be had
      {true, true, {}, {on_all}},            // nor after a switch with reset
      {true, true, {low}, {on_low, on_low}},
      {true, true, {low}, {{0, 1, on_low.gpu_instance, kCi}}},
      {true, true, {low}, {{7, 1, on_low.gpu_instance, ci1}}},
      {true, true, {}, {{7, 1, kWhole, kCi}}},
      half({{kCi, 1, 3}}),               // reaches beyond the GPU instance
      half({{kCi, 1, 1}, {ci1, 0, 1}}),  // unsorted
      half({{kCi, 0, 2}, {ci1, 1, 1}}),  // overlap
      half({{kCi, 0, 1}, {kCi, 1, 1}}),  // one id twice
      told({{4, 0}, {6, 0}}),            // an event is missing
      told({{0, 0}}),                    // they count from 1
  };
  for (const BoardState& state : wrong) {
    EXPECT_EQ(SimBoard::Restore(a100, state).status().code(), StatusCode::kDataLoss)
        << "state " << (&state - wrong);
  }
  EXPECT_EQ(SimBoard::Restore(Model("b200"), {false, true, {}, {}}).status().code(),
            StatusCode::kDataLoss);
}

TEST_F(SimBoardTest, AGpuInstanceCanBeSharedByComputeInstances) {
  const auto id = Create("3g.20gb", 4);
  const auto any = std::optional<int>();
  const auto code = [&](int slices, std::optional<int> start) {
    return board_.CreateComputeInstance(id, slices, start).status().code();
  };
  EXPECT_EQ(code(1, 1), StatusCode::kOk);
  EXPECT_EQ(code(2, any), StatusCode::kResourceExhausted);
  EXPECT_EQ(code(1, 1), StatusCode::kResourceExhausted);
  EXPECT_EQ(code(1, 3), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(4, any), StatusCode::kInvalidArgument);
  EXPECT_EQ(board_.CreateComputeInstance(id).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(code(1, any), StatusCode::kOk);
  const SimInstance& instance = **board_.FindInstance(id);
  ASSERT_EQ(instance.compute_instances.size(), 2U);
  EXPECT_EQ(instance.compute_instances[0], (SimComputeInstance{mig::ComputeInstanceId(1), 0, 1}));
  EXPECT_EQ(instance.compute_instances[1], (SimComputeInstance{kCi, 1, 1}));
  EXPECT_TRUE(board_.DestroyComputeInstance(id, kCi).ok());
  EXPECT_EQ(board_.DestroyGpuInstance(id).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(2, any), StatusCode::kOk);  // its id is free again
  EXPECT_EQ((*board_.FindInstance(id))->compute_instances[1].id, kCi);
}

TEST_F(SimBoardTest, EveryChangeAndEveryXidIsAnEvent) {
  const size_t before = board_.state().events.size();
  const auto id = Create("1g.5gb", 2);
  EXPECT_TRUE(board_.CreateComputeInstance(id).ok());
  EXPECT_TRUE(board_.RaiseXid(79, id, kCi).ok());
  EXPECT_EQ(board_.RaiseXid(79, mig::GpuInstanceId(7), kCi).code(), StatusCode::kNotFound);
  EXPECT_EQ(board_.DestroyGpuInstance(id).code(), StatusCode::kFailedPrecondition);
  const auto& events = board_.state().events;
  ASSERT_EQ(events.size(), before + 3);
  EXPECT_EQ(events.back(), (SimEvent{before + 3, 79, id, kCi}));
  EXPECT_EQ(events[before].xid, 0);
}

TEST_F(SimBoardTest, TheOldestEventsAreForgotten) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(board_.RaiseXid(1 + i, kWhole, kNoCi).ok());
  const auto& events = board_.state().events;
  ASSERT_EQ(events.size(), kRememberedEvents);
  EXPECT_EQ(events.back().xid, 100);
  EXPECT_EQ(events.front().xid, 100 - static_cast<int>(kRememberedEvents) + 1);
  EXPECT_TRUE(SimBoard::Restore(model_, board_.state()).ok());
}

TEST(SimBoardModeTest, ARebootTakesInstancesAndOnNewerBoardsTheMode) {
  for (const auto* key : {"a100-40", "h100-80"}) {
    SimBoard board(Model(key));
    ASSERT_TRUE(board.SetMigMode(true).ok());
    const auto id = board.CreateGpuInstance({mig::ProfileId(19), {0, 1}});
    ASSERT_TRUE(board.CreateComputeInstance(*id).ok());
    ASSERT_TRUE(board.AttachProcess({4711, 1, *id, kCi}).ok());
    board.Reboot();
    EXPECT_EQ(board.state().mig_enabled, board.model().mode_change_needs_reset) << key;
    EXPECT_TRUE(board.state().instances.empty() && board.state().processes.empty()) << key;
    EXPECT_TRUE(SimBoard::Restore(board.model(), board.state()).ok()) << key;
  }
  SimBoard pending(Model("a30"));
  ASSERT_TRUE(pending.AttachProcess({4711, 1, kWhole}).ok());
  ASSERT_TRUE(pending.SetMigMode(true).ok());
  pending.Reboot();
  EXPECT_TRUE(pending.state().mig_enabled);
}

// One random call.
Status Poke(SimBoard& board, SplitMix64& random) {
  const mig::GpuInstanceId instance(static_cast<int>(random.NextBelow(16)) - 1);
  const mig::ComputeInstanceId part(instance == kWhole ? -1
                                                       : static_cast<int>(random.NextBelow(2)));
  const auto pid = static_cast<pid_t>(1 + random.NextBelow(3));
  const auto& profile = board.model().profiles[random.NextBelow(board.model().profiles.size())];
  const auto start = static_cast<int>(random.NextBelow(12));
  switch (random.NextBelow(16)) {
    case 0: return board.SetMigMode(random.NextBelow(2) == 0);
    case 1: return board.AttachProcess({pid, 1, instance, part});
    case 2: return board.DetachProcess(pid, instance, part);
    case 3: return board.RaiseXid(79, instance, part);
    case 4: return board.DestroyGpuInstance(instance);
    case 5: return board.DestroyComputeInstance(instance, part);
    case 6: return board.CreateComputeInstance(instance, 1 + start / 4, std::nullopt).status();
    case 7:
    case 8:
    case 9: return board.CreateComputeInstance(instance);
    default: break;
  }
  return board.CreateGpuInstance({profile.id, {start, profile.memory_slices}}).status();
}

// Whatever is asked of a board, its state is one that Restore accepts, and a refusal changes
// nothing.
TEST(SimBoardPropertyTest, RandomCallsKeepTheInvariants) {
  for (const auto& model : mig::AllGpuModels()) {
    SplitMix64 random(2511);
    SimBoard board(model);
    int accepted = 0;
    for (int step = 0; step < 3000; ++step) {
      const BoardState before = board.state();
      if (Poke(board, random).ok()) {
        ++accepted;
      } else {
        EXPECT_EQ(board.state(), before);
      }
      const auto restored = SimBoard::Restore(model, board.state());
      ASSERT_TRUE(restored.ok()) << model.key << ": " << restored.status().ToString();
      EXPECT_EQ(restored->state(), board.state());
    }
    EXPECT_GT(accepted, 100) << model.key;
  }
}

}  // namespace
}  // namespace flexmig::simhw

#include "protocol_model.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

// All orders of the loads and stores that rows of calls make.
namespace flexmig::coll::model {
namespace {

// --- The algorithms, by their names in algorithms.h ---

enum class Route { kInline, kSlot };

// AllReduceSmall, AllGatherSmall, ...: everybody waits for everybody.
void AllSmall(Program& p, Route route) {
  p.Begin();
  p.AwaitAnnouncementFree();
  const uint64_t step = route == Route::kSlot ? p.TakeSteps(1) : 0;
  if (route == Route::kSlot) p.AwaitSlot(step);
  route == Route::kSlot ? p.WriteSlot(step) : p.WritePayload();
  p.Announce();
  p.AwaitAnnouncements();
  if (p.design().consumes_before_reading) p.Complete();
  p.ForPeers(
      [&](int peer) { route == Route::kSlot ? p.ReadSlot(peer, step) : p.ReadPayload(peer); });
  p.Complete();
}

// BroadcastSmall, ScatterSmall.
void FromRootSmall(Program& p, int root, Route route) {
  p.Begin();
  p.AwaitAnnouncementFree();
  const uint64_t step = route == Route::kSlot ? p.TakeSteps(1) : 0;
  if (route == Route::kSlot) p.AwaitSlot(step);
  if (p.rank() == root) {
    route == Route::kSlot ? p.WriteSlot(step) : p.WritePayload();
    p.Announce();
  } else {
    p.AwaitAnnouncement(root);
    if (p.design().consumes_before_reading) p.Complete();
    route == Route::kSlot ? p.ReadSlot(root, step) : p.ReadPayload(root);
  }
  p.Complete();
}

// GatherSmall, ReduceSmall.
void ToRootSmall(Program& p, int root, Route route) {
  p.Begin();
  p.AwaitAnnouncementFree();
  const uint64_t step = route == Route::kSlot ? p.TakeSteps(1) : 0;
  if (route == Route::kSlot) p.AwaitSlot(step);
  if (p.rank() != root) {
    route == Route::kSlot ? p.WriteSlot(step) : p.WritePayload();
    p.Announce();
  } else {
    p.AwaitAnnouncements();
    p.ForPeers(
        [&](int peer) { route == Route::kSlot ? p.ReadSlot(peer, step) : p.ReadPayload(peer); });
  }
  p.Complete();
}

// HostCommunicator::AnnounceBuffers.
void AnnounceBuffers(Program& p) {
  p.Begin();
  p.AwaitAnnouncementFree();
  p.WritePayload();
  p.Announce();
  p.AwaitAnnouncements();
  p.ForPeers([&](int peer) { p.ReadPayload(peer); });
}

// CopyThroughSlots of as many chunks; only `root` sends unless that is -1.
void Staged(Program& p, uint64_t chunks, int root) {
  AnnounceBuffers(p);
  const uint64_t first = p.TakeSteps(chunks);
  const bool sends = root < 0 || root == p.rank();
  for (uint64_t i = 0; i < chunks + 1; ++i) {
    if (sends && i < chunks) {
      p.AwaitSlot(first + i);
      p.WriteSlot(first + i);
      p.Done(&Block::staged, first + i);
    }
    if (i == 0) continue;
    const uint64_t step = first + i - 1;
    p.ForPeers([&](int peer) {
      if (root >= 0 && peer != root) return;
      p.AwaitRank(peer, &Block::staged, step);
      if (p.design().consumes_before_reading) p.Done(&Block::consumed, step);
      p.ReadSlot(peer, step);
    });
    p.Done(&Block::consumed, step);
  }
  p.Complete();
}

// ReduceByOwners: a pipeline of three.
void ByOwners(Program& p, uint64_t chunks) {
  AnnounceBuffers(p);
  const uint64_t first = p.TakeSteps(chunks);
  for (uint64_t i = 0; i < chunks + 2; ++i) {
    if (i < chunks) {
      p.AwaitSlot(first + i);
      p.WriteSlot(first + i);
      p.Done(&Block::staged, first + i);
    }
    if (i >= 1 && i - 1 < chunks) {
      p.AwaitEveryone(At(&Block::staged), first + i - 1);
      p.ForPeers([&](int peer) { p.ReadSlot(peer, first + i - 1); });
      p.WriteResult(first + i - 1);
      p.Done(&Block::reduced, first + i - 1);
    }
    if (i >= 2) {
      p.AwaitEveryone(At(&Block::reduced), first + i - 2);
      p.ForPeers([&](int peer) { p.ReadResult(peer, first + i - 2); });
      p.Done(&Block::consumed, first + i - 2);
    }
  }
  p.Complete();
}

// ...Pulled and ...Shared, between two writes of the user to its buffer.
void Pulled(Program& p) {
  p.Begin();
  p.WriteBuffer();
  p.AwaitAnnouncementFree();
  p.WritePayload();
  p.Announce();
  p.AwaitAnnouncements();
  p.ForPeers([&](int peer) {
    p.ReadPayload(peer);
    p.ReadBuffer(peer);
  });
  p.Complete();
  if (!p.design().skips_completions) p.AwaitCompletions(p.call());
}

// AllToAllV, which exchanges messages and announces nothing.
void AllToAllV(Program& p) {
  p.Begin();
  if (!p.design().unbounded_all_to_all_v) p.AwaitAnnouncementFree();
  p.SendToAll();
  p.ReceiveFromAll();
  p.Complete();
}

// --- What is checked ---

void RowOfRootedCalls(Program& p) {
  for (int i = 0; i < 4; ++i) FromRootSmall(p, 0, Route::kInline);
  AllSmall(p, Route::kInline);
  for (int i = 0; i < 3; ++i) ToRootSmall(p, 0, Route::kInline);
}

void ChangingRoots(Program& p) {
  FromRootSmall(p, 0, Route::kSlot);
  ToRootSmall(p, 1, Route::kInline);
  FromRootSmall(p, 1, Route::kInline);
  ToRootSmall(p, 0, Route::kSlot);
  FromRootSmall(p, 0, Route::kSlot);
  AllSmall(p, Route::kSlot);
}

void RowOfRootedSlots(Program& p) {
  for (int i = 0; i < 5; ++i) FromRootSmall(p, 0, Route::kSlot);
}

void RowOfSmallSlots(Program& p) {
  for (int i = 0; i < 5; ++i) AllSmall(p, i == 2 ? Route::kInline : Route::kSlot);
}

void StagedCopies(Program& p) {
  Staged(p, 3, -1);
  Staged(p, 3, 0);
  AllSmall(p, Route::kSlot);
}

void StagedFromRoots(Program& p) {
  FromRootSmall(p, 0, Route::kSlot);
  Staged(p, 4, 0);
  Staged(p, 2, 1);
  FromRootSmall(p, 1, Route::kSlot);
}

void Owners(Program& p) {
  ByOwners(p, 4);
  FromRootSmall(p, 0, Route::kSlot);
  ByOwners(p, 1);
}

void PulledBuffers(Program& p) {
  Pulled(p);
  FromRootSmall(p, 0, Route::kInline);
  Pulled(p);
  Pulled(p);
}

void RowOfAllToAllV(Program& p) {
  for (int i = 0; i < 9; ++i) AllToAllV(p);
  AllSmall(p, Route::kInline);
}

class ProtocolModelTest : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, ProtocolModelTest, testing::Values(2, 3),
                         testing::PrintToStringParamName());

TEST_P(ProtocolModelTest, NoOrderOfStepsReadsWrongDataOrStops) {
  const struct {
    const char* name;
    Checker::Calls calls;
    int slots;
  } rows[] = {
      {"RowOfRootedCalls", RowOfRootedCalls, 2},
      {"ChangingRoots", ChangingRoots, 2},
      {"RowOfRootedSlots", RowOfRootedSlots, 1},
      {"RowOfSmallSlots", RowOfSmallSlots, 2},
      {"StagedCopies", StagedCopies, 2},
      {"StagedFromRoots", StagedFromRoots, 2},
      {"Owners", Owners, 3},
      {"PulledBuffers", PulledBuffers, 2},
      {"RowOfAllToAllV", RowOfAllToAllV, 2},
  };
  for (const auto& row : rows) {
    const Verdict verdict = Checker({.ranks = GetParam(), .slots = row.slots}, row.calls).Run();
    EXPECT_EQ(verdict.error, "") << row.name;
    EXPECT_GT(verdict.states, 30u) << row.name;
    RecordProperty(row.name, static_cast<int>(verdict.states));
  }
}

// The check can fail: each wrong design is found.

void ExpectFound(const Design& design, const Checker::Calls& calls, std::string_view text) {
  const Verdict verdict = Checker(design, calls).Run();
  EXPECT_NE(verdict.error.find(text), std::string::npos)
      << "'" << verdict.error << "' after " << verdict.states << " states";
}

TEST_P(ProtocolModelTest, SlotThatIsWrittenWithoutWaitingIsFound) {
  const int ranks = GetParam();
  ExpectFound({.ranks = ranks, .slots = 2, .skips_await_slot = true}, StagedCopies, "slot of rank");
  // With more slots the ring of announcements holds the root back.
  ExpectFound({.ranks = ranks, .slots = 1, .skips_await_slot = true}, RowOfRootedSlots,
              "slot of rank 0");
}

TEST_P(ProtocolModelTest, AnnouncementThatIsWrittenOneCallTooEarlyIsFound) {
  ExpectFound({.ranks = GetParam(), .announcements_early = 1}, RowOfRootedCalls, "payload of rank");
}

TEST_P(ProtocolModelTest, CompletionBeforeTheLastReadIsFound) {
  const Design design{.ranks = GetParam(), .consumes_before_reading = true};
  ExpectFound(design, RowOfRootedCalls, "payload of rank");
  ExpectFound(design, StagedCopies, "slot of rank");
}

TEST_P(ProtocolModelTest, PullThatDoesNotWaitForThePeersIsFound) {
  ExpectFound({.ranks = GetParam(), .skips_completions = true}, PulledBuffers, "buffer of rank");
}

TEST_P(ProtocolModelTest, TooFewSlotsForThePipelineStopIt) {
  ExpectFound({.ranks = GetParam(), .slots = 2}, Owners, "deadlock");
}

TEST_P(ProtocolModelTest, TooShortARingOfCallRecordsIsFound) {
  ExpectFound({.ranks = GetParam(), .records = 3}, RowOfRootedCalls, "record of rank");
}

TEST_P(ProtocolModelTest, CallsThatAreBoundToNobodyAreFound) {
  ExpectFound({.ranks = GetParam(), .unbounded_all_to_all_v = true}, RowOfAllToAllV,
              "record of rank");
}

}  // namespace
}  // namespace flexmig::coll::model

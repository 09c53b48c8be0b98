#include <deque>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "protocol_model.h"

// All orders of the loads, stores and copies of collectives through a mover.
//
// Moves publishes what is done as soon as it looks, here as late as it may: that is where ranks
// could wait for each other. To publish earlier, still behind the copies, is to wait earlier for
// them, and the order of copies and counters, which is what keeps data right, is the same.
namespace flexmig::coll::model {
namespace {

// Moves (moves.h), by the names of its functions.
class ModelMoves {
 public:
  explicit ModelMoves(Program& program) : p_(program) {}

  void AwaitSlot(uint64_t step) {
    const auto slots = static_cast<uint64_t>(p_.design().slots);
    if (step >= slots && !p_.design().forgets_own_copies) AwaitConsumed(step - slots);
    p_.AwaitSlot(step);
  }
  void In(uint64_t step) { in_ = p_.StartIn(step); }
  void Out(int peer, std::array<uint8_t, kMaxSlots> Block::*from, uint64_t step) {
    p_.StartOut(peer, from, step);
  }
  void AwaitStaged(uint64_t step, uint64_t copy) {
    if (!p_.design().stages_before_copied) p_.AwaitIn(copy);
    p_.Done(&Block::staged, step);
  }
  [[nodiscard]] uint64_t in() const { return in_; }
  void ConsumeWhenDone(uint64_t step) {
    if (p_.copies_out() == 0 || p_.design().consumes_before_copied) {
      p_.Done(&Block::consumed, step);
    } else {
      pending_.push_back({step, p_.copies_out()});
    }
  }
  void AwaitConsumed(uint64_t step) {
    for (; !pending_.empty() && pending_.front().step <= step; pending_.pop_front()) {
      p_.AwaitOut(pending_.front().copy);
      p_.Done(&Block::consumed, pending_.front().step);
    }
  }
  void AwaitOuts() {
    if (!pending_.empty()) AwaitConsumed(pending_.back().step);
    if (!p_.design().consumes_before_copied) p_.AwaitOut(p_.copies_out());
  }

 private:
  struct Pending {
    uint64_t step;
    uint64_t copy;
  };
  Program& p_;
  std::deque<Pending> pending_;
  uint64_t in_ = 0;
};

void Announce(Program& p) {
  p.Begin();
  p.AwaitAnnouncementFree();
  p.Announce();
  p.AwaitAnnouncements();
}

// MoveThroughSlots of as many chunks; only `root` sends unless that is -1.
void MovedCopies(Program& p, uint64_t chunks, int root) {
  Announce(p);
  ModelMoves moves(p);
  const uint64_t first = p.TakeSteps(chunks);
  const bool sends = root < 0 || root == p.rank();
  std::vector<uint64_t> in(chunks);
  for (uint64_t i = 0; i < chunks + 2; ++i) {
    if (sends && i < chunks) {
      moves.AwaitSlot(first + i);
      moves.In(first + i);
      in[i] = moves.in();
    }
    if (sends && i >= 1 && i - 1 < chunks) moves.AwaitStaged(first + i - 1, in[i - 1]);
    if (i < 2) continue;
    const uint64_t taken = i - 2;
    if (taken >= 2 && !p.design().hoards_slots) moves.AwaitConsumed(first + taken - 2);
    p.ForPeers([&](int peer) {
      if (root >= 0 && peer != root) return;
      p.AwaitRank(peer, &Block::staged, first + taken);
      moves.Out(peer, &Block::slot, first + taken);
    });
    moves.ConsumeWhenDone(first + taken);
  }
  moves.AwaitOuts();
  p.Complete();
}

// MoveByOwners: only `root` collects unless that is -1.
void MovedOwners(Program& p, uint64_t chunks, int root) {
  Announce(p);
  ModelMoves moves(p);
  const uint64_t first = p.TakeSteps(chunks);
  const bool collects = root < 0 || root == p.rank();
  std::vector<uint64_t> in(chunks);
  for (uint64_t i = 0; i < chunks + 2; ++i) {
    if (i < chunks) {
      moves.AwaitSlot(first + i);
      moves.In(first + i);
      in[i] = moves.in();
    }
    if (i >= 1 && i - 1 < chunks) {
      const uint64_t step = first + i - 1;
      moves.AwaitStaged(step, in[i - 1]);
      p.AwaitEveryone(At(&Block::staged), step);
      for (int rank = 0; rank < p.ranks(); ++rank) p.ReadSlot(rank, step);
      p.WriteResult(step);
      p.Done(&Block::reduced, step);
    }
    if (i < 2) continue;
    const uint64_t step = first + i - 2;
    for (int turn = 0; collects && turn < p.ranks(); ++turn) {
      const int owner = (p.rank() + turn) % p.ranks();
      if (owner != p.rank()) p.AwaitRank(owner, &Block::reduced, step);
      moves.Out(owner, &Block::result, step);
    }
    moves.ConsumeWhenDone(step);
  }
  moves.AwaitOuts();
  p.Complete();
}

// ReduceScatterMoved.
void MovedScatters(Program& p, uint64_t chunks) {
  Announce(p);
  ModelMoves moves(p);
  const uint64_t first = p.TakeSteps(chunks);
  std::vector<uint64_t> in(chunks);
  for (uint64_t i = 0; i < chunks + 1; ++i) {
    if (i < chunks) {
      moves.AwaitSlot(first + i);
      moves.In(first + i);
      in[i] = moves.in();
    }
    if (i == 0) continue;
    const uint64_t step = first + i - 1;
    moves.AwaitStaged(step, in[i - 1]);
    p.AwaitEveryone(At(&Block::staged), step);
    for (int rank = 0; rank < p.ranks(); ++rank) p.ReadSlot(rank, step);
    p.WriteResult(step);
    moves.Out(p.rank(), &Block::result, step);
    moves.ConsumeWhenDone(step);
  }
  moves.AwaitOuts();
  p.Complete();
}

// A small ordinary call through the same slots.
void AllSmall(Program& p) {
  p.Begin();
  p.AwaitAnnouncementFree();
  const uint64_t step = p.TakeSteps(1);
  p.AwaitSlot(step);
  p.WriteSlot(step);
  p.Announce();
  p.AwaitAnnouncements();
  p.ForPeers([&](int peer) { p.ReadSlot(peer, step); });
  p.Complete();
}

struct Row {
  const char* name;
  Checker::Calls calls;
};

void Copies(Program& p) {
  MovedCopies(p, 4, -1);
  AllSmall(p);
}
void FromRoots(Program& p) {
  MovedCopies(p, 6, 0);
  MovedCopies(p, 1, 1);
  AllSmall(p);
}
void Owners(Program& p) {
  MovedOwners(p, 4, -1);
  AllSmall(p);
}
void OwnersForARoot(Program& p) {
  MovedOwners(p, 4, 0);
  AllSmall(p);
}
void Scatters(Program& p) {
  MovedScatters(p, 4);
  AllSmall(p);
}

class MovedModelTest : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, MovedModelTest, testing::Values(2, 3),
                         testing::PrintToStringParamName());

TEST_P(MovedModelTest, NoOrderOfStepsAndCopiesReadsWrongDataOrStops) {
  const Row rows[] = {{"Copies", Copies},
                      {"FromRoots", FromRoots},
                      {"Owners", Owners},
                      {"OwnersForARoot", OwnersForARoot},
                      {"Scatters", Scatters}};
  for (const Row& row : rows) {
    const Verdict verdict = Checker({.ranks = GetParam(), .slots = 3}, row.calls).Run();
    EXPECT_EQ(verdict.error, "") << row.name;
    EXPECT_GT(verdict.states, 300u) << row.name;
    RecordProperty(row.name, static_cast<int>(verdict.states));
  }
}

// The check can fail: each wrong design is found, with two ranks.

void ExpectFound(const Design& design, const Checker::Calls& calls, std::string_view text) {
  const Verdict verdict = Checker(design, calls).Run();
  EXPECT_NE(verdict.error.find(text), std::string::npos)
      << "'" << verdict.error << "' after " << verdict.states << " states";
}

TEST(MovedDesignTest, SlotThatIsStagedBeforeItIsCopiedIsFound) {
  const Design design{.slots = 3, .stages_before_copied = true};
  ExpectFound(design, Copies, "copied slot of rank");
  ExpectFound(design, Owners, "slot of rank");
}

TEST(MovedDesignTest, SlotThatIsGivenBackBeforeItIsCopiedIsFound) {
  const Design design{.slots = 3, .consumes_before_copied = true};
  ExpectFound(design, Copies, "copied slot of rank");
  ExpectFound(design, Owners, "copied slot of rank");
}

TEST(MovedDesignTest, OwnResultThatIsOverwrittenWhileItIsCopiedIsFound) {
  ExpectFound({.slots = 3, .forgets_own_copies = true}, Scatters, "of rank");
}

TEST(MovedDesignTest, ReceiverThatKeepsSlotsWhileItWaitsStopsItsSender) {
  ExpectFound({.slots = 3, .hoards_slots = true}, FromRoots, "deadlock");
}

TEST(MovedDesignTest, TooFewSlotsForThePipelineStopIt) {
  ExpectFound({.slots = 2}, Owners, "deadlock");
}

}  // namespace
}  // namespace flexmig::coll::model

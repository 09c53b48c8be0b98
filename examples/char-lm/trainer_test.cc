#include "trainer.h"

#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hash.h"

namespace flexmig::char_lm {
namespace {

using ::testing::HasSubstr;

// A text with structure: words of a small language, so that a context tells the next character.
Text SmallText() {
  SplitMix64 random(11);
  std::string bytes;
  while (bytes.size() < 8000) {
    bytes += std::array{"one ", "two ", "three ", "four ", "leaf "}[random.NextBelow(5)];
  }
  auto text = MakeText(bytes);
  EXPECT_TRUE(text.ok());
  return *text;
}

TrainerOptions SmallOptions() {
  return {.context = 4, .embedding = 4, .hidden = 16, .batch = 64, .learning_rate = 0.01};
}

// A communicator of which only this rank exists: it answers as told.
class ScriptedCommunicator final : public coll::Communicator {
 public:
  struct Script {
    int world_size = 2;
    int gathers = 0;
    int reduces = 0;
    int gathers_that_agree = 1000;
    Status reduce_status = OkStatus();
  };
  explicit ScriptedCommunicator(Script& script) : script_(script) {}

  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int world_size() const override { return script_.world_size; }
  Status AllReduce(const void*, void*, size_t, coll::DataType, const coll::Reduction&) override {
    ++script_.reduces;
    return script_.reduce_status;
  }
  Status AllGather(const void* send, void* receive, size_t count, coll::DataType) override {
    EXPECT_EQ(count, 1U);
    for (int rank = 0; rank < script_.world_size; ++rank) {
      auto* const place = static_cast<char*>(receive) + ptrdiff_t{8} * rank;
      std::memcpy(place, send, 8);
      if (rank > 0 && script_.gathers >= script_.gathers_that_agree) place[3] ^= 1;
    }
    ++script_.gathers;
    return OkStatus();
  }

  using Type = coll::DataType;
  using Layout = coll::VectorLayout;
  Status Reduce(const void*, void*, size_t, Type, const coll::Reduction&, int) override {
    return Unused();
  }
  Status ReduceScatter(const void*, void*, size_t, Type, const coll::Reduction&) override {
    return Unused();
  }
  Status Gather(const void*, void*, size_t, Type, int) override { return Unused(); }
  Status Broadcast(const void*, void*, size_t, Type, int) override { return Unused(); }
  Status Scatter(const void*, void*, size_t, Type, int) override { return Unused(); }
  Status AllToAll(const void*, void*, size_t, Type) override { return Unused(); }
  Status AllToAllV(const void*, const Layout&, void*, const Layout&, Type) override {
    return Unused();
  }
  Status Barrier() override { return Unused(); }
  Status Exchange(std::span<const coll::Transfer>) override { return Unused(); }
  Result<std::span<std::byte>> AllocateShared(size_t) override { return Unused(); }
  Status FreeShared(std::span<std::byte>) override { return Unused(); }
  Result<std::unique_ptr<Communicator>> Split(int, int) override { return Unused(); }
  Result<std::unique_ptr<Communicator>> Shrink(std::span<const int>) override { return Unused(); }
  [[nodiscard]] Status status() const override { return OkStatus(); }
  void Abort(const std::string&) override {}
  void UseMover(coll::Mover*) override {}
  [[nodiscard]] std::span<std::byte> staging() const override { return {}; }

 private:
  static Status Unused() { return InternalError("not expected from a trainer"); }
  Script& script_;
};

TEST(TrainerTest, LossFallsFarBelowChance) {
  const Text text = SmallText();
  Peers alone;
  auto trainer = Trainer::Create(text, SmallOptions(), alone);
  ASSERT_TRUE(trainer.ok()) << trainer.status().ToString();
  const double first = *(*trainer)->Step();
  EXPECT_NEAR(first, std::log(static_cast<double>(text.alphabet.size())), 0.2);
  double last = 0;
  for (int step = 0; step < 200; ++step) last = *(*trainer)->Step();
  // One of five words every 4.8 characters is ln 5 / 4.8 = 0.34 nats per character at best.
  EXPECT_LT(last, 0.6);
  EXPECT_GT(last, 0.2);
  EXPECT_TRUE((*trainer)->VerifyEqualParameters().ok());
}

TEST(TrainerTest, EqualSeedsGiveEqualBits) {
  const Text text = SmallText();
  const auto run = [&](uint64_t seed) {
    Peers alone;
    auto options = SmallOptions();
    options.seed = seed;
    auto trainer = Trainer::Create(text, options, alone);
    for (int step = 0; step < 20; ++step) EXPECT_TRUE((*trainer)->Step().ok());
    return (*trainer)->Checksum();
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

TEST(TrainerTest, BatchThatDoesNotDivideNamesBothNumbers) {
  const Text text = SmallText();
  ScriptedCommunicator::Script script{.world_size = 3};
  Peers peers(std::make_unique<ScriptedCommunicator>(script));
  const auto trainer = Trainer::Create(text, SmallOptions(), peers);
  EXPECT_EQ(trainer.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(trainer.status().message(), HasSubstr("64 examples does not divide by 3 ranks"));
  EXPECT_EQ(script.gathers, 0) << "refused before peers are asked";
}

TEST(TrainerTest, TextShorterThanTheContextIsRefused) {
  const Text text = SmallText();
  Peers alone;
  auto options = SmallOptions();
  options.context = text.symbols.size();
  EXPECT_EQ(Trainer::Create(text, options, alone).status().code(), StatusCode::kInvalidArgument);
  options.context = text.symbols.size() - 1;
  options.hidden = 1;
  auto trainer = Trainer::Create(text, options, alone);
  ASSERT_TRUE(trainer.ok());
  EXPECT_TRUE((*trainer)->Step().ok()) << "one place is enough";
}

TEST(TrainerTest, RanksWithDifferentTextsAreRefused) {
  const Text text = SmallText();
  ScriptedCommunicator::Script script{.gathers_that_agree = 0};
  Peers peers(std::make_unique<ScriptedCommunicator>(script));
  const auto trainer = Trainer::Create(text, SmallOptions(), peers);
  EXPECT_EQ(trainer.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(trainer.status().message(), HasSubstr("ranks 0 and 1"));
}

TEST(TrainerTest, ParametersThatDifferInOneBitAreFound) {
  const Text text = SmallText();
  ScriptedCommunicator::Script script{.gathers_that_agree = 1};
  Peers peers(std::make_unique<ScriptedCommunicator>(script));
  auto trainer = Trainer::Create(text, SmallOptions(), peers);
  ASSERT_TRUE(trainer.ok());
  ASSERT_TRUE((*trainer)->Step().ok());
  EXPECT_EQ(script.reduces, 1) << "one all-reduce a step";
  const Status status = (*trainer)->VerifyEqualParameters();
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  EXPECT_THAT(status.message(), HasSubstr(ToHex((*trainer)->Checksum())));
}

TEST(TrainerTest, ErrorOfTheCommunicatorKeepsItsCodeAndNamesTheRank) {
  const Text text = SmallText();
  ScriptedCommunicator::Script script{.reduce_status = AbortedError("rank 1 has ended")};
  Peers peers(std::make_unique<ScriptedCommunicator>(script));
  auto trainer = Trainer::Create(text, SmallOptions(), peers);
  ASSERT_TRUE(trainer.ok());
  const auto loss = (*trainer)->Step();
  EXPECT_EQ(loss.status(), AbortedError("rank 0 of 2: rank 1 has ended"));
}

TEST(TrainerTest, AbsurdLearningRateIsReportedNotTrainedOn) {
  const Text text = SmallText();
  Peers alone;
  auto options = SmallOptions();
  options.learning_rate = 1e37;
  auto trainer = Trainer::Create(text, options, alone);
  ASSERT_TRUE(trainer.ok());
  Status status;
  for (int step = 0; step < 20 && status.ok(); ++step) status = (*trainer)->Step().status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("learning rate"));
}

TEST(HashTest, IsFnv1aOf64Bits) {
  // The published test vector for "foobar".
  Hash hash;
  hash.Add("foobar");
  EXPECT_EQ(ToHex(hash.value()), "85944171f73967e8");
}

}  // namespace
}  // namespace flexmig::char_lm

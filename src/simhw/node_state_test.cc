#include "flexmig/simhw/node_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/random.h"

namespace flexmig::simhw {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<BoardState> StatesOf(const NodeState& state) {
  std::vector<BoardState> states;
  for (const SimBoard& board : state) states.push_back(board.state());
  return states;
}

// A node with something of everything on it.
NodeState BusyState(const NodeSpec& spec) {
  NodeState state = FreshState(spec);
  const mig::GpuModel& model = *spec.boards[0].model;
  EXPECT_TRUE(state[0].SetMigMode(true).ok());
  const auto layout = mig::UniformLayout(model, mig::DefaultLeafProfile(model).name);
  for (const auto& placed : *layout) {
    const auto id = state[0].CreateGpuInstance(placed);
    EXPECT_TRUE(id.ok());
    if (placed.placement.start == 0) continue;  // an instance without compute instance
    EXPECT_TRUE(state[0].RaiseXid(79, *id, mig::ComputeInstanceId(0)).ok());
    EXPECT_TRUE(state[0].CreateComputeInstance(*id).ok());
    EXPECT_TRUE(state[0]
                    .AttachProcess({100 + placed.placement.start, 77, *id,
                                    mig::ComputeInstanceId(0), Bytes::MiB(64)})
                    .ok());
  }
  EXPECT_TRUE(state[1].AttachProcess({9, 1, mig::GpuInstanceId(hw::kNoInstance)}).ok());
  EXPECT_TRUE(state[1].SetMigMode(true).ok());
  return state;
}

TEST(NodeStateTest, WhatIsWrittenReadsBackOnEveryBoard) {
  for (const auto& model : mig::AllGpuModels()) {
    const auto spec = FindNodeSpec(std::string(model.key) + "x3");
    const NodeState state = BusyState(*spec);
    const std::string text = FormatNodeState(*spec, state);
    const auto read = ParseNodeState(*spec, text, "f");
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(StatesOf(*read), StatesOf(state));
    EXPECT_EQ(FormatNodeState(*spec, *read), text);
  }
}

class BadNodeStateTest : public ::testing::Test {
 protected:
  // The error that the text of the busy state gives after the first `from` is replaced by `to`.
  std::string ErrorAfter(const std::string& from, const std::string& to) {
    std::string text = good_;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    const auto state = ParseNodeState(spec_, text, "/d/node.json");
    EXPECT_EQ(state.status().code(), StatusCode::kDataLoss) << from << " -> " << to;
    return state.status().message();
  }

  const NodeSpec spec_ = *FindNodeSpec("a100x2");
  const std::string good_ = FormatNodeState(spec_, BusyState(spec_));
};

TEST_F(BadNodeStateTest, TextThatIsNotJsonIsLocated) {
  EXPECT_THAT(ErrorAfter("\"gpus\": [", "\"gpus\": <"), StartsWith("/d/node.json:4:10: "));
  EXPECT_THAT(ParseNodeState(spec_, "", "f").status().message(), StartsWith("f:1:1: "));
  EXPECT_THAT(ParseNodeState(spec_, "{\"a\":\n 01}", "f").status().message(),
              StartsWith("f:2:3: "));
  EXPECT_THAT(ParseNodeState(spec_, good_ + "x", "f").status().message(), StartsWith("f:"));
}

TEST_F(BadNodeStateTest, WrongValuesAreNamedByTheirPath) {
  EXPECT_EQ(ErrorAfter("sim-node/v2", "sim-node/v1"),
            "/d/node.json: format: is not \"flexmig.sim-node/v2\"");
  EXPECT_EQ(ErrorAfter("a100-40x2", "a30x2"), "/d/node.json: node: is not \"a100-40x2\"");
  EXPECT_EQ(ErrorAfter("\"mig\": true", "\"mig\": 1"),
            "/d/node.json: gpus[0].mig: is neither true nor false");
  EXPECT_EQ(ErrorAfter("\"mig\": true", "\"mig\": true, \"x\": 0"),
            "/d/node.json: gpus[0]: has the unknown key 'x'");
  EXPECT_EQ(ErrorAfter("\"mig\": true,", ""), "/d/node.json: gpus[0]: lacks the key 'mig'");
  EXPECT_EQ(ErrorAfter("\"mig\": true", "\"mig\": true, \"mig\": true"),
            "/d/node.json: the key 'mig' is repeated");
  EXPECT_EQ(ErrorAfter("\"start\": 0", "\"start\": 0.0"),
            "/d/node.json: gpus[0].instances[0].start: is not a whole number from 0 to 1073741823");
  EXPECT_EQ(ErrorAfter("\"pid\": 101", "\"pid\": 18446744073709551615"),
            "/d/node.json: gpus[0].processes[0].pid: is not a whole number from 1 to 2147483647");
  EXPECT_THAT(ErrorAfter("\"start\": 0", "\"start\": 1"), HasSubstr("gpus[0]: "));
  EXPECT_THAT(ErrorAfter("\"mig\": true", "\"mig\": false"), HasSubstr("MIG is off"));
}

TEST_F(BadNodeStateTest, AnotherNodesGpusAreRefused) {
  const auto other = FindNodeSpec("a100x3");
  EXPECT_EQ(ParseNodeState(*other, good_, "f").status().message(), "f: node: is not \"a100-40x3\"");
  const auto bare = ParseNodeState(
      spec_, R"({"format":"flexmig.sim-node/v2","node":"a100-40x2","gpus":[]})", "f");
  EXPECT_EQ(bare.status().message(), "f: gpus: has 0 elements; a100-40x2 has 2 GPUs");
}

TEST_F(BadNodeStateTest, DamagedTextGivesAnErrorOrAPossibleState) {
  SplitMix64 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text = good_;
    for (uint64_t edits = 1 + random.NextBelow(3); edits > 0; --edits) {
      const size_t at = random.NextBelow(text.size());
      if (random.NextBelow(3) == 0) {
        text.erase(at, 1 + random.NextBelow(20));
      } else {
        text[at] = static_cast<char>(random.NextBelow(256));
      }
    }
    const auto state = ParseNodeState(spec_, text, "f");
    if (!state.ok()) {
      EXPECT_EQ(state.status().code(), StatusCode::kDataLoss);
      continue;
    }
    for (const SimBoard& board : *state) {
      EXPECT_TRUE(SimBoard::Restore(board.model(), board.state()).ok());
    }
  }
}

}  // namespace
}  // namespace flexmig::simhw

#include "operation_shape.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queued_operation.h"

namespace flexmig::device {
namespace {

using Kind = Operation::Kind;
using testing::HasSubstr;

std::byte* const kBuffer = reinterpret_cast<std::byte*>(0x10000);

Operation Make(Kind kind, size_t count) {
  Operation operation;
  operation.kind = kind;
  operation.send = kBuffer;
  operation.receive = kBuffer + (1 << 30);
  operation.count = count;
  operation.root = 1;
  return operation;
}

TEST(OperationShapeTest, TrafficIsWhatTheBuffersHold) {
  constexpr int kRanks = 4;
  const struct {
    Kind kind;
    Traffic of_root;  // rank 1, in parts
    Traffic of_other;
  } cases[] = {
      {Kind::kAllReduce, {1, 1}, {1, 1}},     {Kind::kReduce, {1, 1}, {1, 0}},
      {Kind::kReduceScatter, {4, 1}, {4, 1}}, {Kind::kAllGather, {1, 4}, {1, 4}},
      {Kind::kGather, {1, 4}, {1, 0}},        {Kind::kBroadcast, {1, 1}, {0, 1}},
      {Kind::kScatter, {4, 1}, {0, 1}},       {Kind::kAllToAll, {4, 4}, {4, 4}},
  };
  for (const auto& c : cases) {
    const Operation operation = Make(c.kind, 25);
    for (int rank = 0; rank < kRanks; ++rank) {
      const Traffic& parts = rank == 1 ? c.of_root : c.of_other;
      const Traffic traffic = TrafficOf(operation, rank, kRanks);
      EXPECT_EQ(traffic.send_bytes, parts.send_bytes * 100) << static_cast<int>(c.kind);
      EXPECT_EQ(traffic.receive_bytes, parts.receive_bytes * 100) << static_cast<int>(c.kind);
      // The rule by which all ranks take the same path.
      EXPECT_EQ(SizeOf(operation, rank, kRanks), c.of_root.total() * 100);
    }
  }
}

TEST(OperationShapeTest, WhatCollWouldRefuseIsRefusedBeforeItIsInAStream) {
  constexpr int kRanks = 4;
  const auto expect = [](const Operation& operation, int rank, const char* text) {
    const Status status = CheckOperation(operation, rank, kRanks);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(status.message(), HasSubstr(text));
  };
  Operation operation = Make(Kind::kAllReduce, 1);
  EXPECT_EQ(CheckOperation(operation, 0, kRanks), OkStatus());
  operation.type = static_cast<DataType>(99);
  expect(operation, 0, "data type");
  operation = Make(Kind::kAllReduce, 1);
  operation.reduction.reduction.op = static_cast<ReduceOp>(99);
  expect(operation, 0, "reduction");
  operation = Make(Kind::kAllReduce, size_t{1} << 40);
  expect(operation, 0, "1099511627776 is too large");
  operation = Make(Kind::kBroadcast, 1);
  operation.root = kRanks;
  expect(operation, 0, "root 4");
  operation.root = -1;
  expect(operation, 0, "root -1");
  operation = Make(static_cast<Kind>(99), 1);
  expect(operation, 0, "kind");
  operation = Make(Kind::kExchange, 0);
  operation.transfers = {Transfer::Send(kBuffer, 1, DataType::kFloat32, 0),
                         Transfer::Receive(nullptr, 1, DataType::kFloat32, 0)};
  expect(operation, 0, "transfer 1: the buffer is null");
  operation.transfers[1] = Transfer::Receive(kBuffer, 1, DataType::kFloat32, kRanks);
  expect(operation, 0, "transfer 1: peer 4");
}

TEST(OperationShapeTest, NullBuffersAreAllowedWhereNothingIsReadOrWritten) {
  constexpr int kRanks = 4;
  Operation operation = Make(Kind::kBroadcast, 1);
  operation.send = nullptr;
  EXPECT_EQ(CheckOperation(operation, 0, kRanks), OkStatus());
  EXPECT_FALSE(CheckOperation(operation, 1, kRanks).ok());
  operation = Make(Kind::kReduce, 1);
  operation.receive = nullptr;
  EXPECT_EQ(CheckOperation(operation, 0, kRanks), OkStatus());
  EXPECT_FALSE(CheckOperation(operation, 1, kRanks).ok());
  operation = Make(Kind::kAllReduce, 0);
  operation.send = operation.receive = nullptr;
  EXPECT_EQ(CheckOperation(operation, 1, kRanks), OkStatus());
}

// Pieces of both directions never share a line, and the whole is what the pieces need.
TEST(BounceLayoutTest, PiecesLieOnLinesOfTheirOwn) {
  constexpr int kRanks = 3;
  std::vector<Operation> operations;
  for (int kind = 0; kind < static_cast<int>(Kind::kExchange); ++kind) {
    for (const size_t count : {size_t{0}, size_t{1}, size_t{31}, size_t{32}, size_t{33}}) {
      operations.push_back(Make(static_cast<Kind>(kind), count));
    }
  }
  operations.push_back(Make(Kind::kExchange, 0));
  for (int i = 0; i < 5; ++i) {
    const auto count = static_cast<size_t>(i) * 20;
    operations.back().transfers.push_back(
        i % 2 == 0 ? Transfer::Send(kBuffer, count, DataType::kFloat32, i % kRanks)
                   : Transfer::Receive(kBuffer, count, DataType::kFloat32, i % kRanks));
  }
  for (const Operation& operation : operations) {
    for (int rank = 0; rank < kRanks; ++rank) {
      const BounceLayout layout = BounceLayout::Of(operation, rank, kRanks);
      const Traffic traffic = TrafficOf(operation, rank, kRanks);
      std::vector<BouncePiece> pieces = layout.in;
      pieces.insert(pieces.end(), layout.out.begin(), layout.out.end());
      std::ranges::sort(pieces, {}, &BouncePiece::offset);
      size_t bytes = 0;
      size_t end = 0;
      for (const BouncePiece& piece : pieces) {
        EXPECT_EQ(piece.offset % 128, 0U);
        EXPECT_GE(piece.offset, end);
        end = piece.offset + piece.bytes;
        bytes += piece.bytes;
      }
      EXPECT_LE(end, layout.bytes);
      EXPECT_EQ(bytes, traffic.total());
      EXPECT_LE(layout.bytes, traffic.total() + 128 * std::max<size_t>(pieces.size(), 1));
    }
  }
}

TEST(BounceLayoutTest, TheRootOfABroadcastInPlaceFetchesNothing) {
  Operation operation = Make(Kind::kBroadcast, 8);
  operation.receive = const_cast<void*>(operation.send);
  EXPECT_TRUE(BounceLayout::Of(operation, 1, 3).out.empty());
  EXPECT_EQ(BounceLayout::Of(operation, 0, 3).out.size(), 1U);
}

}  // namespace
}  // namespace flexmig::device

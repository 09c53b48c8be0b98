#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/random.h"

#include "collective_case.h"
#include "fake_mover.h"
#include "host_communicator.h"
#include "thread_ranks.h"

// Messages, and all-to-all with different counts, whose buffers only a mover reaches; also where
// some of the ranks have ordinary buffers. The ranks are threads over one mapping, whose channels
// hold four pieces of 256 bytes.
namespace flexmig::coll {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr uint64_t kSlotBytes = 1024;
constexpr size_t kRingBytes = size_t{shm::kMessageSlots} * 256;

class MovedExchangeTest : public testing::TestWithParam<int> {
 protected:
  int world_size() const { return GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(WorldSizes, MovedExchangeTest, testing::Values(1, 2, 3, 5),
                         testing::PrintToStringParamName());

// Buffers of one rank, in a device's memory or in its own.
class Arena {
 public:
  Arena(FakeDeviceMemory& memory, bool moved) : memory_(memory), moved_(moved), own_(1 << 20) {}

  std::byte* Take(size_t bytes) {
    used_ += bytes + 3;  // at odd addresses, too
    return (moved_ ? memory_.base() : own_.data()) + used_ - bytes;
  }
  // Where the processor finds them.
  std::byte* At(std::byte* buffer) { return moved_ ? memory_.At(buffer) : buffer; }
  void Clear() { used_ = 0; }

 private:
  FakeDeviceMemory& memory_;
  const bool moved_;
  Bytes8 own_;
  size_t used_ = 0;
};

struct Message {
  int from = 0;
  int to = 0;
  uint64_t seed = 0;
  size_t bytes = 0;
};

// Up to three messages from every rank to every rank, itself too.
std::vector<Message> RandomMessages(uint64_t seed, int world_size) {
  SplitMix64 random(seed);
  std::vector<Message> messages;
  for (int from = 0; from < world_size; ++from) {
    for (int to = 0; to < world_size; ++to) {
      for (uint64_t left = random.NextBelow(4); left > 0; --left) {
        // Nothing, part of a piece, some pieces, several rings.
        constexpr size_t kBounds[] = {1, 250, kRingBytes, 5 * kRingBytes};
        const size_t bytes = random.NextBelow(kBounds[random.NextBelow(std::size(kBounds))]);
        messages.push_back({from, to, seed * 1000 + messages.size(), bytes});
      }
    }
  }
  return messages;
}

TEST_P(MovedExchangeTest, GroupsInAnyOrderDeliverEverythingWhoeverHasAMover) {
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    const int rank = communicator.rank();
    FakeDeviceMemory memory;
    FakeMover mover(memory, static_cast<uint64_t>(rank), {});
    SplitMix64 order(100 + static_cast<uint64_t>(rank));
    for (uint64_t round = 1; round <= 40; ++round) {
      // Every second rank, all, or none in turn.
      const bool moved = round % 3 == 0 || (round % 3 == 1 && rank % 2 == 0);
      communicator.UseMover(moved ? &mover : nullptr);
      Arena arena(memory, moved);
      const std::vector<Message> messages = RandomMessages(round, world_size());
      std::vector<std::deque<Transfer>> queues(2 * static_cast<size_t>(world_size()));
      std::vector<std::byte*> received(messages.size());
      FakeMover::Counts promised = mover.counts();
      for (size_t i = 0; i < messages.size(); ++i) {
        const Message& message = messages[i];
        const bool is_own = message.from == message.to;
        if (message.from == rank) {
          std::byte* const data = arena.Take(message.bytes);
          const Bytes8 sent = Contribution(message.seed, message.from, message.bytes);
          std::copy(sent.begin(), sent.end(), arena.At(data));
          queues[static_cast<size_t>(message.to)].push_back(
              Transfer::Send(data, message.bytes, DataType::kUint8, message.to));
          (is_own ? promised.within : promised.in) += moved ? message.bytes : 0;
        }
        if (message.to == rank) {
          received[i] = arena.Take(message.bytes);
          queues[static_cast<size_t>(world_size()) + static_cast<size_t>(message.from)].push_back(
              Transfer::Receive(received[i], message.bytes, DataType::kUint8, message.from));
          if (!is_own) promised.out += moved ? message.bytes : 0;
        }
      }
      std::vector<Transfer> transfers;
      for (;;) {
        std::erase_if(queues, [](const auto& queue) { return queue.empty(); });
        if (queues.empty()) break;
        auto& queue = queues[order.NextBelow(queues.size())];
        transfers.push_back(queue.front());
        queue.pop_front();
      }
      const Status status = communicator.Exchange(transfers);
      ASSERT_TRUE(status.ok()) << status.ToString();
      EXPECT_TRUE(mover.is_idle());
      EXPECT_EQ(mover.counts(), promised);
      for (size_t i = 0; i < messages.size(); ++i) {
        if (messages[i].to != rank) continue;
        const Bytes8 expected = Contribution(messages[i].seed, messages[i].from, messages[i].bytes);
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), arena.At(received[i])))
            << "message " << i << " from rank " << messages[i].from;
      }
    }
  });
}

TEST_P(MovedExchangeTest, AllToAllVDeliversEverythingWhoeverHasAMover) {
  const auto ranks = static_cast<size_t>(world_size());
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    const auto rank = static_cast<size_t>(communicator.rank());
    FakeDeviceMemory memory;
    FakeMover mover(memory, rank, {});
    SplitMix64 random(5);  // alike on all ranks
    for (uint64_t round = 0; round < 30; ++round) {
      const bool moved = (round + rank) % 3 != 0;
      communicator.UseMover(moved ? &mover : nullptr);
      Arena arena(memory, moved);
      std::vector<std::vector<size_t>> counts(ranks);  // [from][to]
      for (auto& row : counts) {
        for (size_t to = 0; to < ranks; ++to) row.push_back(random.NextBelow(700));
      }
      std::vector<size_t> send_offsets;
      std::vector<size_t> receive_counts;
      std::vector<size_t> receive_offsets;
      size_t sent = 0;
      size_t received = 0;
      for (size_t peer = 0; peer < ranks; ++peer) {
        send_offsets.push_back(sent);
        sent += counts[rank][peer] + 1;
        receive_counts.push_back(counts[peer][rank]);
        receive_offsets.push_back(received);
        received += counts[peer][rank] + 2;
      }
      std::byte* const from = arena.Take(4 * sent);
      std::byte* const to = arena.Take(4 * received);
      const Bytes8 data = Contribution(round, static_cast<int>(rank), 4 * sent);
      std::copy(data.begin(), data.end(), arena.At(from));
      const Status status =
          communicator.AllToAllV(from, {counts[rank], send_offsets}, to,
                                 {receive_counts, receive_offsets}, DataType::kFloat32);
      ASSERT_TRUE(status.ok()) << status.ToString();
      for (size_t peer = 0; peer < ranks; ++peer) {
        size_t offset = 0;  // in what the peer sent
        size_t all = 0;
        for (size_t other = 0; other < ranks; ++other) {
          if (other < rank) offset += counts[peer][other] + 1;
          all += counts[peer][other] + 1;
        }
        const Bytes8 theirs = Contribution(round, static_cast<int>(peer), 4 * all);
        ASSERT_TRUE(
            std::equal(theirs.begin() + static_cast<ptrdiff_t>(4 * offset),
                       theirs.begin() + static_cast<ptrdiff_t>(4 * (offset + counts[peer][rank])),
                       arena.At(to) + 4 * receive_offsets[peer]))
            << "round " << round << " from rank " << peer;
      }
    }
  });
}

TEST(MovedMessagesTest, SendReturnsBeforeTheReceiveIsCalledAndAWrongOneIsNamed) {
  auto ranks = MakeThreadRanks(2, kSlotBytes);
  FakeDeviceMemory memory;
  FakeMover mover(memory, 1, {});
  ranks[0]->UseMover(&mover);
  const Bytes8 data = Contribution(1, 0, kRingBytes);
  std::copy(data.begin(), data.end(), memory.At(memory.base()));
  ASSERT_EQ(ranks[0]->Send(memory.base(), kRingBytes, DataType::kUint8, 1), OkStatus());
  EXPECT_TRUE(mover.is_idle());
  std::fill_n(memory.At(memory.base()), kRingBytes, std::byte{0});
  Bytes8 received(kRingBytes);
  ASSERT_EQ(ranks[1]->Receive(received.data(), kRingBytes, DataType::kUint8, 0), OkStatus());
  EXPECT_EQ(received, data);

  ASSERT_EQ(ranks[1]->Send(received.data(), 5, DataType::kUint8, 0), OkStatus());
  const Status status = ranks[0]->Receive(memory.base(), 6, DataType::kUint8, 1);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("rank 1 sends 5 elements of uint8"), HasSubstr("receives 6 of")));
}

}  // namespace
}  // namespace flexmig::coll

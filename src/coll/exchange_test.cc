#include <algorithm>
#include <atomic>
#include <deque>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/random.h"

#include "collective_case.h"
#include "host_communicator.h"
#include "thread_ranks.h"

// Messages between pairs of ranks, alone and as all-to-all with different counts. The ranks are
// threads over one mapping, whose channels hold four pieces of 256 bytes.
namespace flexmig::coll {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr uint64_t kSlotBytes = 1024;
constexpr size_t kRingBytes = size_t{shm::kMessageSlots} * 256;

class ExchangeTest : public testing::TestWithParam<int> {
 protected:
  int world_size() const { return GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(WorldSizes, ExchangeTest, testing::Values(1, 2, 3, 5),
                         testing::PrintToStringParamName());

struct Message {
  int from = 0;
  int to = 0;
  DataType type = DataType::kUint8;
  size_t count = 0;
  Bytes8 data;
};

// Up to three messages from every rank to every rank, itself too, in an order that is the same for
// both of its ends.
std::vector<Message> RandomMessages(uint64_t seed, int world_size) {
  SplitMix64 random(seed);
  std::vector<Message> messages;
  for (int from = 0; from < world_size; ++from) {
    for (int to = 0; to < world_size; ++to) {
      for (uint64_t left = random.NextBelow(4); left > 0; --left) {
        Message message;
        message.from = from;
        message.to = to;
        message.type = reduce::kAllDataTypes[random.NextBelow(std::size(reduce::kAllDataTypes))];
        // Nothing, part of a piece, some pieces, several rings.
        constexpr size_t kBounds[] = {1, 250, kRingBytes, 5 * kRingBytes};
        const size_t bytes = random.NextBelow(kBounds[random.NextBelow(std::size(kBounds))]);
        message.count = bytes / reduce::ElementBytes(message.type);
        message.data = Contribution(seed * 1000 + messages.size(), from,
                                    message.count * reduce::ElementBytes(message.type));
        messages.push_back(std::move(message));
      }
    }
  }
  return messages;
}

// The transfers of one rank in an order of its own, in which only those with the same peer and
// direction keep theirs.
class Group {
 public:
  Group(const std::vector<Message>& messages, int rank, int world_size, SplitMix64& random)
      : received_(messages.size()) {
    std::vector<std::deque<Transfer>> queues(2 * static_cast<size_t>(world_size));
    for (size_t i = 0; i < messages.size(); ++i) {
      const Message& message = messages[i];
      if (message.from == rank) {
        queues[static_cast<size_t>(message.to)].push_back(
            Transfer::Send(message.data.data(), message.count, message.type, message.to));
      }
      if (message.to == rank) {
        received_[i].assign(message.data.size() + 1, std::byte{0x5a});
        queues[static_cast<size_t>(world_size) + static_cast<size_t>(message.from)].push_back(
            Transfer::Receive(received_[i].data(), message.count, message.type, message.from));
      }
    }
    for (;;) {
      std::erase_if(queues, [](const auto& queue) { return queue.empty(); });
      if (queues.empty()) break;
      auto& queue = queues[random.NextBelow(queues.size())];
      transfers_.push_back(queue.front());
      queue.pop_front();
    }
  }

  [[nodiscard]] std::span<const Transfer> transfers() const { return transfers_; }
  void Check(const std::vector<Message>& messages, int rank) const {
    for (size_t i = 0; i < messages.size(); ++i) {
      if (messages[i].to != rank) continue;
      Bytes8 expected = messages[i].data;
      expected.push_back(std::byte{0x5a});  // nothing is written behind the end
      ASSERT_EQ(received_[i], expected)
          << "message " << i << " from rank " << messages[i].from << " to " << rank;
    }
  }

 private:
  std::vector<Transfer> transfers_;
  std::vector<Bytes8> received_;
};

TEST_P(ExchangeTest, GroupsInAnyOrderDeliverEverything) {
  constexpr uint64_t kRounds = 40;
  std::vector<std::vector<Message>> rounds;
  for (uint64_t round = 0; round < kRounds; ++round) {
    rounds.push_back(RandomMessages(round + 1, world_size()));
  }
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    SplitMix64 own_order(100 + static_cast<uint64_t>(communicator.rank()));
    for (const std::vector<Message>& messages : rounds) {
      const Group group(messages, communicator.rank(), world_size(), own_order);
      ASSERT_EQ(communicator.Exchange(group.transfers()), OkStatus());
      ASSERT_NO_FATAL_FAILURE(group.Check(messages, communicator.rank()));
    }
  });
}

TEST_P(ExchangeTest, EmptyGroupNeedsNobody) {
  auto ranks = MakeThreadRanks(world_size(), kSlotBytes);
  EXPECT_EQ(ranks[0]->Exchange({}), OkStatus());
}

// What fits into a channel needs no group: every rank sends first, around a circle.
TEST_P(ExchangeTest, SendsThatFitReturnBeforeTheirReceives) {
  if (world_size() == 1) GTEST_SKIP() << "a message to itself needs a group";
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    const int next = (communicator.rank() + 1) % world_size();
    const int before = (communicator.rank() + world_size() - 1) % world_size();
    for (uint64_t round = 0; round < 100; ++round) {
      const size_t bytes = round * 77 % (kRingBytes + 1);
      const Bytes8 sent = Contribution(round, communicator.rank(), bytes);
      Bytes8 received(bytes);
      ASSERT_EQ(communicator.Send(sent.data(), bytes, DataType::kInt8, next), OkStatus());
      ASSERT_EQ(communicator.Receive(received.data(), bytes, DataType::kInt8, before), OkStatus());
      ASSERT_EQ(received, Contribution(round, before, bytes));
    }
  });
}

TEST(ExchangeOrderTest, SendReturnsAndItsBufferMayBeWrittenBeforeTheReceiveIsCalled) {
  auto ranks = MakeThreadRanks(2, kSlotBytes);
  std::vector<int32_t> data{1, 2, 3};
  for (int message = 0; message < 4; ++message) {
    ASSERT_EQ(ranks[0]->Send(data.data(), 3, DataType::kInt32, 1), OkStatus());
    for (int32_t& value : data) value += 10;
  }
  for (int32_t message = 0; message < 4; ++message) {
    std::vector<int32_t> received(3);
    ASSERT_EQ(ranks[1]->Receive(received.data(), 3, DataType::kInt32, 0), OkStatus());
    EXPECT_EQ(received,
              (std::vector<int32_t>{1 + 10 * message, 2 + 10 * message, 3 + 10 * message}));
  }
}

// Both send first, more than the channels hold.
TEST(ExchangeOrderTest, GroupOfTwoLargeSendsAgainstEachOtherIsNoDeadlock) {
  RunThreadRanks(2, kSlotBytes, [](HostCommunicator& communicator) {
    const int peer = 1 - communicator.rank();
    for (uint64_t round = 0; round < 20; ++round) {
      const Bytes8 sent = Contribution(round, communicator.rank(), 20 * kRingBytes + 3);
      Bytes8 received(sent.size());
      const Transfer group[] = {
          Transfer::Send(sent.data(), sent.size(), DataType::kUint8, peer),
          Transfer::Receive(received.data(), received.size(), DataType::kUint8, peer)};
      ASSERT_EQ(communicator.Exchange(group), OkStatus());
      ASSERT_EQ(received, Contribution(round, peer, sent.size()));
    }
  });
}

// Ranks that take no part in a message go on with what they do, up to the next collective.
TEST(ExchangeOrderTest, MessagesAndCollectivesDoNotDisturbEachOther) {
  RunThreadRanks(3, kSlotBytes, [](HostCommunicator& communicator) {
    const int rank = communicator.rank();
    for (uint64_t round = 0; round < 100; ++round) {
      const auto sender = static_cast<int>(round % 3);
      const int receiver = (sender + 1) % 3;
      const Bytes8 data = Contribution(round, sender, round * 50);
      if (rank == sender) {
        ASSERT_EQ(communicator.Send(data.data(), data.size(), DataType::kUint8, receiver),
                  OkStatus());
      } else if (rank == receiver) {
        Bytes8 received(data.size());
        ASSERT_EQ(communicator.Receive(received.data(), data.size(), DataType::kUint8, sender),
                  OkStatus());
        ASSERT_EQ(received, data);
      }
      std::vector<int64_t> sum{rank + 1};
      ASSERT_EQ(communicator.AllReduce(std::span(sum), ReduceOp::kSum), OkStatus());
      ASSERT_EQ(sum[0], 6);
    }
  });
}

TEST(ExchangeErrorTest, DifferentCountOrTypeNamesBothOnBoth) {
  const struct {
    size_t count;
    DataType type;
    const char* text;
  } receives[] = {{11, DataType::kInt32, "receives 11 of int32"},
                  {10, DataType::kFloat32, "receives 10 of float32"},
                  {0, DataType::kInt32, "receives 0 of int32"}};
  for (const auto& wrong : receives) {
    auto ranks = MakeThreadRanks(2, kSlotBytes);
    std::vector<int32_t> data(11);
    ASSERT_EQ(ranks[0]->Send(data.data(), 10, DataType::kInt32, 1), OkStatus());
    const Status status = ranks[1]->Receive(data.data(), wrong.count, wrong.type, 0);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), AllOf(HasSubstr("rank 0 sends 10 elements of int32 to rank 1"),
                                        HasSubstr(wrong.text)));
    EXPECT_EQ(ranks[0]->Send(data.data(), 10, DataType::kInt32, 1), status);
    EXPECT_EQ(ranks[0]->Barrier(), status);
  }
}

TEST(ExchangeErrorTest, BadTransfersAreRefused) {
  int32_t x = 0;
  const struct {
    std::vector<Transfer> group;
    const char* text;
  } cases[] = {
      {{Transfer::Send(&x, 1, DataType::kInt32, 2)}, "peer 2 is not below the world size"},
      {{Transfer::Receive(&x, 1, DataType::kInt32, -1)}, "peer -1 is not below the world size"},
      {{Transfer::Send(&x, 0, DataType::kInt32, 1),
        Transfer::Send(nullptr, 1, DataType::kInt32, 1)},
       "transfer 1: the buffer is null"},
      {{Transfer::Send(&x, size_t{1} << 40, DataType::kInt32, 1)},
       "a count of 1099511627776 is too large"},
      {{Transfer::Send(&x, 1, static_cast<DataType>(99), 1)}, "invalid data type"},
      {{Transfer::Send(&x, 1, DataType::kInt32, 0)},
       "transfer 0: a message to itself has no receive"},
      {{Transfer::Receive(&x, 1, DataType::kInt32, 0)},
       "transfer 0: a receive from itself has no message"},
      {{Transfer::Send(&x, 1, DataType::kInt32, 0), Transfer::Receive(&x, 1, DataType::kUint32, 0)},
       "transfer 0: a message to itself has no receive"},
  };
  for (const auto& bad : cases) {
    auto ranks = MakeThreadRanks(2, kSlotBytes);
    const Status status = ranks[0]->Exchange(bad.group);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.ToString();
    EXPECT_THAT(status.message(), AllOf(HasSubstr("rank 0"), HasSubstr(bad.text)));
    EXPECT_EQ(ranks[1]->Barrier(), status);
  }
}

TEST(ExchangeErrorTest, DepartedPeerEndsAWaitForItsMessageButNotTheMessagesItHasSent) {
  auto ranks = MakeThreadRanks(2, kSlotBytes);
  int32_t x = 7;
  ASSERT_EQ(ranks[1]->Send(&x, 1, DataType::kInt32, 0), OkStatus());
  ranks[1].reset();
  int32_t received = 0;
  ASSERT_EQ(ranks[0]->Receive(&received, 1, DataType::kInt32, 1), OkStatus());
  EXPECT_EQ(received, 7);
  const Status status = ranks[0]->Receive(&received, 1, DataType::kInt32, 1);
  EXPECT_EQ(status.code(), StatusCode::kAborted);
  EXPECT_THAT(status.message(), HasSubstr("rank 1 (process"));
}

TEST(ExchangeErrorTest, SilentPeerIsNamedAfterTheTimeout) {
  for (const bool sends : {false, true}) {
    const std::chrono::milliseconds timeout(60);
    auto ranks = MakeThreadRanks(2, kSlotBytes, timeout);
    Bytes8 data(3 * kRingBytes);
    const auto begin = std::chrono::steady_clock::now();
    const Status status = sends ? ranks[0]->Send(data.data(), data.size(), DataType::kInt8, 1)
                                : ranks[0]->Receive(data.data(), data.size(), DataType::kInt8, 1);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, timeout);
    EXPECT_EQ(status.code(), StatusCode::kDeadlineExceeded);
    EXPECT_THAT(status.message(), AllOf(HasSubstr("rank 1 (process"), HasSubstr("within 60 ms")));
    EXPECT_EQ(ranks[1]->Barrier(), status);
  }
}

// counts[from][to] elements, laid out by every rank in an order of its own with gaps between.
struct Layout {
  Layout(const std::vector<size_t>& counts_in, uint64_t seed) : counts(counts_in) {
    SplitMix64 random(seed);
    std::vector<size_t> order(counts.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.NextBelow(i)]);
    offsets.resize(counts.size());
    for (const size_t i : order) {
      end += random.NextBelow(3);
      offsets[i] = end;
      end += counts[i];
    }
    ++end;
  }
  [[nodiscard]] VectorLayout view() const { return {counts, offsets}; }
  std::vector<size_t> counts;
  std::vector<size_t> offsets;
  size_t end = 0;
};

TEST_P(ExchangeTest, AllToAllVWithAnyCountsMovesEveryPart) {
  const auto ranks = static_cast<size_t>(world_size());
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    const auto own = static_cast<size_t>(communicator.rank());
    for (uint64_t round = 0; round < 40; ++round) {
      SplitMix64 random(round + 7);  // alike on all ranks
      const DataType type = reduce::kAllDataTypes[round % std::size(reduce::kAllDataTypes)];
      const size_t element = reduce::ElementBytes(type);
      std::vector<std::vector<size_t>> counts(ranks, std::vector<size_t>(ranks));
      for (auto& row : counts) {
        const bool empty = random.NextBelow(4) == 0;
        for (size_t& count : row) count = empty ? 0 : random.NextBelow(3) * random.NextBelow(700);
      }
      std::vector<size_t> column;
      column.reserve(ranks);
      for (const auto& row : counts) column.push_back(row[own]);
      const Layout sends(counts[own], round * 100 + own);
      const Layout receives(column, round * 100 + 50 + own);
      const auto data_of = [&](size_t from, size_t to) {
        return Contribution(round * 64 + to, static_cast<int>(from), counts[from][to] * element);
      };
      Bytes8 sent(sends.end * element);
      Bytes8 received(receives.end * element, std::byte{0x5a});
      Bytes8 expected = received;
      for (size_t peer = 0; peer < ranks; ++peer) {
        const Bytes8 to_peer = data_of(own, peer);
        const Bytes8 from_peer = data_of(peer, own);
        std::copy(to_peer.begin(), to_peer.end(),
                  sent.begin() + static_cast<ptrdiff_t>(sends.offsets[peer] * element));
        std::copy(from_peer.begin(), from_peer.end(),
                  expected.begin() + static_cast<ptrdiff_t>(receives.offsets[peer] * element));
      }
      ASSERT_EQ(
          communicator.AllToAllV(sent.data(), sends.view(), received.data(), receives.view(), type),
          OkStatus());
      ASSERT_EQ(received, expected) << "round " << round;
    }
  });
}

// More calls than the ring of call records holds, in which nobody announces anything, and then one
// that compares what was called.
TEST_P(ExchangeTest, ManyAllToAllVInARowAreNoMismatch) {
  const std::vector<size_t> counts(static_cast<size_t>(world_size()), 1);
  std::vector<size_t> offsets;
  for (size_t i = 0; i < counts.size(); ++i) offsets.push_back(i);
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    for (const int row : {40, 66, 130}) {
      for (int i = 0; i < row; ++i) {
        std::vector<int32_t> sent(counts.size(), i + communicator.rank());
        std::vector<int32_t> received(counts.size());
        ASSERT_EQ(communicator.AllToAllV(sent.data(), {counts, offsets}, received.data(),
                                         {counts, offsets}, DataType::kInt32),
                  OkStatus());
        for (size_t rank = 0; rank < received.size(); ++rank) {
          ASSERT_EQ(received[rank], i + static_cast<int>(rank));
        }
      }
      ASSERT_EQ(communicator.Barrier(), OkStatus()) << "after " << row;
    }
  });
}

TEST(AllToAllVErrorTest, CountsThatDoNotMatchNameBothRanks) {
  auto ranks = MakeThreadRanks(2, kSlotBytes);
  std::vector<Status> statuses(2);
  std::vector<std::thread> threads;
  for (size_t rank = 0; rank < 2; ++rank) {
    threads.emplace_back([&, rank] {
      std::vector<int32_t> data(20);
      const std::vector<size_t> send_counts{2, 3};
      const std::vector<size_t> receive_counts{rank == 0 ? size_t{2} : 4,
                                               rank == 0 ? size_t{2} : 3};
      const std::vector<size_t> offsets{0, 5};
      std::vector<int32_t> received(20);
      statuses[rank] = ranks[rank]->AllToAllV(data.data(), {send_counts, offsets}, received.data(),
                                              {receive_counts, offsets}, DataType::kInt32);
      if (statuses[rank].ok()) statuses[rank] = ranks[rank]->Barrier();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(statuses[0], statuses[1]);
  EXPECT_EQ(statuses[0].code(), StatusCode::kInvalidArgument) << statuses[0].ToString();
  EXPECT_THAT(statuses[0].message(),
              HasSubstr("rank 0 sends 3 elements of int32 to rank 1, which"));
}

TEST(AllToAllVErrorTest, BadArgumentsAreRefused) {
  int32_t x = 0;
  const std::vector<size_t> one{1};
  const std::vector<size_t> counts{0, 1};
  const std::vector<size_t> large{0, size_t{1} << 40};
  const std::vector<size_t> offsets{0, 3};
  const struct {
    const void* send;
    VectorLayout sends;
    void* receive;
    VectorLayout receives;
    const char* text;
  } cases[] = {
      {&x, {one, offsets}, &x, {counts, offsets}, "not one for each rank"},
      {&x, {counts, offsets}, &x, {counts, one}, "not one for each rank"},
      {nullptr, {counts, offsets}, &x, {counts, offsets}, "buffer is null"},
      {&x, {counts, offsets}, nullptr, {counts, offsets}, "buffer is null"},
      {&x, {large, offsets}, &x, {counts, offsets}, "a count of 1099511627776 is too large"},
  };
  for (const auto& bad : cases) {
    auto ranks = MakeThreadRanks(2, kSlotBytes);
    const Status status =
        ranks[0]->AllToAllV(bad.send, bad.sends, bad.receive, bad.receives, DataType::kInt32);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.ToString();
    EXPECT_THAT(status.message(), AllOf(HasSubstr("rank 0"), HasSubstr(bad.text)));
    EXPECT_EQ(ranks[1]->Barrier(), status);
  }
}

// Where a rank has nothing, its buffer may be null whatever the offsets say.
TEST(AllToAllVErrorTest, NullBuffersOfNoElementsAreAllowed) {
  RunThreadRanks(2, kSlotBytes, [](HostCommunicator& communicator) {
    const bool sends = communicator.rank() == 0;  // both elements, to rank 1
    const std::vector<size_t> none{0, 0};
    const std::vector<size_t> some = sends ? std::vector<size_t>{0, 2} : std::vector<size_t>{2, 0};
    const std::vector<size_t> offsets{1, 3};
    std::vector<int32_t> data{1, 2, 3, 4, 5, 6};
    ASSERT_EQ(communicator.AllToAllV(sends ? data.data() : nullptr, {sends ? some : none, offsets},
                                     sends ? nullptr : data.data(), {sends ? none : some, offsets},
                                     DataType::kInt32),
              OkStatus());
    if (sends) return;
    EXPECT_EQ(data, (std::vector<int32_t>{1, 4, 5, 4, 5, 6}));
  });
}

}  // namespace
}  // namespace flexmig::coll

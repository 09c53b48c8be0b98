#include "flexmig/coll/c_api.h"

#include <cstring>
#include <functional>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/random.h"

// The C interface, as a caller in C has it: plain pointers, codes, a text for each thread.
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr flexmig_reduction kSum = {FLEXMIG_SUM, nullptr};

flexmig_options Options(const char* rendezvous, int rank, int world_size) {
  flexmig_options options = {};
  options.size = sizeof options;
  options.rendezvous = rendezvous;
  options.rank = rank;
  options.world_size = world_size;
  options.connect_timeout_ms = options.timeout_ms = 60'000;
  return options;
}

// Runs `body` for ranks that are threads and have met.
void RunRanks(int world_size, const std::function<void(flexmig_communicator*)>& body) {
  const std::string rendezvous = flexmig::RandomHex(16);
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(world_size));
  for (int rank = 0; rank < world_size; ++rank) {
    threads.emplace_back([&, rank] {
      const flexmig_options options = Options(rendezvous.c_str(), rank, world_size);
      flexmig_communicator* communicator = nullptr;
      ASSERT_EQ(flexmig_create(&options, &communicator), FLEXMIG_OK) << flexmig_last_error();
      EXPECT_EQ(flexmig_rank(communicator), rank);
      EXPECT_EQ(flexmig_world_size(communicator), world_size);
      body(communicator);
      flexmig_destroy(communicator);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Element i of rank r.
int32_t Value(int rank, size_t i) { return rank * 1000 + static_cast<int32_t>(i); }
std::vector<int32_t> Values(int rank, size_t count, size_t first = 0) {
  std::vector<int32_t> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = Value(rank, first + i);
  return values;
}
std::vector<int32_t> Joined(std::vector<int32_t> a, const std::vector<int32_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Refused with a text, whatever was said before.
testing::AssertionResult IsRefused(flexmig_status status) {
  if (status != FLEXMIG_INVALID_ARGUMENT) {
    return testing::AssertionFailure() << "status " << status;
  }
  if (std::strlen(flexmig_last_error()) == 0) return testing::AssertionFailure() << "no text";
  return testing::AssertionSuccess();
}

TEST(CApiTest, EveryFunctionSurvivesANullCommunicator) {
  int32_t data[2] = {};
  size_t numbers[2] = {};
  void* memory = data;
  flexmig_communicator* made = nullptr;
  const flexmig_type type = FLEXMIG_INT32;
  EXPECT_TRUE(IsRefused(flexmig_split(nullptr, 0, 0, &made)));
  EXPECT_TRUE(IsRefused(flexmig_shrink(nullptr, nullptr, 0, &made)));
  EXPECT_TRUE(IsRefused(flexmig_all_reduce(nullptr, data, data, 1, type, kSum)));
  EXPECT_TRUE(IsRefused(flexmig_reduce(nullptr, data, data, 1, type, kSum, 0)));
  EXPECT_TRUE(IsRefused(flexmig_reduce_scatter(nullptr, data, data, 1, type, kSum)));
  EXPECT_TRUE(IsRefused(flexmig_all_gather(nullptr, data, data, 1, type)));
  EXPECT_TRUE(IsRefused(flexmig_gather(nullptr, data, data, 1, type, 0)));
  EXPECT_TRUE(IsRefused(flexmig_broadcast(nullptr, data, data, 1, type, 0)));
  EXPECT_TRUE(IsRefused(flexmig_scatter(nullptr, data, data, 1, type, 0)));
  EXPECT_TRUE(IsRefused(flexmig_all_to_all(nullptr, data, data, 1, type)));
  EXPECT_TRUE(IsRefused(
      flexmig_all_to_all_v(nullptr, data, numbers, numbers, data, numbers, numbers, type)));
  EXPECT_TRUE(IsRefused(flexmig_barrier(nullptr)));
  EXPECT_TRUE(IsRefused(flexmig_exchange(nullptr, nullptr, 0)));
  EXPECT_TRUE(IsRefused(flexmig_send(nullptr, data, 1, type, 0)));
  EXPECT_TRUE(IsRefused(flexmig_receive(nullptr, data, 1, type, 0)));
  EXPECT_TRUE(IsRefused(flexmig_allocate_shared(nullptr, 1, &memory)));
  EXPECT_TRUE(IsRefused(flexmig_free_shared(nullptr, data, 1)));
  EXPECT_TRUE(IsRefused(flexmig_get_status(nullptr)));
  EXPECT_TRUE(IsRefused(flexmig_abort(nullptr, "why")));
  EXPECT_EQ(flexmig_rank(nullptr), -1);
  EXPECT_EQ(flexmig_world_size(nullptr), -1);
  flexmig_destroy(nullptr);
  EXPECT_EQ(made, nullptr);
  EXPECT_EQ(memory, data);
}

TEST(CApiTest, NullOptionsAndOutputsAreRefused) {
  const flexmig_options options = Options("name", 0, 1);
  flexmig_communicator* made = nullptr;
  EXPECT_TRUE(IsRefused(flexmig_create(nullptr, &made)));
  EXPECT_TRUE(IsRefused(flexmig_create(&options, nullptr)));
  EXPECT_TRUE(IsRefused(flexmig_create_from_environment(nullptr, nullptr)));
  EXPECT_EQ(made, nullptr);
}

// Each of these ends a communicator of its own: a world of one.
TEST(CApiTest, NullBuffersAreRefused) {
  using Body = std::function<flexmig_status(flexmig_communicator*)>;
  int32_t data[2] = {};
  size_t numbers[1] = {1};
  const flexmig_type type = FLEXMIG_INT32;
  const Body kBodies[] = {
      [&](auto* c) { return flexmig_split(c, 0, 0, nullptr); },
      [&](auto* c) { return flexmig_shrink(c, nullptr, 0, nullptr); },
      [&](auto* c) {
        flexmig_communicator* rest = nullptr;
        return flexmig_shrink(c, nullptr, 1, &rest);
      },
      [&](auto* c) { return flexmig_all_reduce(c, nullptr, data, 1, type, kSum); },
      [&](auto* c) { return flexmig_all_reduce(c, data, nullptr, 1, type, kSum); },
      [&](auto* c) {
        return flexmig_all_reduce(c, data, data, 1, type, {FLEXMIG_PREMUL_SUM, nullptr});
      },
      [&](auto* c) { return flexmig_reduce(c, nullptr, data, 1, type, kSum, 0); },
      [&](auto* c) { return flexmig_reduce_scatter(c, nullptr, data, 1, type, kSum); },
      [&](auto* c) { return flexmig_all_gather(c, data, nullptr, 1, type); },
      [&](auto* c) { return flexmig_gather(c, data, nullptr, 1, type, 0); },
      [&](auto* c) { return flexmig_broadcast(c, nullptr, data, 1, type, 0); },
      [&](auto* c) { return flexmig_scatter(c, nullptr, data, 1, type, 0); },
      [&](auto* c) { return flexmig_all_to_all(c, nullptr, data, 1, type); },
      [&](auto* c) {
        return flexmig_all_to_all_v(c, data, nullptr, numbers, data, numbers, numbers, type);
      },
      [&](auto* c) {
        return flexmig_all_to_all_v(c, data, numbers, nullptr, data, numbers, numbers, type);
      },
      [&](auto* c) {
        return flexmig_all_to_all_v(c, data, numbers, numbers, data, nullptr, numbers, type);
      },
      [&](auto* c) {
        return flexmig_all_to_all_v(c, data, numbers, numbers, data, numbers, nullptr, type);
      },
      [&](auto* c) {
        return flexmig_all_to_all_v(c, nullptr, numbers, numbers, data, numbers, numbers, type);
      },
      [&](auto* c) { return flexmig_exchange(c, nullptr, 1); },
      [&](auto* c) { return flexmig_send(c, nullptr, 1, type, 0); },
      [&](auto* c) { return flexmig_receive(c, nullptr, 1, type, 0); },
      [&](auto* c) { return flexmig_allocate_shared(c, 1, nullptr); },
      [&](auto* c) { return flexmig_free_shared(c, nullptr, 1); },
  };
  for (size_t i = 0; i < std::size(kBodies); ++i) {
    RunRanks(1, [&](flexmig_communicator* c) { EXPECT_TRUE(IsRefused(kBodies[i](c))) << i; });
  }
}

// The C enumerations are wider than ours: nothing may be cut off on the way.
TEST(CApiTest, NumbersThatAreNoTypeOrOperationAreRefused) {
  for (const int number : {-1, 12, 255, 256, 260, 65536, 1 << 30}) {
    const auto type = static_cast<flexmig_type>(number);
    const auto op = static_cast<flexmig_op>(number);
    int32_t data[2] = {7, 8};
    const int32_t factor = 1;
    RunRanks(1, [&](flexmig_communicator* c) {
      EXPECT_TRUE(IsRefused(flexmig_all_reduce(c, data, data + 1, 1, type, kSum))) << number;
    });
    RunRanks(1, [&](flexmig_communicator* c) {
      EXPECT_TRUE(IsRefused(flexmig_all_gather(c, data, data + 1, 1, type))) << number;
    });
    RunRanks(1, [&](flexmig_communicator* c) {
      EXPECT_TRUE(
          IsRefused(flexmig_all_reduce(c, data, data + 1, 1, type, {FLEXMIG_PREMUL_SUM, &factor})))
          << number;
    });
    RunRanks(1, [&](flexmig_communicator* c) {
      EXPECT_TRUE(IsRefused(flexmig_all_reduce(c, data, data + 1, 1, FLEXMIG_INT32, {op, &factor})))
          << number;
    });
    RunRanks(1, [&](flexmig_communicator* c) {
      const flexmig_transfer transfers[] = {{1, 0, data, 1, type}, {0, 0, data + 1, 1, type}};
      EXPECT_TRUE(IsRefused(flexmig_exchange(c, transfers, 2))) << number;
    });
    EXPECT_EQ(data[1], 8) << number;
  }
}

TEST(CApiTest, OptionsOfAnotherSizeAreRefusedNamingBoth) {
  flexmig_options options = Options("name", 0, 1);
  for (const size_t size : {size_t{0}, sizeof options - 8, sizeof options + 8}) {
    options.size = size;
    flexmig_communicator* made = nullptr;
    EXPECT_TRUE(IsRefused(flexmig_create(&options, &made)));
    EXPECT_THAT(flexmig_last_error(), HasSubstr(std::to_string(size) + " bytes"));
    EXPECT_THAT(flexmig_last_error(), HasSubstr(std::to_string(sizeof options)));
    EXPECT_EQ(made, nullptr);
  }
}

TEST(CApiTest, OptionsAreCheckedAsInCpp) {
  const auto refused = [](const flexmig_options& options) {
    flexmig_communicator* made = nullptr;
    return IsRefused(flexmig_create(&options, &made));
  };
  flexmig_options options = Options("name", 2, 2);
  EXPECT_TRUE(refused(options));
  options = Options("no spaces", 0, 2);
  EXPECT_TRUE(refused(options));
  options = Options("name", 0, 2);
  options.rendezvous = nullptr;
  EXPECT_TRUE(refused(options));
  options = Options("name", 0, 1);
  options.timeout_ms = -1;
  EXPECT_TRUE(refused(options));
  options.timeout_ms = INT64_MAX;
  EXPECT_TRUE(refused(options));
}

TEST(CApiTest, ZeroTimesMeanTheDefaults) {
  flexmig_options options = Options("", 0, 1);
  options.rendezvous = options.leaf = nullptr;
  options.connect_timeout_ms = options.timeout_ms = 0;
  flexmig_communicator* alone = nullptr;
  ASSERT_EQ(flexmig_create(&options, &alone), FLEXMIG_OK) << flexmig_last_error();
  EXPECT_EQ(flexmig_barrier(alone), FLEXMIG_OK);
  flexmig_destroy(alone);
}

TEST(CApiTest, EveryCollectiveMovesWhatItShould) {
  constexpr size_t kCount = 300;  // more than an announcement holds
  RunRanks(2, [&](flexmig_communicator* c) {
    const int rank = flexmig_rank(c);
    const auto own = Values(rank, kCount);
    const auto both = Values(rank, 2 * kCount);
    std::vector<int32_t> sum(2 * kCount);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] = Value(0, i) + Value(1, i);
    const std::vector<int32_t> half(
        sum.begin() + static_cast<ptrdiff_t>(static_cast<size_t>(rank) * kCount),
        sum.begin() + static_cast<ptrdiff_t>((static_cast<size_t>(rank) + 1) * kCount));
    sum.resize(kCount);
    const auto gathered = Joined(Values(0, kCount), Values(1, kCount));
    const size_t first = static_cast<size_t>(rank) * kCount;
    const auto exchanged = Joined(Values(0, kCount, first), Values(1, kCount, first));
    const flexmig_type type = FLEXMIG_INT32;

    std::vector<int32_t> one(kCount);
    std::vector<int32_t> two(2 * kCount);
    EXPECT_EQ(flexmig_all_reduce(c, own.data(), one.data(), kCount, type, kSum), FLEXMIG_OK);
    EXPECT_EQ(one, sum);
    one.assign(kCount, 0);
    EXPECT_EQ(flexmig_reduce(c, own.data(), one.data(), kCount, type, kSum, 1), FLEXMIG_OK);
    EXPECT_EQ(one, rank == 1 ? sum : std::vector<int32_t>(kCount));
    EXPECT_EQ(flexmig_reduce_scatter(c, both.data(), one.data(), kCount, type, kSum), FLEXMIG_OK);
    EXPECT_EQ(one, half);
    EXPECT_EQ(flexmig_all_gather(c, own.data(), two.data(), kCount, type), FLEXMIG_OK);
    EXPECT_EQ(two, gathered);
    two.assign(2 * kCount, 0);
    EXPECT_EQ(flexmig_gather(c, own.data(), rank == 0 ? two.data() : nullptr, kCount, type, 0),
              FLEXMIG_OK);
    EXPECT_EQ(two, rank == 0 ? gathered : std::vector<int32_t>(2 * kCount));
    EXPECT_EQ(flexmig_broadcast(c, rank == 1 ? own.data() : nullptr, one.data(), kCount, type, 1),
              FLEXMIG_OK);
    EXPECT_EQ(one, Values(1, kCount));
    EXPECT_EQ(flexmig_scatter(c, rank == 0 ? both.data() : nullptr, one.data(), kCount, type, 0),
              FLEXMIG_OK);
    EXPECT_EQ(one, Values(0, kCount, first));
    EXPECT_EQ(flexmig_all_to_all(c, both.data(), two.data(), kCount, type), FLEXMIG_OK);
    EXPECT_EQ(two, exchanged);
    EXPECT_EQ(flexmig_barrier(c), FLEXMIG_OK);
  });
}

TEST(CApiTest, AllToAllVTakesCountsAndOffsetsOfEveryRank) {
  RunRanks(2, [](flexmig_communicator* c) {
    const auto rank = static_cast<size_t>(flexmig_rank(c));
    // Rank r sends 1 + 2 r + p elements to rank p, the parts in descending order of p.
    const size_t send_counts[] = {1 + 2 * rank, 2 + 2 * rank};
    const size_t send_offsets[] = {send_counts[1], 0};
    const size_t receive_counts[] = {1 + rank, 3 + rank};
    const size_t receive_offsets[] = {0, receive_counts[0]};
    const auto send = Values(static_cast<int>(rank), send_counts[0] + send_counts[1]);
    std::vector<int32_t> received(receive_counts[0] + receive_counts[1]);
    ASSERT_EQ(flexmig_all_to_all_v(c, send.data(), send_counts, send_offsets, received.data(),
                                   receive_counts, receive_offsets, FLEXMIG_INT32),
              FLEXMIG_OK)
        << flexmig_last_error();
    EXPECT_EQ(received, rank == 0 ? Joined(Values(0, 1, 2), Values(1, 3, 4))
                                  : Joined(Values(0, 2), Values(1, 4)));
  });
}

TEST(CApiTest, EveryOperationIsTheOneOfItsName) {
  const struct {
    flexmig_op op;
    double expected;  // of 2 and 6; factors 10 and 100
  } kCases[] = {{FLEXMIG_SUM, 8},   {FLEXMIG_MIN, 2}, {FLEXMIG_MAX, 6},
                {FLEXMIG_PROD, 12}, {FLEXMIG_AVG, 4}, {FLEXMIG_PREMUL_SUM, 620}};
  RunRanks(2, [&](flexmig_communicator* c) {
    const int rank = flexmig_rank(c);
    const double own = rank == 0 ? 2 : 6;
    const double factor = rank == 0 ? 10 : 100;
    for (const auto& test : kCases) {
      double result = 0;
      ASSERT_EQ(flexmig_all_reduce(c, &own, &result, 1, FLEXMIG_FLOAT64, {test.op, &factor}),
                FLEXMIG_OK);
      EXPECT_EQ(result, test.expected) << test.op;
    }
  });
}

TEST(CApiTest, MessagesGoBothWaysAtOnce) {
  RunRanks(2, [](flexmig_communicator* c) {
    const int rank = flexmig_rank(c);
    auto own = Values(rank, 5000);
    std::vector<int32_t> other(5000);
    const flexmig_transfer transfers[] = {{0, 1 - rank, other.data(), 5000, FLEXMIG_INT32},
                                          {1, 1 - rank, own.data(), 5000, FLEXMIG_INT32}};
    ASSERT_EQ(flexmig_exchange(c, transfers, 2), FLEXMIG_OK) << flexmig_last_error();
    EXPECT_EQ(other, Values(1 - rank, 5000));
    EXPECT_EQ(flexmig_exchange(c, nullptr, 0), FLEXMIG_OK);
    if (rank == 0) {
      EXPECT_EQ(flexmig_send(c, own.data(), 3, FLEXMIG_INT32, 1), FLEXMIG_OK);
    } else {
      EXPECT_EQ(flexmig_receive(c, other.data(), 3, FLEXMIG_INT32, 0), FLEXMIG_OK);
      EXPECT_EQ(other[2], Value(0, 2));
    }
  });
}

TEST(CApiTest, SharedMemoryIsReducedInPlaceAndFreedOnce) {
  constexpr size_t kCount = 5000;
  RunRanks(2, [](flexmig_communicator* c) {
    void* memory = nullptr;
    ASSERT_EQ(flexmig_allocate_shared(c, kCount * sizeof(int32_t), &memory), FLEXMIG_OK);
    auto* const data = static_cast<int32_t*>(memory);
    for (size_t i = 0; i < kCount; ++i) data[i] = Value(flexmig_rank(c), i);
    ASSERT_EQ(flexmig_all_reduce(c, data, data, kCount, FLEXMIG_INT32, kSum), FLEXMIG_OK);
    size_t wrong = 0;
    for (size_t i = 0; i < kCount; ++i) wrong += data[i] != Value(0, i) + Value(1, i) ? 1 : 0;
    EXPECT_EQ(wrong, 0u);
    EXPECT_TRUE(IsRefused(flexmig_free_shared(c, memory, 1)));
    EXPECT_EQ(flexmig_free_shared(c, memory, kCount * sizeof(int32_t)), FLEXMIG_OK);
    EXPECT_TRUE(IsRefused(flexmig_free_shared(c, memory, kCount * sizeof(int32_t))));
    EXPECT_EQ(flexmig_barrier(c), FLEXMIG_OK) << "no harm to the communicator";
  });
}

TEST(CApiTest, SplitGivesPartsAndNullForNegativeColors) {
  RunRanks(3, [](flexmig_communicator* c) {
    const int rank = flexmig_rank(c);
    flexmig_communicator* part = c;
    ASSERT_EQ(flexmig_split(c, rank == 1 ? -1 : 5, -rank, &part), FLEXMIG_OK);
    if (rank == 1) {
      EXPECT_EQ(part, nullptr);
      return;
    }
    EXPECT_EQ(flexmig_world_size(part), 2);
    EXPECT_EQ(flexmig_rank(part), rank == 2 ? 0 : 1);
    int32_t all[2] = {};
    EXPECT_EQ(flexmig_all_gather(part, &rank, all, 1, FLEXMIG_INT32), FLEXMIG_OK);
    EXPECT_THAT(all, testing::ElementsAre(2, 0));
    flexmig_destroy(part);
  });
}

TEST(CApiTest, AbortEndsItForAllAndTheRestCanShrink) {
  RunRanks(3, [](flexmig_communicator* c) {
    const int rank = flexmig_rank(c);
    if (rank == 1) {
      EXPECT_EQ(flexmig_abort(c, "the disk is full"), FLEXMIG_OK);
      return;
    }
    EXPECT_EQ(flexmig_barrier(c), FLEXMIG_ABORTED);
    const std::string first = flexmig_last_error();
    EXPECT_THAT(first, HasSubstr("rank 1 aborted: the disk is full"));
    EXPECT_EQ(flexmig_barrier(c), FLEXMIG_ABORTED);
    EXPECT_EQ(flexmig_get_status(c), FLEXMIG_ABORTED);
    EXPECT_EQ(flexmig_last_error(), first) << "the same for ever";

    flexmig_communicator* rest = nullptr;
    EXPECT_TRUE(IsRefused(flexmig_shrink(c, &rank, 1, &rest))) << "without itself";
    const int gone = 1;
    ASSERT_EQ(flexmig_shrink(c, &gone, 1, &rest), FLEXMIG_OK) << flexmig_last_error();
    EXPECT_EQ(flexmig_world_size(rest), 2);
    EXPECT_EQ(flexmig_barrier(rest), FLEXMIG_OK);
    flexmig_destroy(rest);
  });
}

TEST(CApiTest, AbortWithoutAReasonHasAText) {
  RunRanks(1, [](flexmig_communicator* c) {
    EXPECT_EQ(flexmig_get_status(c), FLEXMIG_OK);
    EXPECT_EQ(flexmig_abort(c, nullptr), FLEXMIG_OK);
    EXPECT_EQ(flexmig_get_status(c), FLEXMIG_ABORTED);
    EXPECT_THAT(flexmig_last_error(), HasSubstr("no reason given"));
  });
}

TEST(CApiTest, TextsBelongToTheirThreadAndSurviveSuccess) {
  EXPECT_EQ(flexmig_barrier(nullptr), FLEXMIG_INVALID_ARGUMENT);
  const std::string own = flexmig_last_error();
  EXPECT_THAT(own, Not(testing::IsEmpty()));
  std::thread([] {
    EXPECT_STREQ(flexmig_last_error(), "");
    EXPECT_EQ(flexmig_create(nullptr, nullptr), FLEXMIG_INVALID_ARGUMENT);
    EXPECT_THAT(flexmig_last_error(), HasSubstr("options"));
  }).join();
  EXPECT_EQ(flexmig_last_error(), own);
  RunRanks(1, [](flexmig_communicator* c) { EXPECT_EQ(flexmig_barrier(c), FLEXMIG_OK); });
  EXPECT_EQ(flexmig_last_error(), own);
}

TEST(CApiTest, MoreTransfersThanMemoryHoldsAreRefusedWithAText) {
  RunRanks(1, [](flexmig_communicator* c) {
    const flexmig_transfer none{};
    EXPECT_EQ(flexmig_exchange(c, &none, SIZE_MAX), FLEXMIG_RESOURCE_EXHAUSTED);
    EXPECT_STREQ(flexmig_last_error(), "out of memory");
    EXPECT_EQ(flexmig_barrier(c), FLEXMIG_OK);
  });
}

TEST(CApiTest, OutsideOfAJobTheEnvironmentHasNoCommunicator) {
  flexmig_communicator* made = nullptr;
  EXPECT_EQ(flexmig_create_from_environment(nullptr, &made), FLEXMIG_NOT_FOUND);
  EXPECT_EQ(made, nullptr);
}

}  // namespace

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "flexmig/base/file.h"
#include "flexmig/reduce/reference.h"

#include "rank_processes.h"

// Collectives between forked processes: every type and operation, the places where memory can be
// short, and what is left behind.
namespace flexmig::multiproc {
namespace {

using coll::Communicator;
using coll::DataType;
using coll::ReduceOp;
using testing::HasSubstr;

using Data = std::vector<std::byte>;

// Rank r's contribution: any bits, different for each (seed, rank, index).
Data Contribution(uint64_t seed, int rank, size_t bytes) {
  SplitMix64 random(seed * 1000 + static_cast<uint64_t>(rank));
  Data data(bytes);
  for (size_t i = 0; i < bytes; i += 8) {
    const uint64_t word = random.Next();
    std::memcpy(data.data() + i, &word, std::min<size_t>(8, bytes - i));
  }
  return data;
}

// A collective's arguments and its result on every rank, worked out before the ranks are forked.
struct Case {
  DataType type;
  ReduceOp op;
  size_t count;
  std::vector<Data> contributions;          // by rank, world_size * count elements
  std::vector<coll::Reduction> reductions;  // by rank: each has a factor of its own
  Data reduced;                             // of all of them
};

Case MakeCase(uint64_t seed, int world_size, DataType type, ReduceOp op, size_t count) {
  Case made{type, op, count, {}, {}, {}};
  const size_t total = count * static_cast<size_t>(world_size);
  std::vector<const void*> inputs;
  for (int rank = 0; rank < world_size; ++rank) {
    made.contributions.push_back(Contribution(seed, rank, total * reduce::ElementBytes(type)));
  }
  for (const Data& contribution : made.contributions) inputs.push_back(contribution.data());
  std::vector<reduce::Scalar> factors;
  for (int rank = 0; rank < world_size; ++rank) {
    const Data bits = Contribution(seed + 7, rank, sizeof(reduce::Scalar));
    made.reductions.emplace_back(op);
    std::copy(bits.begin(), bits.end(), made.reductions.back().scalar.bytes);
    factors.push_back(made.reductions.back().scalar);
  }
  made.reduced.resize(made.contributions[0].size());
  reduce::ReduceInputsReference(type, op, inputs, made.reduced.data(), total, factors);
  return made;
}

// `data` behind a misaligned address, with room for `bytes`.
struct Misaligned {
  Misaligned(const Data& data, size_t bytes) : memory(std::max(bytes, data.size()) + 3) {
    std::copy(data.begin(), data.end(), begin());
  }
  std::byte* begin() { return memory.data() + 3; }
  Data memory;
};

void CheckAllCollectives(Communicator& communicator, const Case& c) {
  const auto rank = static_cast<size_t>(communicator.rank());
  const auto ranks = static_cast<size_t>(communicator.world_size());
  const std::string where = StrCat(reduce::DataTypeName(c.type), " ", reduce::ReduceOpName(c.op),
                                   " count ", c.count, " rank ", rank, " of ", ranks);
  const size_t bytes = c.count * reduce::ElementBytes(c.type);
  const Data& own = c.contributions[rank];
  const auto equal = [](const Data& expected, const std::byte* at) {
    return std::equal(expected.begin(), expected.end(), at);
  };
  const auto part = [&](const Data& of, size_t r) {
    return Data(of.begin() + static_cast<ptrdiff_t>(r * bytes),
                of.begin() + static_cast<ptrdiff_t>((r + 1) * bytes));
  };
  const Data first_part = part(c.reduced, 0);
  const coll::Reduction& reduction = c.reductions[rank];

  Data receive(bytes);
  ASSERT_EQ(communicator.AllReduce(own.data(), receive.data(), c.count, c.type, reduction),
            OkStatus());
  ASSERT_TRUE(equal(first_part, receive.data())) << where;
  Misaligned in_place(part(own, 0), 0);
  ASSERT_EQ(communicator.AllReduce(in_place.begin(), in_place.begin(), c.count, c.type, reduction),
            OkStatus());
  ASSERT_TRUE(equal(first_part, in_place.begin())) << where;

  ASSERT_EQ(communicator.ReduceScatter(own.data(), receive.data(), c.count, c.type, reduction),
            OkStatus());
  ASSERT_TRUE(equal(part(c.reduced, rank), receive.data())) << where;

  Data gathered;
  for (const Data& contribution : c.contributions) {
    const Data theirs = part(contribution, 0);
    gathered.insert(gathered.end(), theirs.begin(), theirs.end());
  }
  Misaligned everybody(Data(), gathered.size());
  ASSERT_EQ(communicator.AllGather(own.data(), everybody.begin(), c.count, c.type), OkStatus());
  ASSERT_TRUE(equal(gathered, everybody.begin())) << where;

  const int root = static_cast<int>(c.count % ranks);
  ASSERT_EQ(communicator.Broadcast(own.data(), receive.data(), c.count, c.type, root), OkStatus());
  ASSERT_TRUE(equal(part(c.contributions[static_cast<size_t>(root)], 0), receive.data())) << where;

  ASSERT_EQ(communicator.Barrier(), OkStatus());
}

class CollTest : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(WorldSizes, CollTest, testing::Values(1, 2, 3, 4, 7),
                         testing::PrintToStringParamName());

TEST_P(CollTest, EveryTypeAndOperationEqualsTheReference) {
  std::vector<Case> cases;
  for (const DataType type : reduce::kAllDataTypes) {
    for (const ReduceOp op : reduce::kAllReduceOps) {
      for (const size_t count : {0u, 1u, 17u, 1001u}) {
        cases.push_back(MakeCase(cases.size(), GetParam(), type, op, count));
      }
    }
  }
  RunRanks(GetParam(), [&](Communicator& communicator) {
    for (const Case& c : cases) ASSERT_NO_FATAL_FAILURE(CheckAllCollectives(communicator, c));
  });
}

// Four slots of 32 KiB a rank are 896 KiB at seven ranks: these go through all of them.
TEST_P(CollTest, DataLargerThanTheSegmentEqualsTheReference) {
  const size_t bytes = size_t{160} << 10;
  std::vector<Case> cases;
  cases.push_back(MakeCase(1, GetParam(), DataType::kFloat32, ReduceOp::kSum,
                           static_cast<size_t>(GetParam()) * bytes / 4 + 1));
  cases.push_back(MakeCase(2, GetParam(), DataType::kBfloat16, ReduceOp::kAvg, bytes / 2 + 77));
  cases.push_back(MakeCase(3, GetParam(), DataType::kInt64, ReduceOp::kMin, bytes / 8 - 1));
  RunRanks(GetParam(), [&](Communicator& communicator) {
    for (const Case& c : cases) ASSERT_NO_FATAL_FAILURE(CheckAllCollectives(communicator, c));
  });
}

// Sums of floats of very different size: another order would give other bits. The ranks compare
// among each other by gathering, the runs here.
TEST(CollDeterminismTest, SameBitsOnEveryRankAndInEveryRun) {
  constexpr int kRanks = 4;
  constexpr size_t kCount = 60'000;
  std::vector<std::vector<float>> runs;
  for (int run = 0; run < 2; ++run) {
    auto* shared =
        static_cast<float*>(::mmap(nullptr, kCount * sizeof(float), PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(shared, MAP_FAILED);
    RunRanks(kRanks, [&](Communicator& communicator) {
      SplitMix64 random(static_cast<uint64_t>(communicator.rank()));
      std::vector<float> data(kCount);
      for (float& value : data) {
        value = std::ldexp(static_cast<float>(random.NextUnit() - 0.5),
                           static_cast<int>(random.NextBelow(40)));
      }
      ASSERT_EQ(communicator.AllReduce(std::span(data), ReduceOp::kSum), OkStatus());
      std::vector<float> all(kCount * kRanks);
      ASSERT_EQ(communicator.AllGather(data.data(), all.data(), kCount, DataType::kFloat32),
                OkStatus());
      for (size_t rank = 0; rank < kRanks; ++rank) {
        ASSERT_TRUE(std::equal(data.begin(), data.end(),
                               all.begin() + static_cast<ptrdiff_t>(rank * kCount)));
      }
      if (communicator.rank() == 1) std::copy(data.begin(), data.end(), shared);
    });
    runs.emplace_back(shared, shared + kCount);
    ::munmap(shared, kCount * sizeof(float));
  }
  EXPECT_EQ(runs[0], runs[1]);
}

// More ranks than cores: a rank that spins for its peer would cost a time slice of milliseconds a
// call, some ten seconds in all.
TEST(CollOversubscribedTest, ManySmallCallsOfMoreRanksThanCoresFinish) {
  for (const int world_size : {4, 8}) {
    RunRanks(world_size, [&](Communicator& communicator) {
      for (int64_t i = 0; i < 2'000; ++i) {
        std::vector<int64_t> value{i * (communicator.rank() + 1)};
        ASSERT_EQ(communicator.AllReduce(std::span(value), ReduceOp::kSum), OkStatus());
        ASSERT_EQ(value[0], i * world_size * (world_size + 1) / 2);
      }
    });
  }
}

size_t EntriesIn(const std::filesystem::path& folder) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(folder, error);
  return error ? 0 : static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

TEST(CollLeftoversTest, NothingIsLeftAfterSuccessOrKill) {
  const size_t before = EntriesIn("/dev/shm");
  const std::string rendezvous = RandomHex(16);
  for (const bool kill : {false, true}) {
    RankProcesses ranks(3, [&](int rank, RankReport& report) {
      auto communicator = Communicator::Create(OptionsFor(rendezvous, rank, 3));
      ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
      EXPECT_EQ(EntriesIn("/dev/shm"), before);
      for (int call = 0; kill || call < 10; ++call) {
        ASSERT_EQ((*communicator)->Barrier(), OkStatus());
        report.progress.store(static_cast<uint64_t>(call) + 1);
      }
    });
    ranks.AwaitProgress(0, 5);
    for (int rank = 0; rank < 3; ++rank) {
      if (kill) ranks.Signal(rank, SIGKILL);
    }
    for (int rank = 0; rank < 3; ++rank) {
      if (kill) {
        ranks.Wait(rank);
      } else {
        EXPECT_TRUE(ranks.Succeeded(rank));
      }
    }
  }
  EXPECT_EQ(EntriesIn("/dev/shm"), before);
  const auto sockets = ReadFile("/proc/net/unix");
  ASSERT_TRUE(sockets.ok());
  EXPECT_THAT(*sockets, testing::Not(HasSubstr(rendezvous)));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

// Containers get 64 MiB of /dev/shm by default; here it is one page. A memfd is not there.
TEST(CollMemoryTest, TinyDevShmDoesNotMatter) {
  RankProcesses isolated(1, [](int, RankReport& report) {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=4k") != 0) {
      report.Fail(PermissionDeniedError(StrCat("unshare or mount: ", std::strerror(errno))));
      return;
    }
    RunRanks(4, [](Communicator& communicator) {
      std::vector<float> data(1'000'000, 1.0f);
      ASSERT_EQ(communicator.AllReduce(std::span(data), ReduceOp::kSum), OkStatus());
      ASSERT_EQ(data, std::vector<float>(1'000'000, 4.0f));
    });
  });
  EXPECT_TRUE(isolated.Succeeded(0));
  if (!isolated.report(0).status().ok()) GTEST_SKIP() << isolated.report(0).status().message();
}

uint64_t AvailableBytes() {
  std::ifstream info("/proc/meminfo");
  std::string name;
  uint64_t kibibytes = 0;
  while (info >> name >> kibibytes) {
    if (name == "MemAvailable:") return kibibytes << 10;
    info.ignore(100, '\n');
  }
  return 0;
}

// Counts and offsets beyond 32 bits with a sign, and what no 32 bits would place right.
TEST(CollLargeTest, MoreThanTwoBillionElements) {
  constexpr size_t kCount = (size_t{1} << 31) + 100'003;
  if (kSanitized) GTEST_SKIP() << "takes minutes under a sanitizer";
  if (AvailableBytes() < uint64_t{10} << 30) {
    GTEST_SKIP() << "needs 10 GiB of memory, " << (AvailableBytes() >> 20) << " MiB are available";
  }
  RunRanks(2, [](Communicator& communicator) {
    void* const memory = ::mmap(nullptr, kCount, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    ASSERT_EQ(::madvise(memory, kCount, MADV_HUGEPAGE), 0);  // else a million page faults
    auto* const data = static_cast<uint8_t*>(memory);
    // Rank 0 has a mark at every 4099th place (a prime), each different from its neighbours', and
    // rank 1 ones in between.
    const auto mark = [](size_t i) { return static_cast<uint8_t>(i / 4099 % 251 + 2); };
    if (communicator.rank() == 0) {
      for (size_t i = 0; i < kCount; i += 4099) data[i] = mark(i);
    } else {
      for (size_t i = 1; i < kCount; i += 4099) data[i] = 1;
    }
    ASSERT_EQ(communicator.AllReduce(data, data, kCount, DataType::kUint8, ReduceOp::kSum),
              OkStatus());
    for (size_t i = 0; i + 2 < kCount; i += 4099) {
      ASSERT_EQ(data[i], mark(i)) << i;
      ASSERT_EQ(data[i + 1], 1) << i;
      ASSERT_EQ(data[i + 2], 0) << i;
    }
    ::munmap(memory, kCount);
  });
}

TEST(CollLargeTest, CountThatIsTooLargeIsNamedOnEveryRank) {
  for (const size_t count : {size_t{1} << 40, size_t{1} << 62, ~size_t{0}}) {
    RunRanks(2, [&](Communicator& communicator) {
      float x = 0;
      const Status status =
          communicator.AllReduce(&x, &x, count, DataType::kFloat32, ReduceOp::kSum);
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.ToString();
      EXPECT_THAT(status.message(), HasSubstr(StrCat("a count of ", count, " is too large")));
      EXPECT_EQ(communicator.Barrier(), status);
    });
  }
}

void Limit(int resource, uint64_t value) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit), 0);
  limit.rlim_cur = value;
  ASSERT_EQ(::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit), 0);
}

// Every rank gets the error of the one that is short of something.
void ExpectExhausted(int short_rank, const std::function<void()>& limit, const char* text) {
  const std::string rendezvous = RandomHex(16);
  RankProcesses ranks(4, [&](int rank, RankReport& report) {
    if (rank == short_rank) limit();
    const auto communicator = Communicator::Create(OptionsFor(rendezvous, rank, 4));
    report.Fail(communicator.status());
  });
  for (int rank = 0; rank < 4; ++rank) {
    EXPECT_TRUE(ranks.Succeeded(rank));
    const Status status = ranks.report(rank).status();
    EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << rank << ": " << status.ToString();
    EXPECT_THAT(status.message(), HasSubstr(text));
  }
}

TEST(CollMemoryTest, MemoryThatTheHostCannotHaveIsAnErrorOnEveryRank) {
  ExpectExhausted(
      0, [] { Limit(RLIMIT_FSIZE, 1 << 20); }, "shared segment of 3.0");
}

TEST(CollMemoryTest, AddressSpaceThatAGuestCannotHaveIsAnErrorOnEveryRank) {
  if (kSanitized) GTEST_SKIP() << "the sanitizers' own mappings exceed any useful limit";
  const auto limit_address_space = [] {
    // 1 MiB more than is mapped now; the segment takes 2 MiB.
    std::ifstream statm("/proc/self/statm");
    uint64_t pages = 0;
    statm >> pages;
    Limit(RLIMIT_AS, pages * 4096 + (1 << 20));
  };
  ExpectExhausted(2, limit_address_space, "shared segment of 3.0");
}

TEST(CollMemoryTest, DescriptorsThatAGuestCannotHaveAreAnErrorOnEveryRank) {
  const auto limit_files = [] {
    // The next free descriptors are for the socket, its own pidfd and two of the five that come.
    const int next = ::dup(0);
    ::close(next);
    Limit(RLIMIT_NOFILE, static_cast<uint64_t>(next) + 4);
  };
  ExpectExhausted(3, limit_files, "ulimit -n");
}

}  // namespace
}  // namespace flexmig::multiproc

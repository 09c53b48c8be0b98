// coll-soak: random collectives between forked ranks, each compared with what the oracle says.
//
// All ranks make the same row of calls, which the seed fixes: collective, size (log-uniform up to
// 2 MiB), type, reduction, root, communicator, and where the buffers lie. Each rank delays itself
// at random. A difference is printed with the seed and the number of the call; exit code 1.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/deadline.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

#include "collective_case.h"

namespace flexmig::coll {
namespace {

constexpr size_t kMaxBytes = size_t{2} << 20;      // of a call's larger buffer
constexpr size_t kRoom = kMaxBytes + 64;           // at odd addresses too
constexpr size_t kMaxMessage = size_t{128} << 10;  // of one of an exchange
constexpr int kMinRanks = 2;
constexpr int kMaxRanks = 5;

struct Options {
  int64_t seconds = 30;
  uint64_t seed = 0;
  int ranks = 0;  // 0: from the seed
};

// What rank 0 counts, in memory that the parent sees.
struct Counters {
  uint64_t calls;
  uint64_t bytes;  // of rank 0's buffers
  std::array<uint64_t, kCollectives> by_collective;
  uint64_t exchanges;
  uint64_t splits;
};

// One call as the seed has it, before it is known among how many ranks.
struct Drawn {
  CollectiveCase call;
  size_t bytes = 0;
  uint64_t root = 0;
  bool is_exchange = false;
  uint64_t shared = 0;  // bit r: rank r's buffers are in shared memory
  bool in_place = false;
  bool odd = false;  // addresses
};

// The calls of one rank.
class Soak {
 public:
  // `common_` gives the same numbers on all ranks, `own_` others.
  Soak(Communicator& world, const Options& options, Counters& counters)
      : options_(options),
        counters_(counters),
        common_(options.seed),
        own_(options.seed * 64 + 1 + static_cast<uint64_t>(world.rank())),
        ordinary_(2 * kRoom) {
    world_.communicator = &world;
  }

  // False if something was wrong, which it has printed.
  bool Run() {
    const Deadline end = Deadline::After(std::chrono::seconds(options_.seconds));
    for (;;) {
      int32_t goes_on = end.HasPassed() ? 0 : 1;  // rank 0's clock counts
      if (!Good(world_.communicator->Broadcast(std::span(&goes_on, 1), 0), "the clock")) {
        return false;
      }
      if (goes_on == 0) return true;
      if (!Batch()) return false;
    }
  }

 private:
  struct Group {
    Communicator* communicator = nullptr;
    std::span<std::byte> shared;
  };

  // Some calls on one communicator.
  bool Batch() {
    if (common_.NextBelow(6) == 0 && !SplitAgain()) return false;
    const uint64_t calls = 1 + common_.NextBelow(40);
    Group& group = common_.NextBelow(2) == 0 ? part_ : world_;
    const bool shares = common_.NextBelow(8) == 0;
    if (shares && group.communicator != nullptr && !ShareAgain(group)) return false;
    for (uint64_t i = 0; i < calls; ++i) {
      const Drawn drawn = Draw();
      ++number_;
      if (group.communicator == nullptr) continue;  // this rank has no part
      DelayAtRandom();
      const bool good =
          drawn.is_exchange ? MakeExchange(*group.communicator, drawn) : MakeCall(group, drawn);
      if (!good) return false;
    }
    return true;
  }

  Drawn Draw() {
    constexpr double kLogMax = 21;  // 2 MiB
    Drawn drawn;
    const uint64_t kind = common_.NextBelow(std::size(kDataCollectives) + 2);
    drawn.is_exchange = kind == std::size(kDataCollectives) + 1;
    drawn.call.collective =
        kind < std::size(kDataCollectives) ? kDataCollectives[kind] : Collective::kBarrier;
    drawn.call.type = reduce::kAllDataTypes[common_.NextBelow(std::size(reduce::kAllDataTypes))];
    drawn.call.op = reduce::kAllReduceOps[common_.NextBelow(std::size(reduce::kAllReduceOps))];
    drawn.call.seed = common_.Next() >> 24;
    drawn.bytes = static_cast<size_t>(std::exp2(common_.NextUnit() * kLogMax)) - 1;
    drawn.root = common_.NextBelow(60);  // the same for every number of ranks
    constexpr uint64_t kPlacements[] = {0, ~uint64_t{0}, 0b10101, 0b00110};
    drawn.shared = kPlacements[common_.NextBelow(std::size(kPlacements))];
    drawn.in_place = common_.NextBelow(3) == 0;
    drawn.odd = common_.NextBelow(4) == 0;
    return drawn;
  }

  bool MakeCall(Group& group, const Drawn& drawn) {
    Communicator& communicator = *group.communicator;
    const int ranks = communicator.world_size();
    const int rank = communicator.rank();
    CollectiveCase call = drawn.call;
    call.root = static_cast<int>(drawn.root % static_cast<uint64_t>(ranks));
    const size_t parts = std::max(call.send_parts(ranks), call.receive_parts(ranks));
    call.count = drawn.bytes / parts / reduce::ElementBytes(call.type);
    if (counts()) {
      ++counters_.calls;
      ++counters_.by_collective[static_cast<size_t>(call.collective)];
      counters_.bytes += parts * call.part_bytes();
    }
    if (call.collective == Collective::kBarrier) {
      return Good(communicator.Barrier(), call.ToString());
    }

    const bool shared = (drawn.shared >> rank & 1) != 0 && !group.shared.empty();
    const std::span<std::byte> memory = shared ? group.shared : std::span<std::byte>(ordinary_);
    std::byte* from = memory.data() + (drawn.odd ? 1 + rank : 0);
    std::byte* to = from + kRoom;
    if (drawn.in_place && call.collective != Collective::kAllToAll) {
      const size_t own = static_cast<size_t>(rank) * call.part_bytes();
      to = from;
      if (call.receive_parts(ranks) > 1) from += own;
      if (call.send_parts(ranks) > 1) to += own;
    }
    const Bytes8 sent = call.Send(rank, ranks);
    if (call.sends(rank)) std::copy(sent.begin(), sent.end(), from);
    if (!Good(call.Run(communicator, from, to), call.ToString())) return false;
    const Bytes8 expected = call.Expected(rank, ranks);
    const auto [wrong, unused] = std::mismatch(expected.begin(), expected.end(), to);
    return wrong == expected.end() ||
           Wrong(communicator, call.ToString(), wrong - expected.begin());
  }

  // Between each pair of ranks nothing or one message, in an order of each rank's own.
  bool MakeExchange(Communicator& communicator, const Drawn& drawn) {
    const int ranks = communicator.world_size();
    const int rank = communicator.rank();
    SplitMix64 random(drawn.call.seed);
    std::vector<Transfer> transfers;
    std::vector<Bytes8> buffers;
    std::vector<std::pair<size_t, Bytes8>> expected;  // which buffer, what
    buffers.reserve(2 * kMaxRanks);
    for (int from = 0; from < ranks; ++from) {
      for (int to = 0; to < ranks; ++to) {
        const uint64_t draw = random.NextBelow(3);
        const size_t bytes = random.NextBelow(drawn.bytes % kMaxMessage + 1);
        if (draw == 0 || (from != rank && to != rank)) continue;
        const Bytes8 data =
            Contribution(drawn.call.seed + static_cast<uint64_t>(to) * 7, from, bytes);
        if (from == rank) {
          buffers.push_back(data);
          transfers.push_back(Transfer::Send(buffers.back().data(), bytes, DataType::kUint8, to));
        }
        if (to == rank) {
          buffers.emplace_back(bytes);
          transfers.push_back(
              Transfer::Receive(buffers.back().data(), bytes, DataType::kUint8, from));
          expected.emplace_back(buffers.size() - 1, data);
        }
      }
    }
    for (size_t i = transfers.size(); i > 1; --i) {
      std::swap(transfers[i - 1], transfers[own_.NextBelow(i)]);
    }
    if (counts()) ++counters_.exchanges;
    if (!Good(communicator.Exchange(transfers), "Exchange")) return false;
    for (const auto& [buffer, data] : expected) {
      if (buffers[buffer] != data) return Wrong(communicator, "Exchange", 0);
    }
    return true;
  }

  // Other parts of the world than before; sometimes a rank is in none.
  bool SplitAgain() {
    part_ = {};
    owned_part_.reset();
    const uint64_t colors = common_.Next();
    const auto rank = static_cast<uint64_t>(world_.communicator->rank());
    const int color = static_cast<int>(colors >> (2 * rank) & 3) - 1;
    const int key = static_cast<int>(colors >> (20 + 3 * rank) & 7);
    auto part = world_.communicator->Split(color, key);
    if (!Good(part.status(), "Split")) return false;
    owned_part_ = *std::move(part);
    part_.communicator = owned_part_.get();
    if (counts()) ++counters_.splits;
    return true;
  }
  bool ShareAgain(Group& group) {
    if (!group.shared.empty() &&
        !Good(group.communicator->FreeShared(group.shared), "FreeShared")) {
      return false;
    }
    auto memory = group.communicator->AllocateShared(2 * kRoom);
    if (!Good(memory.status(), "AllocateShared")) return false;
    group.shared = *memory;
    return true;
  }

  void DelayAtRandom() {
    switch (own_.NextBelow(32)) {
      case 0: ::usleep(static_cast<useconds_t>(own_.NextBelow(2000))); break;
      case 1:
      case 2: ::sched_yield(); break;
      default: break;
    }
  }

  [[nodiscard]] bool counts() const { return world_.communicator->rank() == 0; }
  bool Good(const Status& status, std::string_view what) const {
    if (status.ok()) return true;
    std::printf("coll-soak: seed %llu, call %llu, rank %d: %.*s: %s\n",
                static_cast<unsigned long long>(options_.seed),
                static_cast<unsigned long long>(number_), world_.communicator->rank(),
                static_cast<int>(what.size()), what.data(), status.ToString().c_str());
    return false;
  }
  // Ends the others' waits.
  bool Wrong(Communicator& communicator, std::string_view what, ptrdiff_t at) const {
    const std::string text = StrCat("wrong result of ", what, " on rank ", communicator.rank(),
                                    " of ", communicator.world_size(), " from byte ", at, " on");
    communicator.Abort(text);
    world_.communicator->Abort(text);
    return Good(InternalError(text), "compared");
  }

  const Options& options_;
  Counters& counters_;
  SplitMix64 common_;
  SplitMix64 own_;
  uint64_t number_ = 0;  // of the call
  Group world_;
  std::unique_ptr<Communicator> owned_part_;
  Group part_;  // no communicator before the first split
  Bytes8 ordinary_;
};

bool RunRank(int rank, int ranks, const std::string& rendezvous, const Options& options,
             Counters& counters) {
  CommunicatorOptions of_rank;
  of_rank.rendezvous = rendezvous;
  of_rank.rank = Rank(rank);
  of_rank.world_size = ranks;
  of_rank.timeout = std::chrono::seconds(60);
  auto communicator = Communicator::Create(of_rank);
  if (!communicator.ok()) {
    std::printf("coll-soak: rank %d: %s\n", rank, communicator.status().ToString().c_str());
    return false;
  }
  return Soak(**communicator, options, counters).Run();
}

// Exit code 0 if every rank found everything right.
int Run(const Options& options) {
  const int ranks = options.ranks != 0
                        ? options.ranks
                        : kMinRanks + static_cast<int>(options.seed % (kMaxRanks - kMinRanks + 1));
  auto* counters = static_cast<Counters*>(
      ::mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (counters == MAP_FAILED) {
    std::perror("coll-soak: mmap");
    return 3;
  }
  std::printf("coll-soak: seed %llu, %d ranks, %lld s\n",
              static_cast<unsigned long long>(options.seed), ranks,
              static_cast<long long>(options.seconds));
  std::fflush(nullptr);  // else the children print it again
  const std::string rendezvous = RandomHex(16);
  std::vector<pid_t> processes;
  bool good = true;
  for (int rank = 0; rank < ranks; ++rank) {
    const pid_t process = ::fork();
    if (process == 0) {
      ::alarm(static_cast<unsigned>(options.seconds) + 120);
      const bool right = RunRank(rank, ranks, rendezvous, options, *counters);
      std::fflush(nullptr);
      ::_exit(right ? 0 : 1);
    }
    if (process < 0) {
      std::perror("coll-soak: fork");
      good = false;
      break;
    }
    processes.push_back(process);
  }
  for (size_t rank = 0; rank < processes.size(); ++rank) {
    int status = 0;
    ::waitpid(processes[rank], &status, 0);
    if (WIFSIGNALED(status)) {
      std::printf("coll-soak: seed %llu: rank %zu was ended by signal %d\n",
                  static_cast<unsigned long long>(options.seed), rank, WTERMSIG(status));
    }
    good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  std::printf("rank 0 made %llu calls of %llu bytes, %llu exchanges, %llu splits\n",
              static_cast<unsigned long long>(counters->calls),
              static_cast<unsigned long long>(counters->bytes),
              static_cast<unsigned long long>(counters->exchanges),
              static_cast<unsigned long long>(counters->splits));
  for (size_t i = 0; i < counters->by_collective.size(); ++i) {
    if (counters->by_collective[i] == 0) continue;
    const std::string call = Describe({.collective = static_cast<Collective>(i)});
    std::printf("  %-14s %llu\n", call.substr(0, call.find('(')).c_str(),
                static_cast<unsigned long long>(counters->by_collective[i]));
  }
  std::printf("%s\n", good ? "everything was right" : "SOMETHING WAS WRONG");
  return good ? 0 : 1;
}

int Usage() {
  std::fprintf(stderr,
               "usage: coll-soak [--seconds N] [--seed N] [--ranks N]\n"
               "  --seconds  how long; default 30, at most 86400\n"
               "  --seed     what the row of calls is made from; default at random\n"
               "  --ranks    %d .. %d; default from the seed\n",
               kMinRanks, kMaxRanks);
  return 2;
}

}  // namespace
}  // namespace flexmig::coll

int main(int count, char** arguments) {
  using flexmig::ParseInt;
  flexmig::coll::Options options;
  options.seed = std::hash<std::string>{}(flexmig::RandomHex(16)) >> 33;
  for (int i = 1; i < count; i += 2) {
    const std::string_view name = arguments[i];
    if (i + 1 == count) return flexmig::coll::Usage();
    const char* const text = arguments[i + 1];
    const auto value = name == "--seconds" ? ParseInt(text, 1, 86'400)
                       : name == "--seed"  ? ParseInt(text, 0, INT64_MAX)
                       : name == "--ranks"
                           ? ParseInt(text, flexmig::coll::kMinRanks, flexmig::coll::kMaxRanks)
                           : flexmig::InvalidArgumentError("unknown option");
    if (!value.ok()) {
      std::fprintf(stderr, "coll-soak: %s: %s\n", arguments[i], value.status().message().c_str());
      return flexmig::coll::Usage();
    }
    if (name == "--seconds") options.seconds = *value;
    if (name == "--seed") options.seed = static_cast<uint64_t>(*value);
    if (name == "--ranks") options.ranks = static_cast<int>(*value);
  }
  return flexmig::coll::Run(options);
}

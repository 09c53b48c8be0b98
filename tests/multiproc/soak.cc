#include "soak.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sched.h>
#include <unistd.h>

#include "flexmig/base/deadline.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

#include "fake_mover.h"

namespace flexmig::coll {
namespace {

constexpr size_t kMaxBytes = size_t{2} << 20;      // of a call's larger buffer
constexpr size_t kRoom = kMaxBytes + 64;           // at odd addresses too
constexpr size_t kMaxMessage = size_t{128} << 10;  // of one of an exchange

// One call as the seed has it, before it is known among how many ranks.
struct Drawn {
  enum class Kind { kCollective, kExchange, kAllToAllV };
  Kind kind = Kind::kCollective;
  CollectiveCase call;  // its type and seed count for every kind
  size_t bytes = 0;
  uint64_t root = 0;
  uint64_t shared = 0;  // bit r: rank r's buffers are in shared memory
  bool in_place = false;
  bool odd = false;    // addresses
  bool moved = false;  // by a mover; messages: of some ranks
};

// The calls of one rank.
class Soaker {
 public:
  // `common_` gives the same numbers on all ranks, `own_` others.
  Soaker(Communicator& world, const SoakOptions& options, SoakCounters& counters)
      : options_(options),
        counters_(counters),
        common_(options.seed),
        own_(options.seed * 64 + 1 + static_cast<uint64_t>(world.rank())),
        ordinary_(2 * kRoom),
        mover_(options.seed * 64 + static_cast<uint64_t>(world.rank()), {}) {
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
      if (!Make(group, drawn)) return false;
    }
    return true;
  }

  Drawn Draw() {
    constexpr double kLogMax = 21;  // 2 MiB
    Drawn drawn;
    constexpr uint64_t kCollectiveKinds = std::size(kDataCollectives);
    const uint64_t kind = common_.NextBelow(kCollectiveKinds + 3);
    if (kind == kCollectiveKinds + 1) drawn.kind = Drawn::Kind::kExchange;
    if (kind == kCollectiveKinds + 2) drawn.kind = Drawn::Kind::kAllToAllV;
    drawn.call.collective = kind < kCollectiveKinds ? kDataCollectives[kind] : Collective::kBarrier;
    drawn.call.type = reduce::kAllDataTypes[common_.NextBelow(std::size(reduce::kAllDataTypes))];
    drawn.call.op = reduce::kAllReduceOps[common_.NextBelow(std::size(reduce::kAllReduceOps))];
    drawn.call.seed = common_.Next() >> 24;
    drawn.bytes = static_cast<size_t>(std::exp2(common_.NextUnit() * kLogMax)) - 1;
    drawn.root = common_.NextBelow(60);  // the same for every number of ranks
    constexpr uint64_t kPlacements[] = {0, ~uint64_t{0}, 0b10101, 0b00110};
    drawn.shared = kPlacements[common_.NextBelow(std::size(kPlacements))];
    drawn.in_place = common_.NextBelow(3) == 0;
    drawn.odd = common_.NextBelow(4) == 0;
    drawn.moved = common_.NextBelow(4) == 0;
    return drawn;
  }

  bool Make(Group& group, const Drawn& drawn) {
    const bool is_collective = drawn.kind == Drawn::Kind::kCollective;
    const bool moved = drawn.moved && (is_collective || own_.NextBelow(2) == 0);
    group.communicator->UseMover(moved ? &mover_ : nullptr);
    if (moved && counts()) ++counters_.moved;
    const bool made = MakeOf(group, drawn);
    group.communicator->UseMover(nullptr);
    return made;
  }
  bool MakeOf(Group& group, const Drawn& drawn) {
    switch (drawn.kind) {
      case Drawn::Kind::kExchange: return MakeExchange(*group.communicator, drawn);
      case Drawn::Kind::kAllToAllV: return MakeAllToAllV(*group.communicator, drawn);
      case Drawn::Kind::kCollective: break;
    }
    return MakeCollective(group, drawn);
  }

  bool MakeCollective(Group& group, const Drawn& drawn) {
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

  // What one rank has for another; nothing for every third pair.
  static Bytes8 MessageOf(const Drawn& drawn, int from, int to) {
    const uint64_t seed = drawn.call.seed + 64 * static_cast<uint64_t>(to);
    SplitMix64 random(seed + static_cast<uint64_t>(from));
    const size_t room = drawn.bytes % kMaxMessage / reduce::ElementBytes(drawn.call.type);
    const uint64_t count = random.NextBelow(3) == 0 ? 0 : random.NextBelow(room + 1);
    return Contribution(seed, from, count * reduce::ElementBytes(drawn.call.type));
  }

  // Between each pair of ranks nothing or one message, in an order of each rank's own.
  bool MakeExchange(Communicator& communicator, const Drawn& drawn) {
    const int ranks = communicator.world_size();
    const int rank = communicator.rank();
    const size_t element = reduce::ElementBytes(drawn.call.type);
    std::vector<Transfer> transfers;
    std::vector<Bytes8> buffers;
    std::vector<std::pair<size_t, Bytes8>> expected;  // which buffer, what
    buffers.reserve(size_t{2} * kMaxSoakRanks);
    for (int peer = 0; peer < ranks; ++peer) {
      if (Bytes8 data = MessageOf(drawn, rank, peer); !data.empty()) {
        const size_t count = data.size() / element;
        buffers.push_back(std::move(data));
        transfers.push_back(Transfer::Send(buffers.back().data(), count, drawn.call.type, peer));
      }
      if (Bytes8 data = MessageOf(drawn, peer, rank); !data.empty()) {
        const size_t count = data.size() / element;
        buffers.emplace_back(data.size());
        transfers.push_back(Transfer::Receive(buffers.back().data(), count, drawn.call.type, peer));
        expected.emplace_back(buffers.size() - 1, std::move(data));
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

  // The same messages in one call, with a gap before each.
  bool MakeAllToAllV(Communicator& communicator, const Drawn& drawn) {
    struct Side {
      size_t element;
      Bytes8 bytes;
      std::vector<size_t> counts;
      std::vector<size_t> offsets;
      void Add(const Bytes8& part) {
        bytes.resize(bytes.size() + 3 * element);
        counts.push_back(part.size() / element);
        offsets.push_back(bytes.size() / element);
        bytes.insert(bytes.end(), part.begin(), part.end());
      }
    };
    Side sends{reduce::ElementBytes(drawn.call.type), {}, {}, {}};
    Side receives = sends;
    for (int peer = 0; peer < communicator.world_size(); ++peer) {
      sends.Add(MessageOf(drawn, communicator.rank(), peer));
      receives.Add(MessageOf(drawn, peer, communicator.rank()));
    }
    Bytes8 received(receives.bytes.size());
    if (counts()) ++counters_.all_to_all_vs;
    if (!Good(communicator.AllToAllV(sends.bytes.data(), {sends.counts, sends.offsets},
                                     received.data(), {receives.counts, receives.offsets},
                                     drawn.call.type),
              "AllToAllV")) {
      return false;
    }
    return received == receives.bytes || Wrong(communicator, "AllToAllV", 0);
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

  const SoakOptions& options_;
  SoakCounters& counters_;
  SplitMix64 common_;
  SplitMix64 own_;
  uint64_t number_ = 0;  // of the call
  Group world_;
  std::unique_ptr<Communicator> owned_part_;
  Group part_;  // no communicator before the first split
  Bytes8 ordinary_;
  FakeMover mover_;
};

}  // namespace

bool Soak(Communicator& world, const SoakOptions& options, SoakCounters& counters) {
  return Soaker(world, options, counters).Run();
}

}  // namespace flexmig::coll

// What HostCommunicator makes of itself: shared memory and other communicators. Each begins with a
// meeting of its own, under a name that only these ranks know.

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <utility>

#include <unistd.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

#include "algorithms.h"
#include "host_communicator.h"
#include "meeting.h"

namespace flexmig::coll {
namespace {

// Whole pages, at least one: then no two parts of any ranks or allocations begin at one address,
// and FreeShared can tell parts of no bytes apart.
uint64_t PartBytes(uint64_t bytes) {
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return std::max<uint64_t>((bytes + page - 1) / page, 1) * page;
}

}  // namespace

template <typename T>
Result<std::vector<T>> HostCommunicator::GatherFromAll(Collective collective, const T& own) {
  static_assert(sizeof(T) <= Engine::kInlineBytes);
  std::vector<T> all(static_cast<size_t>(world_size()));
  Operation op;
  FLEXMIG_RETURN_IF_ERROR(Begin({collective, 1, all.size()}, &own, all.data(), sizeof(T),
                                DataType::kUint8, ReduceOp::kSum, 0, op));
  FLEXMIG_RETURN_IF_ERROR(AllGatherSmall(engine_, op));
  return all;
}

Status HostCommunicator::Greet() {
  struct Greeting {
    const uint64_t* token_at;
    uint64_t token;
    shm::ProcessorSet processors;
  };
  greeting_token_ = std::hash<std::string>{}(RandomHex(16));
  FLEXMIG_ASSIGN_OR_RETURN(
      const std::vector<Greeting> greetings,
      GatherFromAll(Collective::kGreeting,
                    Greeting{&greeting_token_, greeting_token_, shm::AllowedProcessors()}));
  uint8_t reads_all = 1;
  shm::ProcessorSet processors;
  for (int peer = 0; peer < world_size(); ++peer) {
    const Greeting& theirs = greetings[static_cast<size_t>(peer)];
    const int process = engine_.segment().rank_block(peer).process_id.load();
    uint64_t token = 0;
    // A number of another process namespace may name a stranger, who does not know the token.
    const bool reads = ReadAcross(process, theirs.token_at, &token, sizeof token);
    if (!reads || token != theirs.token) reads_all = 0;
    processors |= theirs.processors;
  }
  FLEXMIG_ASSIGN_OR_RETURN(const std::vector<uint8_t> answers,
                           GatherFromAll(Collective::kGreeting, reads_all));
  can_read_across_ = std::all_of(answers.begin(), answers.end(), [](uint8_t a) { return a == 1; });
  // Ranks that are bound to a processor each have one each, all together.
  engine_.SetProcessors(static_cast<int>(processors.count()));
  engine_.HideCalls();
  return OkStatus();
}

Result<std::span<std::byte>> HostCommunicator::AllocateShared(size_t bytes) {
  FLEXMIG_ASSIGN_OR_RETURN(const std::vector<uint64_t> wanted,
                           GatherFromAll(Collective::kAllocateShared, uint64_t{bytes}));
  std::vector<uint64_t> begins;
  uint64_t total = 0;
  for (const uint64_t size : wanted) {
    begins.push_back(total);
    const uint64_t limit = static_cast<uint64_t>(std::numeric_limits<ptrdiff_t>::max()) / 2;
    if (size > limit || total > limit) {
      return ResourceExhaustedError(StrCat("shared memory of ", size, " bytes for rank ",
                                           begins.size() - 1, " is more than a process can map"));
    }
    total += PartBytes(size);
  }
  ++derived_;
  const auto make_memory = [&]() -> Result<shm::SharedMemory> {
    auto made = shm::SharedMemory::Create(Bytes::Of(static_cast<int64_t>(total)));
    if (made.ok()) return made;
    const auto most = std::max_element(wanted.begin(), wanted.end());
    return made.status().WithContext(StrCat("AllocateShared, of which rank ", most - wanted.begin(),
                                            " wants ", *most, " bytes"));
  };
  shm::SharedMemory memory;
  if (world_size() == 1) {
    FLEXMIG_ASSIGN_OR_RETURN(memory, make_memory());
  } else {
    CommunicatorOptions options = options_;
    options.rendezvous = StrCat(engine_.segment().nonce(), "-m", derived_);
    const auto interrupted = [&] {
      const Status ended = engine_.status();
      return ended.ok() ? CheckAlive(~uint64_t{0}) : ended;
    };
    auto meeting = Meet(options, make_memory, interrupted);
    if (!meeting.ok()) return EndIfAborted(meeting.status());
    memory = std::move(meeting->memory);
  }
  memory.CloseDescriptor();
  const auto own = static_cast<size_t>(rank());
  const std::span<std::byte> part(memory.data() + begins[own], bytes);
  regions_.Add(std::move(memory), part);
  return part;
}

Status HostCommunicator::FreeShared(std::span<std::byte> memory) {
  const uint64_t region = regions_.Find(memory);
  FLEXMIG_ASSIGN_OR_RETURN(const std::vector<uint64_t> regions,
                           GatherFromAll(Collective::kFreeShared, region));
  for (int peer = 0; peer < world_size(); ++peer) {
    const uint64_t theirs = regions[static_cast<size_t>(peer)];
    if (theirs == 0) {
      return InvalidArgumentError(
          StrCat("FreeShared: rank ", peer, " did not allocate what it frees"));
    }
    if (theirs != regions[0]) {
      return InvalidArgumentError(StrCat("FreeShared: rank 0 frees its allocation ", regions[0],
                                         ", rank ", peer, " its ", theirs));
    }
  }
  regions_.Remove(region);
  return OkStatus();
}

Result<std::unique_ptr<Communicator>> HostCommunicator::Split(int color, int key) {
  struct Wish {
    int color;
    int key;
  };
  FLEXMIG_ASSIGN_OR_RETURN(const std::vector<Wish> wishes,
                           GatherFromAll(Collective::kSplit, Wish{color, key}));
  ++derived_;
  if (color < 0) return std::unique_ptr<Communicator>();
  std::vector<int> members;
  for (int peer = 0; peer < world_size(); ++peer) {
    if (wishes[static_cast<size_t>(peer)].color == color) members.push_back(peer);
  }
  std::stable_sort(members.begin(), members.end(), [&](int a, int b) {
    return wishes[static_cast<size_t>(a)].key < wishes[static_cast<size_t>(b)].key;
  });
  return Derive(StrCat("-s", derived_, "-", color), members, /*ends_too=*/true);
}

Result<std::unique_ptr<Communicator>> HostCommunicator::Shrink(std::span<const int> excluded) {
  uint64_t left_out = 0;
  for (const int gone : excluded) {
    if (gone < 0 || gone >= world_size() || gone == rank()) {
      return InvalidArgumentError(StrCat("Shrink of ", world_size(), " ranks: rank ", rank(),
                                         " cannot leave out rank ", gone));
    }
    left_out |= uint64_t{1} << gone;
  }
  std::vector<int> members;
  for (int peer = 0; peer < world_size(); ++peer) {
    if ((left_out >> peer & 1) == 0) members.push_back(peer);
  }
  // Named by who meets alone: how many regions, splits and shrinks there have been, ranks that were
  // left out before, or came out of a failure, do not agree on. A name can be used again at once.
  return Derive(StrCat("-x", left_out), members, /*ends_too=*/false);
}

Result<std::unique_ptr<Communicator>> HostCommunicator::Derive(const std::string& suffix,
                                                               const std::vector<int>& members,
                                                               bool ends_too) {
  const auto self = std::find(members.begin(), members.end(), rank());
  CommunicatorOptions options = options_;
  options.rendezvous = StrCat(engine_.segment().nonce(), suffix);
  options.rank = Rank(static_cast<int>(self - members.begin()));
  options.world_size = static_cast<int>(members.size());
  uint64_t bits = 0;
  for (const int member : members) bits |= uint64_t{1} << member;
  const auto interrupted = [&] {
    const Status ended = ends_too ? engine_.status() : OkStatus();
    return ended.ok() ? CheckAlive(bits) : ended;
  };
  auto derived = CreateUnless(interrupted, options);
  return derived.ok() || !ends_too ? std::move(derived) : EndIfAborted(derived.status());
}

// A rank has died. Recorded, or who hears of it later would rather name those who have ended since.
Status HostCommunicator::EndIfAborted(const Status& status) {
  return status.code() == StatusCode::kAborted ? engine_.Fail(status) : status;
}

// Who has destroyed this communicator may have come out of the meeting first.
Status HostCommunicator::CheckAlive(uint64_t members) const {
  const uint64_t dead = engine_.segment().dead_ranks() & members;
  if (dead == 0) return OkStatus();
  return AbortedError(StrCat(engine_.NameOf(std::countr_zero(dead)), " died while rank ", rank(),
                             " waited for it"));
}

}  // namespace flexmig::coll

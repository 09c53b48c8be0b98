#include "pinned_words.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "flexmig/base/strings.h"

namespace flexmig::device {
namespace {

// What the processor reads in a loop and what the stream reads lie on different lines.
struct EagerBlock {
  uint64_t start[EagerWords::kOperations];
  reduce::Scalar scalar[EagerWords::kOperations];
  alignas(128) uint64_t done;
  uint64_t abort;
};
constexpr size_t kPage = 4096;
constexpr size_t kEagerBytes = (sizeof(EagerBlock) + kPage - 1) / kPage * kPage;

// One block is more than the captures of a large model take in the milliseconds that pinning
// another one takes.
constexpr size_t kCapturedOperations = 4096;
struct CapturedBlock {
  uint64_t start[kCapturedOperations];
  reduce::Scalar scalar[kCapturedOperations];
  uint64_t done[kCapturedOperations];
};

struct CapturedPool {
  const cuda::Driver* driver = nullptr;
  PinnedRegion region;  // the newest; older ones have been given out
  size_t used = kCapturedOperations;
  PinnedRegion next;  // behind it, or nothing
};

// Never destroyed: streams and threads of other libraries outlive static objects.
struct Pools {
  std::mutex mutex;
  std::vector<std::unique_ptr<EagerWords>> eager;
  std::vector<std::unique_ptr<EagerWords>> abandoned;
  std::vector<CapturedPool> captured;  // one for each driver

  CapturedPool& CapturedOf(const cuda::Driver& driver) {
    for (CapturedPool& pool : captured) {
      if (pool.driver == &driver) return pool;
    }
    captured.emplace_back();
    captured.back().driver = &driver;
    return captured.back();
  }
};

Pools& ThePools() {
  static Pools& pools = *new Pools;
  return pools;
}

}  // namespace

Result<std::unique_ptr<EagerWords>> EagerWords::Take(const cuda::Driver& driver) {
  Pools& pools = ThePools();
  for (;;) {
    std::unique_ptr<EagerWords> words;
    {
      const std::lock_guard lock(pools.mutex);
      const auto found =
          std::find_if(pools.eager.begin(), pools.eager.end(),
                       [&](const auto& candidate) { return candidate->driver_ == &driver; });
      if (found == pools.eager.end()) break;
      words = std::move(*found);
      pools.eager.erase(found);
    }
    // A program that resets its device loses what was pinned.
    const auto facts = driver.FactsOf(words->region_.memory().data());
    if (facts.ok() && facts->kind == cuda::PointerFacts::Kind::kHost) return words;
    words->region_.Leak();
  }
  FLEXMIG_ASSIGN_OR_RETURN(PinnedRegion region,
                           PinnedRegion::Allocate(driver, kEagerBytes, "words of operations"));
  return std::unique_ptr<EagerWords>(new EagerWords(driver, std::move(region)));
}

OperationWords EagerWords::Of(uint64_t number) const {
  auto& block = *reinterpret_cast<EagerBlock*>(region_.memory().data());
  const size_t slot = number % kOperations;
  OperationWords words;
  words.start = &block.start[slot];
  words.done = &block.done;
  words.scalar = &block.scalar[slot];
  words.start_address = region_.DeviceAddressOf(words.start);
  words.done_address = region_.DeviceAddressOf(words.done);
  words.start_value = words.done_value = number;
  return words;
}

void EagerWords::SetAbort(bool aborted) const {
  auto& block = *reinterpret_cast<EagerBlock*>(region_.memory().data());
  std::atomic_ref(block.abort).store(aborted ? 1 : 0, std::memory_order_release);
}

uint64_t EagerWords::abort_address() const {
  return region_.DeviceAddressOf(&reinterpret_cast<EagerBlock*>(region_.memory().data())->abort);
}

void EagerWords::GiveBack(std::unique_ptr<EagerWords> words, uint64_t last_number) {
  // A kernel that looks only now sees that its operation is done.
  words->SetAbort(false);
  words->first_number_ = std::max(words->first_number_, last_number + 1);
  Pools& pools = ThePools();
  const std::lock_guard lock(pools.mutex);
  pools.eager.push_back(std::move(words));
}

void EagerWords::Abandon(std::unique_ptr<EagerWords> words) {
  Pools& pools = ThePools();
  const std::lock_guard lock(pools.mutex);
  pools.abandoned.push_back(std::move(words));
}

Status CapturedWords::Replenish(const cuda::Driver& driver) {
  Pools& pools = ThePools();
  // Pinned under the lock, so that two workers do not pin twice. Whoever captures meanwhile waits
  // for a page table, not for a peer.
  const std::lock_guard lock(pools.mutex);
  CapturedPool& pool = pools.CapturedOf(driver);
  for (PinnedRegion* region : {&pool.region, &pool.next}) {
    if (!region->memory().empty()) continue;
    FLEXMIG_ASSIGN_OR_RETURN(*region, PinnedRegion::Allocate(driver, sizeof(CapturedBlock),
                                                             "words of captured operations"));
    if (region == &pool.region) pool.used = 0;
  }
  return OkStatus();
}

bool CapturedWords::AreLow(const cuda::Driver& driver) {
  Pools& pools = ThePools();
  const std::lock_guard lock(pools.mutex);
  return pools.CapturedOf(driver).next.memory().empty();
}

Result<OperationWords> CapturedWords::Take(const cuda::Driver& driver) {
  Pools& pools = ThePools();
  const std::lock_guard lock(pools.mutex);
  CapturedPool& pool = pools.CapturedOf(driver);
  if (pool.used == kCapturedOperations) {
    if (pool.next.memory().empty()) {
      return ResourceExhaustedError(
          StrCat("no pinned words are left for captured operations, of which there were ",
                 kCapturedOperations, " before more could be pinned"));
    }
    pool.region.Leak();  // graphs use it
    pool.region = std::move(pool.next);
    pool.used = 0;
  }
  auto& block = *reinterpret_cast<CapturedBlock*>(pool.region.memory().data());
  const size_t slot = pool.used++;
  OperationWords words;
  words.start = &block.start[slot];
  words.done = &block.done[slot];
  words.scalar = &block.scalar[slot];
  words.start_address = pool.region.DeviceAddressOf(words.start);
  words.done_address = pool.region.DeviceAddressOf(words.done);
  words.start_value = words.done_value = 1;
  words.captured = true;
  return words;
}

}  // namespace flexmig::device

#include "selection.h"

namespace flexmig::coll {

namespace {

constexpr uint64_t kKiB = 1024;
constexpr uint64_t kMiB = 1024 * kKiB;

SelectionTable Roomy(uint64_t ranks) {
  SelectionTable table;
  // Everybody reduces everything: N S of work instead of S.
  table.For(Collective::kAllReduce) = {256 * kKiB / (ranks * ranks), 1 * kMiB, 8 * kMiB, 0};
  table.For(Collective::kReduceScatter) = {64 * kKiB, 64 * kKiB + 1, 8 * kMiB, 0};
  // Reading a peer's memory costs about a microsecond to begin with and saves a copy. Beyond the
  // end the kernel's copy is slower than two of ours that overlap.
  for (const Collective collective :
       {Collective::kAllGather, Collective::kAllToAll, Collective::kGather, Collective::kScatter}) {
    table.For(collective) = {12 * kKiB, 12 * kKiB + 1, 16 * kMiB, 0};
  }
  table.For(Collective::kBroadcast) = {4 * kKiB, 4 * kKiB + 1, 512 * kKiB, 0};
  table.For(Collective::kReduce) = {4 * kKiB, 4 * kKiB + 1, 256 * kKiB, 0};
  return table;
}

// One round if that is possible at all. The other ranks' processors are busy with ranks, so the
// balance that pulling brings is worth little.
SelectionTable Crowded() {
  SelectionTable table;
  table.For(Collective::kAllReduce) = {64 * kKiB, 1, 0, 0};
  table.For(Collective::kReduceScatter) = {128 * kKiB, 1, 0, 0};
  table.For(Collective::kAllGather) = {512 * kKiB, 1, 0, 0};
  table.For(Collective::kGather) = {512 * kKiB, 1, 0, 0};
  table.For(Collective::kAllToAll) = {64 * kKiB, 96 * kKiB, 8 * kMiB, 0};
  table.For(Collective::kScatter) = {128 * kKiB, 1, 0, 0};
  table.For(Collective::kBroadcast) = {128 * kKiB, 1, 0, 0};
  table.For(Collective::kReduce) = {128 * kKiB, 1, 0, 0};
  return table;
}

}  // namespace

Selection DefaultSelection(int world_size) {
  return {Roomy(static_cast<uint64_t>(world_size)), Crowded()};
}

}  // namespace flexmig::coll

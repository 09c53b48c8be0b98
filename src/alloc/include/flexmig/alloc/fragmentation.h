#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "flexmig/alloc/leaf_pool.h"
#include "flexmig/base/status.h"
#include "flexmig/base/units.h"

namespace flexmig::alloc {

// How often jobs ask for how much, in compute slices, of which nothing says that they are whole.
struct SizeMix {
  struct Entry {
    double slices = 1;
    int64_t weight = 1;
  };
  std::vector<Entry> entries;
};

// "1=30,2=30,5.7=40": sizes and their weights. Errors: kInvalidArgument, quoting what is wrong, for
// anything else: a size outside (0, 1000], a weight outside 1 to 10^9, a size twice.
Result<SizeMix> ParseSizeMix(std::string_view text);
// 1, 2, .. `most` slices, equally likely.
SizeMix EvenSizes(int most);

// How a job comes to its slices.
enum class Sharing {
  kLeaves,      // one-to-many: several leaves of one profile, as they are
  kInstances,   // one-to-one: one instance that is large enough, as they are
  kPlacements,  // one-to-one: one instance made for it, at a legal placement beside what runs
};
std::string_view SharingName(Sharing sharing);

// What a request of one size finds. A free slice is usable by it if some allocation that it could
// be given now takes slices of that GPU.
struct SizeFragmentation {
  SizeMix::Entry size;
  // Compute slices that it is given, the least that it can be; nullopt if it never fits.
  std::optional<int> granted_slices;
  int64_t unusable_slices = 0;  // free compute slices
  Bytes unusable_memory;        // free memory beside them: leaves' or, for kPlacements, the GPUs'
};

// What a random request of the mix cannot use.
struct Fragmentation {
  Sharing sharing = Sharing::kLeaves;
  int64_t free_slices = 0;  // compute slices
  std::vector<SizeFragmentation> sizes;
  // Expected values over the mix.
  double unusable_slices = 0;
  double unusable_share = 0;  // of free_slices; 0 if there are none
  double stranded_memory_gib = 0;
  // Granted - asked, over the sizes that fit at all: a request of 5.7 that is given 7 loses 1.3.
  double rounding_slices = 0;
};

// What holds of all requests of a mix.
struct FragmentationRules {
  Bytes min_memory;             // per leaf, or of the instance
  std::optional<int> max_gpus;  // of kLeaves
  int max_nodes = 1;            // of kLeaves
};

// Memory of profiles where it is unknown counts as none. Cost: O(sizes x (leaves + GPUs x
// placements)). REQUIRES: the mix is not empty, its numbers as ParseSizeMix asks; rules of at least
// 1.
Fragmentation MeasureFragmentation(const LeafPool& pool, Sharing sharing, const SizeMix& mix,
                                   const FragmentationRules& rules);

// What the layout gives up against the boards without MIG (SMs) and against instances that take
// whole GPUs (memory); nullopt where a part is unknown. GPUs without leaves count, too.
struct FlatteningLoss {
  std::optional<int> sms;
  int total_sms = 0;
  std::optional<Bytes> memory;
  std::optional<Bytes> total_memory;
};
FlatteningLoss MeasureFlattening(const LeafPool& pool);

// The free leaves of one profile on one node that `leaf_count` leaves on at most `max_gpus` GPUs
// cannot use. [c] of `gpus_by_free` is how many of its GPUs have c free ones.
int64_t UnusableLeaves(std::span<const int> gpus_by_free, int leaf_count, int max_gpus);

}  // namespace flexmig::alloc

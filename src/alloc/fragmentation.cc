#include "flexmig/alloc/fragmentation.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"
#include "flexmig/mig/layout.h"

namespace flexmig::alloc {

namespace {

size_t At(int index) { return static_cast<size_t>(index); }

// 3.0/7 * 7 is a little above 3 in binary: a rounding error must not cost a slice.
int RoundUp(double slices) { return static_cast<int>(std::ceil(slices - 1e-9)); }

Bytes MemoryOf(const mig::Profile& profile) { return profile.memory.value_or(Bytes()); }

// One-to-many, for one profile; leaves `size` as it is if the profile does not do.
void MeasureLeaves(const LeafIndex& index, const FragmentationRules& rules,
                   SizeFragmentation& size) {
  const mig::Profile& profile = *index.profile();
  const int count = RoundUp(size.size.slices / profile.compute_slices);
  const int max_gpus = rules.max_gpus.value_or(LeafIndex::kAnyGpus);
  const int nodes = index.nodes().node_count();
  int64_t unusable = 0;
  const bool possible = MemoryOf(profile) >= rules.min_memory &&
                        index.WholeCapacity(max_gpus, rules.max_nodes) >= count;
  std::vector<int> totals;
  totals.reserve(static_cast<size_t>(nodes));
  for (int node = 0; node < nodes; ++node) totals.push_back(index.Capacity(node));
  std::sort(totals.begin(), totals.end(), std::greater<>());
  for (int node = 0; node < nodes; ++node) {
    const int free = index.Capacity(node);
    if (!possible) {
      unusable += free;
    } else if (rules.max_nodes > 1) {
      // With the richest other nodes; a node that is among the richest itself gives way to the
      // next.
      int together = free;
      bool skipped = false;
      int left = rules.max_nodes - 1;
      for (size_t i = 0; i < totals.size() && left > 0; ++i) {
        if (!skipped && totals[i] == free) {
          skipped = true;
          continue;
        }
        together += totals[i];
        --left;
      }
      if (together < count) unusable += free;
    } else {
      std::vector<int> gpus;
      for (int c = 0; c <= index.most_on_gpu(); ++c) gpus.push_back(index.GpusWith(node, c));
      unusable += UnusableLeaves(gpus, count, max_gpus);
    }
  }
  size.unusable_slices += unusable * profile.compute_slices;
  size.unusable_memory += unusable * MemoryOf(profile);
  if (!possible) return;
  const int granted = count * profile.compute_slices;
  size.granted_slices = std::min(size.granted_slices.value_or(granted), granted);
}

// One-to-one, for the instances of one profile.
void MeasureInstances(const LeafIndex& index, const FragmentationRules& rules,
                      SizeFragmentation& size) {
  const mig::Profile& profile = *index.profile();
  if (profile.compute_slices >= RoundUp(size.size.slices) &&
      MemoryOf(profile) >= rules.min_memory) {
    size.granted_slices =
        std::min(size.granted_slices.value_or(profile.compute_slices), profile.compute_slices);
    return;
  }
  int64_t free = 0;
  for (int node = 0; node < index.nodes().node_count(); ++node) free += index.Capacity(node);
  size.unusable_slices += free * profile.compute_slices;
  size.unusable_memory += free * MemoryOf(profile);
}

// A GPU with what is in use on it, for one-to-one with instances made on demand.
struct OpenGpu {
  const mig::GpuModel* model = nullptr;
  mig::MigLayout busy;
  int free_slices = 0;
  Bytes free_memory;
};

std::vector<OpenGpu> OpenGpusOf(const LeafPool& pool) {
  std::vector<OpenGpu> gpus;
  for (const mig::InventoryGpu& gpu : pool.inventory().gpus) {
    gpus.push_back(
        {gpu.model, {}, gpu.model->compute_slices, MemoryOf(gpu.model->WholeGpuProfile())});
  }
  for (const mig::Leaf& leaf : pool.inventory().leaves) {
    if (pool.IsFree(leaf.id)) continue;
    OpenGpu& gpu = gpus[At(leaf.gpu.value())];
    gpu.busy.push_back({leaf.profile->id, leaf.placement});
    gpu.free_slices -= leaf.profile->compute_slices;
    gpu.free_memory = std::max(Bytes(), gpu.free_memory - MemoryOf(*leaf.profile));
  }
  return gpus;
}

bool IsPlain(const mig::Profile& profile) {
  return profile.media == mig::MediaEngines::kDefault && !profile.graphics;
}

bool FitsBeside(const OpenGpu& gpu, const mig::Profile& profile) {
  return std::any_of(profile.starts.begin(), profile.starts.end(), [&](int start) {
    mig::MigLayout layout = gpu.busy;
    layout.push_back({profile.id, {start, profile.memory_slices}});
    std::sort(layout.begin(), layout.end());
    return mig::CheckLayout(*gpu.model, layout).ok();
  });
}

void MeasurePlacements(const OpenGpu& gpu, const FragmentationRules& rules,
                       SizeFragmentation& size) {
  bool fits = false;
  for (const mig::Profile& profile : gpu.model->profiles) {
    if (!IsPlain(profile) || profile.compute_slices < RoundUp(size.size.slices) ||
        MemoryOf(profile) < rules.min_memory) {
      continue;
    }
    size.granted_slices =
        std::min(size.granted_slices.value_or(profile.compute_slices), profile.compute_slices);
    fits = fits || FitsBeside(gpu, profile);
  }
  if (fits) return;
  size.unusable_slices += gpu.free_slices;
  size.unusable_memory += gpu.free_memory;
}

void AddExpectedValues(Fragmentation& fragmentation) {
  double weight = 0;
  double fitting_weight = 0;
  for (const SizeFragmentation& size : fragmentation.sizes) {
    const auto w = static_cast<double>(size.size.weight);
    weight += w;
    fragmentation.unusable_slices += w * static_cast<double>(size.unusable_slices);
    fragmentation.stranded_memory_gib += w * size.unusable_memory.gib();
    if (!size.granted_slices) continue;
    fitting_weight += w;
    fragmentation.rounding_slices += w * (*size.granted_slices - size.size.slices);
  }
  fragmentation.unusable_slices /= weight;
  fragmentation.stranded_memory_gib /= weight;
  if (fitting_weight > 0) fragmentation.rounding_slices /= fitting_weight;
  if (fragmentation.free_slices > 0) {
    fragmentation.unusable_share =
        fragmentation.unusable_slices / static_cast<double>(fragmentation.free_slices);
  }
}

}  // namespace

Result<SizeMix> ParseSizeMix(std::string_view text) {
  constexpr double kMaxSize = 1000;
  constexpr int64_t kMaxWeight = 1'000'000'000;
  SizeMix mix;
  for (const std::string_view part : StrSplit(text, ',')) {
    const auto pieces = StrSplit(part, '=');
    if (pieces.size() != 2) {
      return InvalidArgumentError(StrCat("'", part, "' is no <slices>=<weight>, e.g. 5.7=40"));
    }
    SizeMix::Entry entry;
    FLEXMIG_ASSIGN_OR_RETURN(entry.slices, ParseDouble(pieces[0], 0, kMaxSize));
    FLEXMIG_ASSIGN_OR_RETURN(entry.weight, ParseInt(pieces[1], 1, kMaxWeight));
    if (entry.slices <= 0) return InvalidArgumentError(StrCat("'", part, "': a size of 0 slices"));
    for (const SizeMix::Entry& other : mix.entries) {
      if (other.slices == entry.slices) {
        return InvalidArgumentError(StrCat("the size ", pieces[0], " is named twice"));
      }
    }
    mix.entries.push_back(entry);
  }
  return mix;
}

SizeMix EvenSizes(int most) {
  SizeMix mix;
  for (int slices = 1; slices <= most; ++slices)
    mix.entries.push_back({static_cast<double>(slices), 1});
  return mix;
}

std::string_view SharingName(Sharing sharing) {
  switch (sharing) {
    case Sharing::kLeaves: return "leaves";
    case Sharing::kInstances: return "instances";
    case Sharing::kPlacements: return "placements";
  }
  FLEXMIG_CHECK(false && "a Sharing outside its enumeration");
}

Fragmentation MeasureFragmentation(const LeafPool& pool, Sharing sharing, const SizeMix& mix,
                                   const FragmentationRules& rules) {
  FLEXMIG_CHECK(!mix.entries.empty());
  Fragmentation fragmentation;
  fragmentation.sharing = sharing;
  std::vector<OpenGpu> open_gpus;
  if (sharing == Sharing::kPlacements) {
    open_gpus = OpenGpusOf(pool);
    for (const OpenGpu& gpu : open_gpus) fragmentation.free_slices += gpu.free_slices;
  } else {
    for (const mig::Leaf& leaf : pool.inventory().leaves) {
      if (pool.IsFree(leaf.id)) fragmentation.free_slices += leaf.profile->compute_slices;
    }
  }
  for (const SizeMix::Entry& entry : mix.entries) {
    SizeFragmentation& size = fragmentation.sizes.emplace_back();
    size.size = entry;
    for (const LeafIndex& index : pool.indices()) {
      if (sharing == Sharing::kLeaves) MeasureLeaves(index, rules, size);
      if (sharing == Sharing::kInstances) MeasureInstances(index, rules, size);
    }
    for (const OpenGpu& gpu : open_gpus) MeasurePlacements(gpu, rules, size);
  }
  AddExpectedValues(fragmentation);
  return fragmentation;
}

FlatteningLoss MeasureFlattening(const LeafPool& pool) {
  const auto& inventory = pool.inventory();
  std::vector<mig::MigLayout> layouts(inventory.gpus.size());
  for (const mig::Leaf& leaf : inventory.leaves) {
    layouts[At(leaf.gpu.value())].push_back({leaf.profile->id, leaf.placement});
  }
  FlatteningLoss loss;
  loss.sms = 0;
  loss.memory = Bytes();
  loss.total_memory = Bytes();
  for (size_t gpu = 0; gpu < layouts.size(); ++gpu) {
    const mig::LayoutPrice price = mig::PriceLayout(*inventory.gpus[gpu].model, layouts[gpu]);
    loss.total_sms += price.total_sms;
    loss.sms = loss.sms && price.sms ? std::optional(*loss.sms + price.total_sms - *price.sms)
                                     : std::nullopt;
    loss.memory = loss.memory && price.memory && price.total_memory
                      ? std::optional(*loss.memory + (*price.total_memory - *price.memory))
                      : std::nullopt;
    loss.total_memory = loss.total_memory && price.total_memory
                            ? std::optional(*loss.total_memory + *price.total_memory)
                            : std::nullopt;
  }
  return loss;
}

int64_t UnusableLeaves(std::span<const int> gpus_by_free, int leaf_count, int max_gpus) {
  // The richest GPUs, as many as may be used.
  int64_t total = 0;
  int64_t richest = 0;
  int poorest = 0;  // free leaves of the poorest of them, for which another GPU would stand in
  int left = max_gpus;
  for (int free = static_cast<int>(gpus_by_free.size()) - 1; free > 0; --free) {
    const int here = gpus_by_free[At(free)];
    total += int64_t{here} * free;
    const int used = std::min(here, left);
    richest += int64_t{used} * free;
    left -= used;
    if (used > 0) poorest = free;
  }
  if (left > 0) poorest = 0;  // all GPUs may be used together
  int64_t usable = 0;
  for (int free = 1; free < static_cast<int>(gpus_by_free.size()); ++free) {
    const int64_t together = free >= poorest ? richest : richest - poorest + free;
    if (together >= leaf_count) usable += int64_t{free} * gpus_by_free[At(free)];
  }
  return total - usable;
}

}  // namespace flexmig::alloc

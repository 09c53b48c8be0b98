#include "flexmig/alloc/request.h"

#include <cmath>

#include "flexmig/base/strings.h"

namespace flexmig::alloc {

namespace {

struct LeafKind {
  const mig::GpuModel* model = nullptr;
  const mig::Profile* profile = nullptr;
};

// The inventory's smallest leaf profile that reaches `min_memory`; unknown memory reaches zero
// only.
Result<LeafKind> SmallestKind(const mig::NodeInventory& inventory, Bytes min_memory) {
  LeafKind best;
  const mig::Profile* largest = nullptr;
  for (const mig::Leaf& leaf : inventory.leaves) {
    const Bytes memory = leaf.profile->memory.value_or(Bytes());
    if (largest == nullptr || memory > largest->memory.value_or(Bytes())) largest = leaf.profile;
    if (memory < min_memory) continue;
    if (best.profile == nullptr || memory < best.profile->memory.value_or(Bytes())) {
      const auto& gpu = inventory.gpus[static_cast<size_t>(leaf.gpu.value())];
      best = {gpu.model, leaf.profile};
    }
  }
  if (largest == nullptr) return NotFoundError("this node has no leaves");
  if (best.profile == nullptr) {
    return ResourceExhaustedError(StrCat("no leaf has ", FormatBytes(min_memory),
                                         "; the largest is ", largest->name, " with ",
                                         FormatBytes(largest->memory.value_or(Bytes()))));
  }
  return best;
}

int CeilDivide(int64_t a, int64_t b) { return static_cast<int>((a + b - 1) / b); }

}  // namespace

std::string_view CommName(Comm comm) {
  switch (comm) {
    case Comm::kHeavy: return "heavy";
    case Comm::kLight: return "light";
  }
  FLEXMIG_CHECK(false && "a Comm outside its enumeration");
}

Result<Comm> ParseComm(std::string_view text) {
  for (const Comm comm : {Comm::kHeavy, Comm::kLight}) {
    if (text == CommName(comm)) return comm;
  }
  return InvalidArgumentError(StrCat("'", text, "' is neither heavy nor light"));
}

Result<int> LeavesLike(const mig::NodeInventory& inventory, std::string_view profile,
                       Bytes min_memory) {
  FLEXMIG_ASSIGN_OR_RETURN(const LeafKind kind, SmallestKind(inventory, min_memory));
  FLEXMIG_ASSIGN_OR_RETURN(const mig::Profile* wanted, kind.model->FindProfile(profile));
  for (const mig::Profile* known : {wanted, kind.profile}) {
    if (!known->sms || !known->memory) {
      return UnimplementedError(StrCat("the SMs and memory of ", known->name, " on ",
                                       kind.model->product,
                                       " are not known; ask for a number of leaves"));
    }
  }
  return std::max(CeilDivide(*wanted->sms, *kind.profile->sms),
                  CeilDivide(wanted->memory->count(), kind.profile->memory->count()));
}

Result<int> LeavesForGpuFraction(const mig::NodeInventory& inventory, double share,
                                 Bytes min_memory) {
  constexpr double kMaxShare = 64;  // GPUs on one node, with room to spare
  if (!(share > 0 && share <= kMaxShare)) {
    return InvalidArgumentError(StrCat("a share of ", share, " GPUs is not in (0, 64]"));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const LeafKind kind, SmallestKind(inventory, min_memory));
  const double slices = share * kind.model->compute_slices;
  // 3.0/7 * 7 is a little above 3 in binary: a rounding error must not cost a leaf.
  constexpr double kRounding = 1e-9;
  return static_cast<int>(std::ceil(slices / kind.profile->compute_slices - kRounding));
}

}  // namespace flexmig::alloc

#include "flexmig/simhw/identity.h"

#include <string>

#include "flexmig/base/check.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::simhw {
namespace {

// FNV-1a (Fowler, Noll, Vo), 64 bits.
uint64_t HashText(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

// A UUID in the form of version 5, RFC 9562, from any text.
std::string UuidFromText(std::string_view text) {
  SplitMix64 generator(HashText(text));
  // The version is the first digit of the third group, the variant (binary 10) the top bits of the
  // fourth.
  const uint64_t high = (generator.Next() & ~0xf000ULL) | 0x5000ULL;
  const uint64_t low = (generator.Next() & ~(3ULL << 62)) | (2ULL << 62);
  constexpr char kDigits[] = "0123456789abcdef";
  std::string uuid;
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) uuid += '-';
    const uint64_t half = digit < 16 ? high : low;
    uuid += kDigits[(half >> (60 - 4 * (digit % 16))) & 15];
  }
  return uuid;
}

}  // namespace

mig::GpuUuid MakeGpuUuid(std::string_view node, mig::GpuIndex index) {
  return mig::GpuUuid("GPU-" + UuidFromText(StrCat("gpu ", node, " ", index.value())));
}

mig::MigUuid MakeMigUuid(const mig::GpuUuid& gpu, mig::Placement placement,
                         mig::ComputeInstanceId compute_instance) {
  return mig::MigUuid("MIG-" + UuidFromText(StrCat("mig ", gpu.value(), " ", placement.start, ":",
                                                   placement.size, " ", compute_instance.value())));
}

mig::GpuInstanceId MakeGpuInstanceId(const mig::GpuModel& model, mig::Placement placement) {
  // Parts of the GPU on each level of the tree, and the ids that the levels above take.
  for (const int parts : {1, 2, 4, 8}) {
    if (placement.size * parts != model.placement_units) continue;
    FLEXMIG_CHECK(placement.start % placement.size == 0);
    return mig::GpuInstanceId(parts - 1 + placement.start / placement.size);
  }
  FLEXMIG_CHECK(false && "a placement that is no power-of-two part of the GPU");
}

}  // namespace flexmig::simhw

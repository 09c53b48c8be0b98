// 1,000 random sequences of creations and destructions on each backend, against an oracle that
// keeps books by the rules of mig::CheckLayout.

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

#include "stand.h"

namespace flexmig::contract {
namespace {

constexpr mig::GpuIndex kGpu(0);
constexpr int kSequences = 1000;

class RandomSequencesTest : public ::testing::TestWithParam<Front> {
 protected:
  struct Present {
    mig::GpuInstanceId id;
    mig::PlacedProfile placed;
    bool has_part = false;
  };

  void Create(SplitMix64& random) {
    const auto& profiles = stand_.model().profiles;
    const mig::Profile& profile = profiles[random.NextBelow(profiles.size())];
    const int start = profile.starts[random.NextBelow(profile.starts.size())];
    const mig::PlacedProfile placed{profile.id, {start, profile.memory_slices}};
    mig::MigLayout layout{placed};
    for (const Present& present : present_) layout.push_back(present.placed);
    const StatusCode expected = mig::CheckLayout(stand_.model(), layout).code();
    const auto id = stand_.backend().CreateGpuInstance(kGpu, placed);
    ASSERT_EQ(id.status().code(), expected) << id.status().ToString();
    if (!id.ok()) return;
    for (const Present& present : present_) ASSERT_NE(present.id, *id) << "ids are unique";
    present_.push_back({*id, placed, false});
  }

  void CreatePart(Present& present) {
    const auto device = stand_.backend().CreateComputeInstance(kGpu, present.id);
    ASSERT_EQ(device.status().code(),
              present.has_part ? StatusCode::kAlreadyExists : StatusCode::kOk);
    present.has_part = true;
  }

  void Destroy(size_t index) {
    Present& present = present_[index];
    hw::MigBackend& backend = stand_.backend();
    const Status refused = backend.DestroyGpuInstance(kGpu, present.id);
    if (present.has_part) {
      ASSERT_EQ(refused.code(), StatusCode::kFailedPrecondition);
      const mig::ComputeInstanceId part(0);
      ASSERT_EQ(backend.DestroyComputeInstance(kGpu, present.id, part).ToString(), "kOk");
      present.has_part = false;
      return;
    }
    ASSERT_EQ(refused.ToString(), "kOk");
    present_.erase(present_.begin() + static_cast<std::ptrdiff_t>(index));
  }

  void Compare() {
    const auto instances = stand_.backend().ListGpuInstances(kGpu);
    const auto devices = stand_.backend().ListMigDevices(kGpu);
    ASSERT_TRUE(instances.ok() && devices.ok());
    ASSERT_EQ(instances->size(), present_.size());
    size_t parts = 0;
    for (const Present& present : present_) {
      const auto found = std::ranges::find(*instances, present.id, &hw::GpuInstance::id);
      ASSERT_NE(found, instances->end());
      ASSERT_EQ(found->placed, present.placed);
      parts += present.has_part ? 1 : 0;
    }
    ASSERT_EQ(devices->size(), parts);
  }

  void Clear() {
    while (!present_.empty()) {
      Destroy(0);
      if (HasFatalFailure()) return;
    }
  }

  Stand stand_{GetParam(), "h100x1"};
  std::vector<Present> present_;
};

TEST_P(RandomSequencesTest, KeepTheInvariants) {
  ASSERT_TRUE(stand_.backend().SetMigMode(kGpu, true).ok());
  SplitMix64 random(2511);
  int created = 0;
  for (int sequence = 0; sequence < kSequences; ++sequence) {
    for (uint64_t steps = 4 + random.NextBelow(8); steps > 0; --steps) {
      const size_t before = present_.size();
      const uint64_t choice = random.NextBelow(8);
      if (present_.empty() || choice < 4) {
        Create(random);
      } else if (choice < 6) {
        CreatePart(present_[random.NextBelow(present_.size())]);
      } else {
        Destroy(random.NextBelow(present_.size()));
      }
      created += present_.size() > before ? 1 : 0;
      ASSERT_FALSE(HasFatalFailure()) << "sequence " << sequence;
    }
    Compare();
    ASSERT_FALSE(HasFatalFailure()) << "sequence " << sequence;
    // Most sequences go on from what the last one left.
    if (random.NextBelow(4) == 0) Clear();
    ASSERT_FALSE(HasFatalFailure()) << "sequence " << sequence;
  }
  EXPECT_GT(created, kSequences);
}

INSTANTIATE_TEST_SUITE_P(Simulated, RandomSequencesTest,
                         ::testing::Values(Front::kInProcess, Front::kAbi),
                         [](const auto& test) { return std::string(FrontName(test.param)); });

}  // namespace
}  // namespace flexmig::contract

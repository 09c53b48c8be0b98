#include "shared_regions.h"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace flexmig::coll {
namespace {

constexpr size_t kPage = 4096;

// One allocation as a rank of two sees it: a page each.
class SharedRegionsTest : public testing::Test {
 protected:
  std::span<std::byte> Add(int pages, int own_page) {
    auto memory = shm::SharedMemory::Create(Bytes::Of(static_cast<int64_t>(kPage) * pages));
    EXPECT_TRUE(memory.ok()) << memory.status().ToString();
    const std::span<std::byte> own(memory->data() + static_cast<size_t>(own_page) * kPage, kPage);
    regions_.Add(*std::move(memory), own);
    return own;
  }

  SharedRegions regions_;
};

TEST_F(SharedRegionsTest, NothingIsSharedAtFirst) {
  int local = 0;
  const BufferAddress address = regions_.Locate(&local, sizeof local);
  EXPECT_FALSE(address.is_shared());
  EXPECT_EQ(regions_.Resolve(address), reinterpret_cast<std::byte*>(&local));
  EXPECT_EQ(regions_.Find({}), 0u);
}

TEST_F(SharedRegionsTest, AddressesGoThereAndBack) {
  const auto first = Add(2, 0);
  const auto second = Add(3, 1);
  for (const auto& part : {first, second}) {
    for (const size_t offset : {size_t{0}, size_t{1}, kPage - 1}) {
      const BufferAddress address = regions_.Locate(part.data() + offset, 1);
      ASSERT_TRUE(address.is_shared());
      EXPECT_EQ(address.region, regions_.Find(part));
      EXPECT_EQ(regions_.Resolve(address), part.data() + offset);
    }
  }
  EXPECT_NE(regions_.Find(first), regions_.Find(second));
}

// What a peer sends is an offset in its mapping; here it is the same offset in another one.
TEST_F(SharedRegionsTest, OffsetsMeanTheSameOnEveryRank) {
  const auto own = Add(2, 1);
  SharedRegions peer;
  auto memory = shm::SharedMemory::Create(Bytes::Of(2 * static_cast<int64_t>(kPage)));
  ASSERT_TRUE(memory.ok());
  std::byte* const begin = memory->data();
  peer.Add(*std::move(memory), {begin, kPage});
  EXPECT_EQ(peer.Resolve(regions_.Locate(own.data() + 5, 10)), begin + kPage + 5);
}

TEST_F(SharedRegionsTest, BuffersThatLeaveTheirRegionAreNotShared) {
  const auto own = Add(2, 0);
  EXPECT_TRUE(regions_.Locate(own.data(), 2 * kPage).is_shared()) << "into the peer's part";
  EXPECT_FALSE(regions_.Locate(own.data(), 2 * kPage + 1).is_shared());
  EXPECT_FALSE(regions_.Locate(own.data() + 1, 2 * kPage).is_shared());
  EXPECT_FALSE(regions_.Locate(own.data() + 1, ~size_t{0}).is_shared());
  EXPECT_FALSE(regions_.Locate(own.data() - 1, 2).is_shared());
  EXPECT_FALSE(regions_.Locate(own.data() + 2 * kPage, 1).is_shared());
}

TEST_F(SharedRegionsTest, BuffersOfNoBytesCountAsShared) {
  int local = 0;
  EXPECT_TRUE(regions_.Locate(nullptr, 0).is_shared());
  EXPECT_TRUE(regions_.Locate(&local, 0).is_shared());
  EXPECT_EQ(regions_.Resolve(regions_.Locate(nullptr, 0)), nullptr);
}

TEST_F(SharedRegionsTest, OnlyTheExactPartIsFound) {
  const auto own = Add(3, 1);
  EXPECT_EQ(regions_.Find(own), 1u);
  EXPECT_EQ(regions_.Find(own.first(kPage - 1)), 0u);
  EXPECT_EQ(regions_.Find({own.data(), kPage + 1}), 0u);
  EXPECT_EQ(regions_.Find({own.data() + 1, kPage}), 0u);
  EXPECT_EQ(regions_.Find({own.data() - kPage, kPage}), 0u) << "a peer's part";
}

TEST_F(SharedRegionsTest, AddressesFromPeersAreCheckedAgainstTheRegion) {
  Add(2, 0);
  EXPECT_NE(regions_.Resolve({1, 2 * kPage - 1}), nullptr);
  EXPECT_EQ(regions_.Resolve({1, 2 * kPage}), nullptr);
  EXPECT_EQ(regions_.Resolve({1, ~uint64_t{0}}), nullptr);
  EXPECT_EQ(regions_.Resolve({2, 0}), nullptr);
}

TEST_F(SharedRegionsTest, NumbersAreNotUsedAgain) {
  const auto first = Add(1, 0);
  const auto second = Add(1, 0);
  regions_.Remove(1);
  EXPECT_EQ(regions_.Find(first), 0u);
  EXPECT_EQ(regions_.Resolve({1, 0}), nullptr);
  EXPECT_EQ(regions_.Find(second), 2u) << "the others keep theirs";
  EXPECT_EQ(regions_.Resolve({2, 7}), second.data() + 7);
  EXPECT_EQ(regions_.Find(Add(1, 0)), 3u);
}

}  // namespace
}  // namespace flexmig::coll

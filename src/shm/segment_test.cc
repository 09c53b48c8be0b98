#include "flexmig/shm/segment.h"

#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flexmig::shm {
namespace {

using testing::HasSubstr;

constexpr SegmentGeometry kGeometry{3, 4, 256, 128};

std::unique_ptr<Segment> MakeSegment() {
  auto memory = Segment::Format(kGeometry);
  EXPECT_TRUE(memory.ok()) << memory.status().ToString();
  auto segment = Segment::Attach(*std::move(memory));
  EXPECT_TRUE(segment.ok()) << segment.status().ToString();
  return *std::move(segment);
}

Result<std::unique_ptr<Segment>> AttachTo(const SharedMemory& memory) {
  auto again = SharedMemory::Attach(UniqueFd(::fcntl(memory.descriptor(), F_DUPFD_CLOEXEC, 0)));
  EXPECT_TRUE(again.ok()) << again.status().ToString();
  return Segment::Attach(*std::move(again));
}
Result<std::unique_ptr<Segment>> AttachTo(Segment& segment) { return AttachTo(segment.memory()); }

// The worked example of docs/formats/segment.md.
TEST(SegmentTest, LayoutIsTheDocumentedOne) {
  const auto segment = MakeSegment();
  const std::byte* base = segment->memory().data();
  EXPECT_EQ(kGeometry.TotalBytes().count(), 1280 + 3 * 6144 + 3 * 4 * 256 + 9 * 256 + 9 * 4 * 128);
  EXPECT_EQ(std::memcmp(base, "FMIGSEG1", 8), 0);
  const auto offset = [&](const void* field) {
    return static_cast<const std::byte*>(field) - base;
  };
  EXPECT_EQ(offset(&segment->rank_block(0)), 1280);
  EXPECT_EQ(offset(&segment->rank_block(2)), 13568);
  EXPECT_EQ(offset(segment->slot(0, 0)), 19712);
  EXPECT_EQ(offset(segment->slot(1, 0)), 20736);
  EXPECT_EQ(offset(segment->slot(2, 3)), 22528);
  EXPECT_EQ(offset(&segment->channel(0, 1)), 23040);
  EXPECT_EQ(offset(&segment->channel(2, 2)), 24832);
  EXPECT_EQ(offset(segment->message_slot(0, 0, 0)), 25088);
  EXPECT_EQ(offset(segment->message_slot(2, 1, 7)), 25088 + (7 * 4 + 3) * 128);
}

TEST(SegmentTest, AttachedSegmentHasTheSameGeometryAndData) {
  const auto segment = MakeSegment();
  auto attached = AttachTo(*segment);
  ASSERT_TRUE(attached.ok()) << attached.status().ToString();
  EXPECT_EQ((*attached)->geometry().world_size, 3);
  EXPECT_EQ((*attached)->geometry().slot_bytes, 256u);
  for (int rank = 0; rank < 3; ++rank) {
    for (uint32_t slot = 0; slot < 4; ++slot) {
      segment->slot(rank, slot)[255] = static_cast<std::byte>(10 * rank + static_cast<int>(slot));
    }
  }
  for (int rank = 0; rank < 3; ++rank) {
    for (uint32_t slot = 0; slot < 4; ++slot) {
      EXPECT_EQ((*attached)->slot(rank, slot)[255],
                static_cast<std::byte>(10 * rank + static_cast<int>(slot)));
    }
  }
}

TEST(SegmentTest, EveryHeaderFieldThatIsWrongIsDataLoss) {
  struct {
    size_t offset;
    uint32_t value;
    const char* message;
  } const cases[] = {
      {0, 0x12345678, "not a finished"},  // magic
      {80, 0, "not a finished"},          // ready
      {8, kLayoutVersion + 1, "layout version"},
      {12, 0, "contradicts itself"},  // world_size
      {12, 4, "contradicts itself"},
      {12, 0xffffffff, "contradicts itself"},
      {16, 1, "contradicts itself"},    // total_bytes
      {24, 255, "contradicts itself"},  // slot_bytes
      {24, 1 << 20, "contradicts itself"},
      {32, 0, "contradicts itself"},  // slots_per_rank
      {32, 0xffffffff, "contradicts itself"},
      {36, 0, "contradicts itself"},  // message_bytes
      {36, 256, "contradicts itself"},
      {76, 0x61616161, "contradicts itself"},  // the end of the nonce
  };
  for (const auto& c : cases) {
    const auto segment = MakeSegment();
    std::memcpy(segment->memory().data() + c.offset, &c.value, sizeof c.value);
    const auto attached = AttachTo(*segment);
    ASSERT_FALSE(attached.ok()) << c.offset << " = " << c.value;
    EXPECT_EQ(attached.status().code(), StatusCode::kDataLoss);
    EXPECT_THAT(attached.status().message(), HasSubstr(c.message));
  }
}

TEST(SegmentTest, MemoryShorterThanAHeaderIsDataLoss) {
  auto memory = SharedMemory::Create(Bytes::Of(100));
  ASSERT_TRUE(memory.ok());
  const auto attached = AttachTo(*memory);
  EXPECT_EQ(attached.status().code(), StatusCode::kDataLoss);
}

TEST(SegmentTest, GeometryHasLimits) {
  EXPECT_TRUE((SegmentGeometry{kMaxWorldSize, 1, kLineBytes, 128}.IsValid()));
  EXPECT_FALSE((SegmentGeometry{kMaxWorldSize + 1, 1, kLineBytes, 128}.IsValid()));
  EXPECT_FALSE((SegmentGeometry{0, 1, kLineBytes, 128}.IsValid()));
  EXPECT_FALSE((SegmentGeometry{1, 0, kLineBytes, 128}.IsValid()));
  EXPECT_FALSE((SegmentGeometry{1, 1, 0, 128}.IsValid()));
  EXPECT_FALSE((SegmentGeometry{1, 1, kLineBytes + 8, 128}.IsValid()));
  EXPECT_FALSE((SegmentGeometry{1, 1, kLineBytes, 64}.IsValid()));
}

TEST(SegmentFailureTest, TheFirstFailureCountsOnEveryRank) {
  const auto segment = MakeSegment();
  auto attached = AttachTo(*segment);
  ASSERT_TRUE(attached.ok());
  EXPECT_FALSE((*attached)->failed());
  EXPECT_FALSE((*attached)->failure().has_value());
  segment->RecordFailure(2, AbortedError("first"));
  (*attached)->RecordFailure(0, InternalError("second"));
  EXPECT_TRUE(segment->failed());
  EXPECT_EQ(segment->failure(), AbortedError("first"));
  EXPECT_EQ((*attached)->failure(), AbortedError("first"));
}

TEST(SegmentFailureTest, LongTextIsCutAtTheRecordsEnd) {
  const auto segment = MakeSegment();
  segment->RecordFailure(1, AbortedError(std::string(503, 'a') + "bcd"));
  EXPECT_EQ(segment->failure()->message(), std::string(503, 'a') + "b");
}

TEST(SegmentFailureTest, CorruptRecordIsDataLoss) {
  const auto segment = MakeSegment();
  segment->RecordFailure(1, AbortedError("x"));
  segment->rank_block(1).failure.status_code = 99;
  EXPECT_EQ(segment->failure()->code(), StatusCode::kDataLoss);
  segment->rank_block(1).failure.status_code = 0;
  EXPECT_EQ(segment->failure()->code(), StatusCode::kDataLoss);
}

TEST(SegmentFailureTest, DeathAndDepartureAreOneBitARank) {
  const auto segment = MakeSegment();
  segment->RecordDeath(2);
  segment->RecordDeparture(0);
  segment->RecordDeparture(1);
  EXPECT_EQ(segment->dead_ranks(), 4u);
  EXPECT_EQ(segment->departed_ranks(), 3u);
  EXPECT_FALSE(segment->failed());
}

}  // namespace
}  // namespace flexmig::shm

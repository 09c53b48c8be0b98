#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

#include "host_communicator.h"

namespace flexmig::coll {
namespace {

TEST(GeometryTest, EveryWorldSizeHasOneAndSlotsForItsLines) {
  for (int ranks = 1; ranks <= shm::kMaxWorldSize; ++ranks) {
    const shm::SegmentGeometry geometry = GeometryFor(ranks);
    EXPECT_TRUE(geometry.IsValid()) << ranks;
    EXPECT_GE(geometry.slots_per_rank, Engine::kPipelineDepth) << ranks;
    EXPECT_GE(geometry.slot_bytes / shm::kLineBytes, static_cast<uint64_t>(ranks)) << ranks;
  }
}

TEST(GeometryTest, ChunksMakeSlotsAndRoomForMessagesOfTheirSize) {
  constexpr size_t kMiB = 1 << 20;
  for (int ranks = 1; ranks <= shm::kMaxWorldSize; ++ranks) {
    for (const size_t chunk : {size_t{8} << 10, kMiB, 4 * kMiB}) {
      const shm::SegmentGeometry geometry = GeometryFor(ranks, chunk);
      EXPECT_TRUE(geometry.IsValid()) << ranks;
      EXPECT_EQ(geometry.slot_bytes, chunk);
      EXPECT_GE(geometry.slot_bytes / shm::kLineBytes, static_cast<uint64_t>(ranks)) << ranks;
      EXPECT_LE(static_cast<uint64_t>(geometry.message_bytes) * static_cast<uint64_t>(ranks),
                chunk);
    }
  }
  // As communicator.h says, in whole MiB.
  EXPECT_EQ(GeometryFor(8, kMiB).TotalBytes().count() / kMiB, 64);
  EXPECT_EQ(GeometryFor(64, kMiB).TotalBytes().count() / kMiB, 513);
}

TEST(GeometryTest, MemoryIsWhatTheReferenceSays) {
  const auto page = ReadFile(FLEXMIG_SOURCE_DIR "/docs/reference/collectives.md");
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  for (const int ranks : {2, 4, 8, 64}) {
    const int64_t bytes = GeometryFor(ranks).TotalBytes().count();
    EXPECT_THAT(*page, testing::HasSubstr(StrCat("| ", ranks, " | ", bytes, " | ",
                                                 (bytes / ranks + 512) / 1024, " KiB |")));
    const int64_t chunked = GeometryFor(ranks, 1 << 20).TotalBytes().count();
    EXPECT_THAT(*page, testing::HasSubstr(StrCat("| ", ranks, " | ", chunked, " | ",
                                                 (chunked / ranks + 512) / 1024, " KiB |")));
  }
}

}  // namespace
}  // namespace flexmig::coll

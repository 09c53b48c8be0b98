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

TEST(GeometryTest, MemoryIsWhatTheReferenceSays) {
  const auto page = ReadFile(FLEXMIG_SOURCE_DIR "/docs/reference/collectives.md");
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  for (const int ranks : {2, 4, 8, 64}) {
    const int64_t bytes = GeometryFor(ranks).TotalBytes().count();
    EXPECT_THAT(*page, testing::HasSubstr(StrCat("| ", ranks, " | ", bytes, " | ",
                                                 (bytes / ranks + 512) / 1024, " KiB |")));
  }
}

}  // namespace
}  // namespace flexmig::coll

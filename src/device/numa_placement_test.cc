#include "numa_placement.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace flexmig::device {
namespace {

TEST(NumaPlacementTest, ContentsStayAndPagesPreferTheNode) {
  constexpr size_t kBytes = size_t{1} << 20;
  auto* const pages = static_cast<std::byte*>(
      ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  std::fill_n(pages, kBytes / 2, std::byte{7});
  const Status placed = PreferNode({pages, kBytes}, 0);
  if (placed.code() == StatusCode::kUnimplemented ||
      placed.code() == StatusCode::kPermissionDenied) {
    GTEST_SKIP() << placed.ToString();
  }
  ASSERT_EQ(placed, OkStatus()) << placed.ToString();
  EXPECT_EQ(std::count(pages, pages + kBytes, std::byte{7}), kBytes / 2);
  int mode = -1;
  ASSERT_EQ(::syscall(SYS_get_mempolicy, &mode, nullptr, 0, pages, MPOL_F_ADDR), 0);
  EXPECT_EQ(mode, MPOL_PREFERRED);
  ::munmap(pages, kBytes);
}

TEST(NumaPlacementTest, NodesThatAreNotThereAreErrors) {
  alignas(4096) static std::byte page[4096];
  EXPECT_FALSE(PreferNode(page, -1).ok());
  EXPECT_FALSE(PreferNode(page, 1023).ok());
  EXPECT_FALSE(PreferNode(page, 1024).ok());
}

}  // namespace
}  // namespace flexmig::device

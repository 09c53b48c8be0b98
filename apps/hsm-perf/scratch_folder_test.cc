#include "scratch_folder.h"

#include <fstream>

#include <gtest/gtest.h>

namespace flexmig::perf {
namespace {

namespace fs = std::filesystem;

TEST(ScratchFolderTest, IsPrivateAndGoesWithAllInIt) {
  std::string path;
  {
    ScratchFolder folder;
    ASSERT_TRUE(folder.Make().ok());
    path = folder.path();
    EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
    std::ofstream(path + "/file") << "something";
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(ScratchFolderTest, LastWordsAreTheEndOfTheLogOnOneLine) {
  ScratchFolder folder;
  ASSERT_TRUE(folder.Make().ok());
  EXPECT_EQ(folder.LastWords(), "");
  std::ofstream(folder.log_path()) << std::string(1000, 'x') << "\nthe end\n";
  EXPECT_EQ(folder.LastWords(), "..." + std::string(292, 'x') + " the end");
}

TEST(ScratchFolderTest, YoungOrLockedFoldersAreNotSweptAway) {
  ScratchFolder folder;
  ASSERT_TRUE(folder.Make().ok());
  RemoveAbandonedFolders(fs::path(folder.path()).parent_path());
  EXPECT_TRUE(fs::exists(folder.path()));
  RemoveAbandonedFolders("/nonexistent");  // is no error
}

}  // namespace
}  // namespace flexmig::perf

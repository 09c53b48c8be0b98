#include "flexmig/base/file.h"

#include <csignal>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/strings.h"

namespace flexmig {
namespace {

using std::chrono::milliseconds;

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "flexmig-file-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

TEST_F(FileTest, AtomicWriteReplacesAndLeavesNothingBeside) {
  ASSERT_TRUE(WriteFileAtomically(folder_ / "state", "old").ok());
  ASSERT_TRUE(WriteFileAtomically(folder_ / "state", "new").ok());
  EXPECT_EQ(*ReadFile(folder_ / "state"), "new");
  const auto entries = std::filesystem::directory_iterator(folder_);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
  struct stat info {};
  ASSERT_EQ(::stat((folder_ / "state").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(FileTest, ReadErrorsNameThePath) {
  const auto missing = ReadFile(folder_ / "missing");
  EXPECT_EQ(missing.status().code(), StatusCode::kNotFound);
  EXPECT_NE(missing.status().message().find("missing"), std::string::npos);
  EXPECT_EQ(ReadFile(folder_).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(FileTest, PrivateDirectoryRefusesOneOpenToOthers) {
  const auto path = folder_ / "a" / "b";
  ASSERT_TRUE(MakePrivateDirectory(path).ok());
  ASSERT_TRUE(MakePrivateDirectory(path).ok());
  ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
  EXPECT_EQ(MakePrivateDirectory(path).code(), StatusCode::kPermissionDenied);
}

TEST_F(FileTest, SecondLockIsRefusedAndNamesTheHolder) {
  const auto lock = FileLock::TryAcquire(folder_ / "lock");
  ASSERT_TRUE(lock.ok());
  const auto second = FileLock::TryAcquire(folder_ / "lock");
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(second.status().message().ends_with(StrCat("process ", ::getpid())));
}

TEST_F(FileTest, WaitingForALockEndsAtTheDeadline) {
  const auto lock = FileLock::TryAcquire(folder_ / "lock");
  const auto begin = std::chrono::steady_clock::now();
  const auto second = FileLock::Acquire(folder_ / "lock", Deadline::After(milliseconds(50)));
  EXPECT_EQ(second.status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(50));
}

TEST_F(FileTest, LockOfAKilledProcessIsFree) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FileLock::TryAcquire(folder_ / "lock");
    const char answer = lock.ok() ? 'y' : 'n';
    static_cast<void>(!::write(ready[1], &answer, 1));
    ::pause();
    ::_exit(0);
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_FALSE(FileLock::TryAcquire(folder_ / "lock").ok());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(FileLock::TryAcquire(folder_ / "lock").ok());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(StateDirectoryTest, OwnVariableComesFirst) {
  ::setenv("FLEXMIG_STATE_DIR", "/a", 1);
  EXPECT_EQ(*StateDirectory(), "/a");
  ::unsetenv("FLEXMIG_STATE_DIR");
  ::setenv("XDG_RUNTIME_DIR", "/b", 1);
  EXPECT_EQ(*StateDirectory(), "/b/flexmig");
  ::unsetenv("XDG_RUNTIME_DIR");
  ::setenv("HOME", "/c", 1);
  EXPECT_EQ(*StateDirectory(), "/c/.local/state/flexmig");
  ::unsetenv("HOME");
  EXPECT_EQ(StateDirectory().status().code(), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace flexmig

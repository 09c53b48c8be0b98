#include "flexmig/report/atomic_file.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

namespace flexmig::report {
namespace {

class AtomicFileTest : public testing::Test {
 protected:
  AtomicFileTest() : folder_(StrCat(testing::TempDir(), "atomic_file_test.", ::getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~AtomicFileTest() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }
  const std::filesystem::path folder_;
};

TEST_F(AtomicFileTest, OldContentStandsUntilCommit) {
  const auto path = folder_ / "jobs.csv";
  ASSERT_TRUE(WriteFileAtomically(path, "old").ok());
  auto file = AtomicFile::Create(path);
  ASSERT_TRUE(file.ok());
  std::string expected;
  // More than the buffer, with pieces below and above its size.
  for (int i = 0; i < 40; ++i) {
    const std::string piece(static_cast<size_t>(i) * 10'000, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(file->Write(piece).ok());
    expected += piece;
  }
  EXPECT_EQ(*ReadFile(path), "old");
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(*ReadFile(path), expected);
  EXPECT_THAT(Names(), testing::ElementsAre("jobs.csv"));
}

TEST_F(AtomicFileTest, NothingStaysWithoutCommit) {
  {
    auto file = AtomicFile::Create(folder_ / "x");
    ASSERT_TRUE(file.ok());
    const AtomicFile moved = *std::move(file);
    EXPECT_EQ(Names().size(), 1U) << "the temporary file";
  }
  EXPECT_THAT(Names(), testing::IsEmpty());
}

TEST_F(AtomicFileTest, MissingFolderIsNotFound) {
  const auto file = AtomicFile::Create(folder_ / "no" / "x");
  EXPECT_EQ(file.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(file.status().message(), testing::HasSubstr((folder_ / "no" / "x").native()));
}

TEST_F(AtomicFileTest, FullDiskIsAnErrorAndKeepsTheOldContent) {
  const auto path = folder_ / "x";
  ASSERT_TRUE(WriteFileAtomically(path, "old").ok());
  // A limit on the file's size stands for the full disk: write(2) fails with EFBIG.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{100'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  Status status;
  {
    auto file = AtomicFile::Create(path);
    ASSERT_TRUE(file.ok());
    for (int i = 0; i < 10 && status.ok(); ++i) status = file->Write(std::string(50'000, 'x'));
    if (status.ok()) status = file->Commit();
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(*ReadFile(path), "old");
  EXPECT_THAT(Names(), testing::ElementsAre("x"));
}

}  // namespace
}  // namespace flexmig::report

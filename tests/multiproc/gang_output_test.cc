// What gangs of real processes read and write, and readers that are slow or gone.

#include <csignal>
#include <utility>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gang_fixture.h"

namespace flexmig::agent {
namespace {

using testing::HasSubstr;

TEST_F(GangTest, FirstRankAloneHasTheInput) {
  stdin_ = folder_ / "in";
  ASSERT_TRUE(WriteFileAtomically(stdin_, "for rank 0\n").ok());
  EXPECT_EQ(Run(Shell(2, "cat")), 0);
  EXPECT_EQ(Content("out"), "[0] for rank 0\n");
}

TEST_F(GangTest, LinesOfAMegabyteFromEachRankStayWhole) {
  constexpr int kLines = 16384;  // of 64 bytes: number, rank, dots, end
  const std::string dots(54, '.');
  EXPECT_EQ(Run(Shell(4, StrCat("awk 'BEGIN { for (i = 0; i < ", kLines, "; i++) printf \"%06d %s ",
                                dots, "\\n\", i, ENVIRON[\"RANK\"] }'"))),
            0);
  int next[4] = {};
  const auto lines = Lines(Content("out"));
  ASSERT_EQ(lines.size(), size_t{4} * kLines);
  for (const auto& line : lines) {
    const int rank = line[1] - '0';
    const std::string number = StrCat(next[rank]++);
    ASSERT_EQ(line, StrCat("[", rank, "] ", std::string(6 - number.size(), '0'), number, " ", rank,
                           " ", dots));
  }
}

TEST_F(GangTest, BegunLineIsShownBeforeItEnds) {
  Start(Shell(1, "printf 'password: '; sleep 60"));
  EXPECT_TRUE(Eventually([&] { return Content("out") == "[0] password: "; }));
}

TEST_F(GangTest, LastLineWithoutEndIsShown) {
  EXPECT_EQ(Run(Shell(1, "printf out; printf err >&2")), 0);
  EXPECT_EQ(Content("out"), "[0] out\n");
  EXPECT_EQ(Content("err"), "[0] err\n");
}

TEST_F(GangTest, WithoutPrefixBytesPassUnchanged) {
  GangSpec spec = Shell(1, "printf 'a\\0b\\377\\r no end'; printf 'err' >&2");
  spec.prefix = false;
  EXPECT_EQ(Run(spec), 0);
  EXPECT_EQ(Content("out"), std::string("a\0b\xff\r no end", 12));
  EXPECT_EQ(Content("err"), "err");
}

TEST_F(GangTest, OneFileForBothOutputsIsNotOverwritten) {
  GangSpec spec = Shell(2, "[ $RANK = 1 ] && sleep 0.2; printf a$RANK; echo b >&2; exit $RANK");
  Start(spec, folder_ / "out", folder_ / "out");
  EXPECT_EQ(tree_->ExitCode(), 1);
  EXPECT_EQ(Lines(Content("out")).size(), 5u) << Content("out");
  EXPECT_THAT(Content("out"), HasSubstr("flexmig run: rank 1"));
}

TEST_F(GangTest, VerboseNamesEveryRank) {
  GangSpec spec = Shell(2, "exit 0");
  spec.verbose = true;
  EXPECT_EQ(Run(spec), 0);
  EXPECT_THAT(Content("err"), HasSubstr("flexmig run: rank 1: leaf-1, process "));
}

class GangPipeTest : public GangTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
    // The reading end first, so that the other side does not wait for it.
    reader_ = ::open((folder_ / "fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ASSERT_GE(reader_, 0);
  }
  void TearDown() override {
    if (reader_ >= 0) ::close(reader_);
  }
};

TEST_F(GangPipeTest, ReaderThatLeavesEndsAWritingGang) {
  Start(Shell(2, "while :; do echo y; done"), folder_ / "fifo", folder_ / "err");
  char byte = 0;
  ASSERT_TRUE(Eventually([&] { return ::read(reader_, &byte, 1) == 1; }));
  ::close(std::exchange(reader_, -1));
  EXPECT_EQ(tree_->ExitCode(), 128 + SIGPIPE);
  EXPECT_THAT(Content("err"), HasSubstr("(Broken pipe)"));
  EXPECT_TRUE(tree_->IsGoneWithin(milliseconds(0)));
}

TEST_F(GangPipeTest, ReaderThatDoesNotReadDelaysNeitherDeathNorSupervision) {
  Start(Shell(2, StrCat("echo >> ", folder_.path().native(), "/ready; while :; do echo y; done")),
        folder_ / "fifo", folder_ / "err");
  ASSERT_TRUE(HasLines("ready", 2));
  ::usleep(100000);  // until all buffers are full
  ::kill(Front(), SIGKILL);
  EXPECT_TRUE(tree_->IsGoneWithin(Bound(seconds(1))));

  std::filesystem::remove(folder_ / "ready");
  Start(Shell(2, StrCat("echo >> ", folder_.path().native(), "/ready; while :; do echo y; done")),
        folder_ / "fifo", folder_ / "err");
  ASSERT_TRUE(HasLines("ready", 2));
  ::usleep(100000);
  Mark();
  ::kill(Front(), SIGTERM);
  EXPECT_EQ(tree_->ExitCode(), 128 + SIGTERM);
  EXPECT_LT(SinceStart(), Bound(seconds(3)));
}

TEST_F(GangPipeTest, SlowReaderGetsEverythingAfterTheRanksAreGone) {
  GangSpec spec = Shell(1, "head -c 200000 /dev/zero | tr '\\0' x");
  spec.prefix = false;
  spec.on_ranks_gone = [&] {
    static_cast<void>(WriteFileAtomically(folder_ / StrCat("gone", ::getpid()), ""));
  };
  Start(spec, folder_ / "fifo", folder_ / "err");
  // Front and keeper have let go of the leaves although nobody has read a byte.
  ASSERT_TRUE(
      Eventually([&] { return std::filesystem::exists(folder_ / StrCat("gone", Front())); }));
  size_t total = 0;
  char bytes[4096];
  ASSERT_TRUE(Eventually([&] {
    const ssize_t n = ::read(reader_, bytes, sizeof bytes);
    if (n > 0) total += static_cast<size_t>(n);
    return n == 0 && total > 0;
  }));
  EXPECT_EQ(total, 200000u);
  EXPECT_EQ(tree_->ExitCode(), 0);
}

}  // namespace
}  // namespace flexmig::agent

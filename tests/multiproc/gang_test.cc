// Gangs of real processes: exit codes, signals, and that no process survives the death of another.

#include <csignal>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/process.h"

#include "gang_fixture.h"

namespace flexmig::agent {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

// A rank that is ready says so in the file "ready", and then runs for a minute, with a child and a
// grandchild that has left the session and the process group.
std::string LongRank(const std::filesystem::path& folder) {
  return StrCat("setsid sh -c 'sleep 60 & sleep 60' & sleep 60 & echo $RANK >> ", folder.native(),
                "/ready; exec sleep 60");
}

TEST_F(GangTest, AllRanksEndingWithZeroIsZero) {
  EXPECT_EQ(Run(Shell(4, "exit 0")), 0);
  EXPECT_EQ(Content("err"), "");
  EXPECT_TRUE(tree_->IsGoneWithin(milliseconds(0)));
}

TEST_F(GangTest, RankThatEndsEarlyWithZeroIsWaitedFor) {
  EXPECT_EQ(Run(Shell(3, "[ $RANK = 1 ] || sleep 0.2; echo end of $RANK")), 0);
  EXPECT_EQ(Lines(Content("out"))[0], "[1] end of 1");
  EXPECT_EQ(Lines(Content("out")).size(), 3u);
}

TEST_F(GangTest, ExitCodeIsThatOfTheFirstFailingRank) {
  EXPECT_EQ(Run(Shell(4, "[ $RANK = 2 ] && exit 7; trap 'exit 9' TERM; sleep 60 & wait")), 7);
  EXPECT_THAT(Content("err"),
              testing::MatchesRegex("flexmig run: rank 2 \\(process [0-9]+, leaf-2\\) exited with "
                                    "status 7; stopping the other 3 ranks\n"));
}

TEST_F(GangTest, ExitCodeOfASignalIs128AndTheSignal) {
  EXPECT_EQ(Run(Shell(2, "[ $RANK = 1 ] && kill -SEGV $$; sleep 60")), 128 + SIGSEGV);
  EXPECT_THAT(Content("err"), HasSubstr("was killed by signal 11 (Segmentation fault)"));
}

TEST_F(GangTest, CommandThatDoesNotExistIs127) {
  EXPECT_EQ(Run(Gang(4, {"no-such-command", "x"})), 127);
  EXPECT_EQ(Content("err"),
            "flexmig run: cannot run 'no-such-command': No such file or directory\n");
}

TEST_F(GangTest, CommandThatIsNotExecutableIs126) {
  ASSERT_TRUE(WriteFileAtomically(folder_ / "data", "text").ok());
  EXPECT_EQ(Run(Gang(2, {(folder_ / "data").native()})), 126);
  EXPECT_THAT(Content("err"), HasSubstr("data': Permission denied"));
  std::filesystem::remove(folder_ / "err");
  EXPECT_EQ(Run(Gang(2, {folder_.path().native()})), 126) << "a folder";
}

TEST_F(GangTest, GangsOfNothingAreInvalid) {
  EXPECT_EQ(Run(Shell(0, "exit 0")), 98);
  EXPECT_THAT(Content("result"), HasSubstr("kInvalidArgument"));
  EXPECT_EQ(Run(Gang(1, {})), 98);
  EXPECT_EQ(Run(Gang(1, {""})), 98);
}

TEST_F(GangTest, VariablesOfARankReplaceTheLaunchers) {
  GangSpec spec = Shell(2, "echo $KEPT $RANK $GIVEN");
  spec.ranks[0].variables["GIVEN"] = "a b";
  spec.ranks[1].variables["GIVEN"] = "";
  ::setenv("KEPT", "kept", 1);
  ::setenv("RANK", "launcher's", 1);
  EXPECT_EQ(Run(spec), 0);
  ::unsetenv("KEPT");
  ::unsetenv("RANK");
  EXPECT_THAT(Lines(Content("out")), UnorderedElementsAre("[0] kept 0 a b", "[1] kept 1"));
}

TEST_F(GangTest, RankInheritsNoDescriptorAndNoBlockedSignalOfOurs) {
  // What the test itself was started with passes through.
  int passed_on = 0;
  for (int fd = 3; fd < 1024; ++fd) passed_on += ::fcntl(fd, F_GETFD) == 0 ? 1 : 0;
  EXPECT_EQ(Run(Shell(1, "ls /proc/self/fd | wc -l; grep -E 'SigBlk|SigIgn' /proc/self/status")),
            0);
  // ls has 0, 1, 2 and the folder that it reads.
  EXPECT_EQ(Content("out"),
            StrCat("[0] ", 4 + passed_on,
                   "\n[0] SigBlk:\t0000000000000000\n[0] SigIgn:\t0000000000000000\n"));
}

TEST_F(GangTest, RanksAreAnnouncedBeforeAnyOfThemRuns) {
  GangSpec spec = Shell(3, StrCat("echo run >> ", folder_.path().native(), "/log"));
  spec.on_rank_started = [&](Rank, pid_t pid) {
    const int fd = ::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    const bool ok = test::NameOf(pid).starts_with("flexmig") && ::write(fd, "new\n", 4) == 4;
    ::close(fd);
    return ok ? OkStatus() : InternalError("not a rank");
  };
  EXPECT_EQ(Run(spec), 0);
  EXPECT_EQ(Content("log"), "new\nnew\nnew\nrun\nrun\nrun\n");
}

TEST_F(GangTest, RefusedRankKeepsTheGangFromRunning) {
  GangSpec spec = Shell(3, "echo run");
  spec.on_rank_started = [](Rank rank, pid_t) {
    return rank == Rank(1) ? UnavailableError("no") : OkStatus();
  };
  EXPECT_EQ(Run(spec), 98);
  EXPECT_EQ(Content("result"), "kUnavailable: no");
  EXPECT_EQ(Content("out"), "");
}

TEST_F(GangTest, GangDiesWithinTwoSecondsOfARank) {
  const std::string ready = folder_ / "ready";
  Start(Shell(4, StrCat("[ $RANK = 3 ] && { while [ $(cat ", ready,
                        " | wc -l) -lt 3 ]; do sleep 0.01; done; exit 5; }; trap '' TERM; echo >> ",
                        ready, "; while :; do sleep 1; done")));
  ASSERT_TRUE(HasLines("ready", 3));
  Mark();
  EXPECT_EQ(tree_->ExitCode(), 5);
  EXPECT_LT(SinceStart(), Bound(seconds(2)));
  EXPECT_GE(SinceStart(), milliseconds(900)) << "the others have a second to end";
  EXPECT_THAT(Content("err"), HasSubstr("killing ranks 0, 1, 2, which did not end in time"));
  EXPECT_TRUE(tree_->IsGoneWithin(milliseconds(0)));
}

TEST_F(GangTest, StoppedRankDiesWithItsGang) {
  Mark();
  EXPECT_EQ(Run(Shell(2, "[ $RANK = 0 ] && kill -STOP $$; sleep 0.1; exit 5")), 5);
  EXPECT_LT(SinceStart(), Bound(seconds(1)));
}

TEST_F(GangTest, ProcessesLeftInTheBackgroundAreKilled) {
  EXPECT_EQ(Run(Shell(2, "setsid sh -c 'setsid sleep 60 & sleep 60' > /dev/null & sleep 60 &")), 0);
  EXPECT_TRUE(tree_->IsGoneWithin(milliseconds(0)));
}

TEST_F(GangTest, KilledFrontLeavesNothing) {
  Start(Shell(3, LongRank(folder_.path())));
  ASSERT_TRUE(HasLines("ready", 3));
  ASSERT_TRUE(Eventually([&] { return tree_->Alive().size() == 2 + 3 * 5u; }));
  ::kill(Front(), SIGKILL);
  EXPECT_TRUE(tree_->IsGoneWithin(Bound(seconds(1))));
}

TEST_F(GangTest, KilledKeeperLeavesNothingAndIsReported) {
  Start(Shell(3, LongRank(folder_.path())));
  ASSERT_TRUE(HasLines("ready", 3));
  ::kill(Keeper(), SIGKILL);
  EXPECT_EQ(tree_->ExitCode(), 137);
  EXPECT_TRUE(tree_->IsGoneWithin(milliseconds(0)));
  EXPECT_THAT(Content("result"), testing::MatchesRegex("the keeper \\(process [0-9]+\\) was killed "
                                                       "by signal 9 \\(Killed\\); all ranks were "
                                                       "killed"));
}

TEST_F(GangTest, KilledProcessGroupLeavesNothing) {
  Start(Shell(2, LongRank(folder_.path())));
  ASSERT_TRUE(HasLines("ready", 2));
  // The keeper is in a group of its own, so that such a kill cannot take both guardians.
  ASSERT_EQ(::setpgid(Front(), Front()), 0);
  ::kill(-Front(), SIGKILL);
  EXPECT_TRUE(tree_->IsGoneWithin(Bound(seconds(1))));
}

TEST_F(GangTest, AnyKilledRankEndsTheGang) {
  for (int rank = 0; rank < 3; ++rank) {
    std::filesystem::remove(folder_ / "ready");
    GangSpec spec = Shell(3, LongRank(folder_.path()));
    spec.on_rank_started = [&, rank](Rank r, pid_t pid) {
      return r == Rank(rank) ? WriteFileAtomically(folder_ / "victim", StrCat(pid)) : OkStatus();
    };
    Start(spec);
    ASSERT_TRUE(HasLines("ready", 3));
    Mark();
    ::kill(static_cast<pid_t>(*ParseInt(Content("victim"), 1, INT32_MAX)), SIGKILL);
    EXPECT_EQ(tree_->ExitCode(), 137);
    EXPECT_LT(SinceStart(), Bound(seconds(2)));
    EXPECT_TRUE(tree_->IsGoneWithin(milliseconds(0)));
    EXPECT_THAT(Content("err"), HasSubstr(StrCat("rank ", rank, " (process")));
  }
}

TEST_F(GangTest, CallbackForTheEndRunsInKeeperAndFront) {
  GangSpec spec = Shell(2, "sleep 60 & exit 0");
  spec.on_ranks_gone = [&] {
    const int fd = ::open((folder_ / "gone").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    const std::string line = StrCat(DescendantsOf(::getpid()).size(), "\n");
    static_cast<void>(!::write(fd, line.data(), line.size()));
    ::close(fd);
  };
  EXPECT_EQ(Run(spec), 0);
  EXPECT_THAT(Lines(Content("gone")),
              testing::AnyOf(testing::ElementsAre("0", "0"), testing::ElementsAre("0", "1")))
      << "the front may still have the keeper";
}

TEST_F(GangTest, SignalsOfTheUserReachTheRanks) {
  const struct {
    int signal_number;
    const char* name;
  } kCases[] = {{SIGINT, "INT"},   {SIGTERM, "TERM"}, {SIGHUP, "HUP"},
                {SIGQUIT, "QUIT"}, {SIGUSR1, "USR1"}, {SIGUSR2, "USR2"}};
  for (const auto& [signal_number, name] : kCases) {
    std::filesystem::remove(folder_ / "ready");
    std::filesystem::remove(folder_ / "out");
    Start(Shell(2, StrCat("trap 'echo got ", name, "; exit 0' ", name, "; echo >> ",
                          folder_.path().native(), "/ready; while :; do sleep 0.01; done")));
    ASSERT_TRUE(HasLines("ready", 2));
    ::kill(Front(), signal_number);
    EXPECT_EQ(tree_->ExitCode(), 0) << name;
    EXPECT_THAT(Lines(Content("out")),
                UnorderedElementsAre(StrCat("[0] got ", name), StrCat("[1] got ", name)));
  }
}

TEST_F(GangTest, RanksThatDieOfTheUsersSignalGiveItsExitCode) {
  Start(Shell(3, LongRank(folder_.path())));
  ASSERT_TRUE(HasLines("ready", 3));
  ::kill(Front(), SIGINT);
  EXPECT_EQ(tree_->ExitCode(), 128 + SIGINT);
  EXPECT_EQ(Content("err"), "") << "the user knows";
  EXPECT_TRUE(tree_->IsGoneWithin(milliseconds(0)));
}

TEST_F(GangTest, RanksThatIgnoreTheUsersSignalAreKilledAfterTheGrace) {
  GangSpec spec = Shell(2, StrCat("trap '' TERM; ", LongRank(folder_.path())));
  spec.signal_grace = milliseconds(300);
  Start(spec);
  ASSERT_TRUE(HasLines("ready", 2));
  Mark();
  ::kill(Front(), SIGTERM);
  EXPECT_EQ(tree_->ExitCode(), 128 + SIGTERM);
  EXPECT_GE(SinceStart(), milliseconds(300));
  EXPECT_LT(SinceStart(), Bound(seconds(2)));
  EXPECT_THAT(Content("err"), HasSubstr("killing ranks 0, 1, which did not end in time"));
}

TEST_F(GangTest, RankThatEndsInTimeKeepsTheGraceOfTheOthers) {
  GangSpec spec = Shell(2, StrCat("trap 'sleep $((RANK * 2)); echo saved; exit 3' TERM; echo >> ",
                                  folder_.path().native(), "/ready; while :; do sleep 0.01; done"));
  Start(spec);
  ASSERT_TRUE(HasLines("ready", 2));
  ::kill(Front(), SIGTERM);
  EXPECT_EQ(tree_->ExitCode(), 3);
  EXPECT_EQ(Content("out"), "[0] saved\n[1] saved\n");
}

TEST_F(GangTest, SecondSignalKillsAtOnce) {
  Start(Shell(2, StrCat("trap '' INT TERM; ", LongRank(folder_.path()))));
  ASSERT_TRUE(HasLines("ready", 2));
  Mark();
  ::kill(Front(), SIGINT);
  ::kill(Front(), SIGTERM);
  EXPECT_EQ(tree_->ExitCode(), 128 + SIGINT);
  EXPECT_LT(SinceStart(), Bound(seconds(1)));
  EXPECT_TRUE(tree_->IsGoneWithin(milliseconds(0)));
}

TEST_F(GangTest, SignalWhileTheGangDiesKillsAtOnce) {
  const std::string ready = folder_ / "ready";
  GangSpec spec = Shell(2, StrCat("[ $RANK = 0 ] && { while ! [ -e ", ready,
                                  " ]; do sleep 0.01; done; exit 4; }; trap '' TERM; echo > ",
                                  ready, "; sleep 60; exit 0"));
  spec.failure_grace = seconds(30);
  Start(spec);
  ASSERT_TRUE(HasLines("err", 1));
  ::kill(Front(), SIGINT);
  EXPECT_EQ(tree_->ExitCode(), 4);
  EXPECT_LT(SinceStart(), Bound(seconds(5)));
}

TEST_F(GangTest, SignalsWhileTheGangStartsLeaveNothing) {
  // The front is signalled as soon as it exists, and then a bit later each time.
  for (int delay_us = 0; delay_us < 10000; delay_us += 400) {
    Start(Gang(4, {"sleep", "60"}));
    if (!Eventually([&] {  // until the signals are watched, a signal would just end the process
          const auto status = ReadFile(StrCat("/proc/", Front(), "/status"));
          return status.ok() && status->find("SigBlk:\t0000000000000000") == std::string::npos;
        })) {
      FAIL();
    }
    ::usleep(static_cast<useconds_t>(delay_us));
    ::kill(Front(), SIGINT);
    EXPECT_EQ(tree_->ExitCode(), 128 + SIGINT);
    EXPECT_TRUE(tree_->IsGoneWithin(milliseconds(0)));
  }
}

TEST_F(GangTest, IgnoredHangupStaysIgnored) {
  const auto before = ::signal(SIGHUP, SIG_IGN);
  Start(Shell(1, StrCat("echo >> ", folder_.path().native(), "/ready; sleep 0.3; exit 6")));
  ::signal(SIGHUP, before);
  ASSERT_TRUE(HasLines("ready", 1));
  ::kill(Front(), SIGHUP);
  EXPECT_EQ(tree_->ExitCode(), 6);
}

TEST_F(GangTest, StopAndContinueReachTheRanks) {
  // The kernel drops SIGTSTP in an orphaned process group, such as that of a job without terminal.
  // In a group of its own, below a parent of the same session, the front is not orphaned.
  ::setpgid(0, 0);
  Start(Shell(2, StrCat("echo >> ", folder_.path().native(), "/ready; while :; do echo >> ",
                        folder_.path().native(), "/beat; sleep 0.01; done")));
  ASSERT_TRUE(HasLines("ready", 2));
  const auto state = [](pid_t pid) {
    const auto stat = ReadFile(StrCat("/proc/", pid, "/stat"));
    return stat.ok() ? (*stat)[stat->rfind(')') + 2] : '?';
  };
  ::kill(Front(), SIGTSTP);
  EXPECT_TRUE(Eventually([&] { return state(Front()) == 'T'; }));
  const auto beats = [&] { return Content("beat").size(); };
  EXPECT_TRUE(Eventually([&] {
    const auto before = beats();
    ::usleep(50000);
    return beats() == before;
  }));
  EXPECT_NE(state(Keeper()), 'T') << "it has to see the death of the front";
  const auto before = beats();
  ::kill(Front(), SIGCONT);
  EXPECT_TRUE(Eventually([&] { return beats() > before; }));
  ::kill(Front(), SIGTERM);
  EXPECT_EQ(tree_->ExitCode(), 128 + SIGTERM);
}

TEST_F(GangTest, FrontKilledWhileStoppedLeavesNothing) {
  Start(Shell(2, LongRank(folder_.path())));
  ASSERT_TRUE(HasLines("ready", 2));
  ::kill(Front(), SIGTSTP);
  ::kill(Front(), SIGKILL);
  EXPECT_TRUE(tree_->IsGoneWithin(Bound(seconds(1))));
}

TEST_F(GangTest, StoppedKeeperDoesNotWithstandTwoSignals) {
  GangSpec spec = Shell(2, LongRank(folder_.path()));
  spec.signal_grace = milliseconds(200);
  Start(spec);
  ASSERT_TRUE(HasLines("ready", 2));
  ::kill(Keeper(), SIGSTOP);
  ::kill(Front(), SIGINT);
  ::usleep(20000);  // or both would be one signal
  ::kill(Front(), SIGTERM);
  EXPECT_EQ(tree_->ExitCode(), 137);
  EXPECT_TRUE(tree_->IsGoneWithin(milliseconds(0)));
}

TEST(StandardFdTest, ClosedOnesAreReplaced) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(STDIN_FILENO);
    ::close(STDERR_FILENO);
    if (!OpenMissingStandardFds().ok()) ::_exit(1);
    const bool open = ::fcntl(STDIN_FILENO, F_GETFD) >= 0 && ::fcntl(STDERR_FILENO, F_GETFD) >= 0;
    ::_exit(open ? 0 : 2);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace flexmig::agent

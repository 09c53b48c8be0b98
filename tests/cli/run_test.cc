// `flexmig run` as users type it, on a simulated node of two A100-40 cut into 14 leaves.

#include <csignal>
#include <map>
#include <set>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flexmig/base/file.h"
#include "flexmig/base/process.h"
#include "flexmig/base/strings.h"

#include "process_tree.h"
#include "simulated_node.h"

namespace flexmig {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Bound;
using test::Eventually;
using test::ProcessTree;
using testing::HasSubstr;
using testing::MatchesRegex;

using Arguments = std::vector<std::string>;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (const auto line : StrSplit(text, '\n')) lines.emplace_back(line);
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

class RunTest : public testing::Test {
 protected:
  void SetUp() override { node_.Flatten(); }

  // Starts `flexmig run <arguments>`; its output goes to "<name>.out" and "<name>.err".
  ProcessTree& Start(const Arguments& arguments, const std::string& name = "run") {
    trees_.push_back(node_.Run(arguments, {.standard_input = "/dev/null",
                                           .standard_output = File(name + ".out"),
                                           .standard_error = File(name + ".err")}));
    return *trees_.back();
  }
  int Run(const Arguments& arguments, const std::string& name = "run") {
    std::filesystem::remove(File(name + ".out"));
    std::filesystem::remove(File(name + ".err"));
    return Start(arguments, name).ExitCode();
  }
  int Shell(Arguments arguments, const std::string& script) {
    arguments.insert(arguments.end(), {"--", "/bin/sh", "-c", script});
    return Run(arguments);
  }
  // Starts a job that keeps `count` leaves until the test ends or kills it.
  ProcessTree& Hold(int count) {
    ProcessTree& job =
        Start({"-n", StrCat(count), "--job-id", "holder", "--", "/bin/sh", "-c", "exec sleep 60"},
              "hold");
    EXPECT_TRUE(Eventually(
        [&] { return std::ssize(node_.Leases()) == count && IsRunning("sleep", count); }));
    return job;
  }
  bool IsRunning(const std::string& name, int count) {
    int running = 0;
    for (const pid_t pid : DescendantsOf(::getpid())) running += test::NameOf(pid) == name ? 1 : 0;
    return running >= count;
  }
  std::string File(const std::string& name) const { return node_.folder() / name; }
  std::string Content(const std::string& name) {
    const auto content = ReadFile(File(name));
    return content.ok() ? *content : "";
  }
  void ExpectNothingLeft(ProcessTree& tree) {
    EXPECT_TRUE(tree.IsGoneWithin(milliseconds(0)));
    EXPECT_TRUE(node_.Leases().empty());
    EXPECT_EQ(node_.QueueLength(), 0u);
    EXPECT_EQ(node_.ProcessCount(), 0u);
  }

  test::SimulatedNode node_{"a100-40x2"};
  std::vector<std::unique_ptr<ProcessTree>> trees_;
};

TEST_F(RunTest, EveryRankSeesTorchrunsVariablesAndOneLeaf) {
  ASSERT_EQ(Shell({"-n", "4", "--job-id", "train", "--policy", "first-fit"},
                  "echo $RANK $WORLD_SIZE $LOCAL_RANK $MASTER_ADDR $FLEXMIG_JOB_ID "
                  "$CUDA_VISIBLE_DEVICES; echo $FLEXMIG_LEAVES $MASTER_PORT $FLEXMIG_SEGMENT >&2"),
            0);
  const auto leaves = node_.Inventory().leaves;
  const auto lines = Lines(Content("run.out"));
  ASSERT_EQ(lines.size(), 4u);
  for (int r = 0; r < 4; ++r) {
    EXPECT_THAT(lines, testing::Contains(StrCat("[", r, "] ", r, " 4 ", r, " 127.0.0.1 train ",
                                                leaves[static_cast<size_t>(r)].uuid.value())));
  }
  std::set<std::string> shared;
  for (const auto& line : Lines(Content("run.err"))) shared.insert(line.substr(4));
  ASSERT_EQ(shared.size(), 1u) << "all ranks have one list of leaves, one port, one segment";
  EXPECT_THAT(*shared.begin(), MatchesRegex("0:MIG-.*,0:MIG-.*,0:MIG-.*,0:MIG-[^ ]* [0-9]+ "
                                            "[0-9a-f]+"));
  ExpectNothingLeft(*trees_.back());
}

TEST_F(RunTest, RankPerNodeMakesLocalRankTheNumberOfTheDevice) {
  ASSERT_EQ(Shell({"-n", "3", "--rank-per-node"},
                  "[ $LOCAL_RANK$LOCAL_WORLD_SIZE = 01 ] && [ $GROUP_RANK = $RANK ] && "
                  "[ $WORLD_SIZE = 3 ]"),
            0);
}

TEST_F(RunTest, SizesInTheUsersWords) {
  EXPECT_EQ(Shell({"--like", "3g.20gb"}, "[ $WORLD_SIZE = 5 ]"), 0);
  EXPECT_EQ(Shell({"--gpu-fraction", "0.81"}, "[ $WORLD_SIZE = 6 ]"), 0);
  EXPECT_EQ(Shell({"-n", "2", "--policy", "spread", "-v"}, "exit 0"), 0);
  EXPECT_THAT(Content("run.err"), HasSubstr("rank 0: GPU 0, MIG-"));
  EXPECT_THAT(Content("run.err"), HasSubstr("rank 1: GPU 1, MIG-"));
}

TEST_F(RunTest, ImpossibleSizesExitWithTwoAndNameTheLargest) {
  for (const char* count : {"15", "0", "-1", "4000000000", "9223372036854775807"}) {
    EXPECT_EQ(Run({"-n", count, "--", "true"}), 2) << count;
    EXPECT_THAT(Content("run.err"), HasSubstr("14")) << count;
  }
  EXPECT_EQ(Run({"-n", "8", "--max-gpus", "1", "--", "true"}), 2);
  EXPECT_THAT(Content("run.err"), HasSubstr("largest possible number is 7"));
  EXPECT_EQ(Run({"-n", "8", "--max-gpus", "0", "--", "true"}), 2);
  EXPECT_EQ(Run({"-n", "1", "--mem-per-rank", "5GiB", "--", "true"}), 2);
  EXPECT_THAT(Content("run.err"), HasSubstr("4.75 GiB"));
  EXPECT_EQ(Run({"--like", "3g.20gb", "--mem-per-rank", "5GiB", "--", "true"}), 2);
  EXPECT_THAT(Content("run.err"), HasSubstr("4.75 GiB"));
  EXPECT_EQ(Run({"--gpu-fraction", "0", "--", "true"}), 2);
  EXPECT_EQ(Run({"--gpu-fraction", "2.5", "--", "true"}), 2) << "18 leaves";
}

TEST_F(RunTest, MalformedFlagsExitWithTwoAndAreNamed) {
  const struct {
    Arguments arguments;
    const char* message;
  } kCases[] = {
      {{"-n", "four", "--", "true"}, "-n: 'four'"},
      {{"-n", "99999999999999999999", "--", "true"}, "-n: '99999999999999999999'"},
      {{"-n", "4"}, "no command"},
      {{"-n", "4", "true"}, "true"},
      {{"-n", "4", "--"}, "no command"},
      {{"-n", "4", "--", ""}, "no command"},
      {{"--", "true"}, "-n,--leaves"},
      {{"-n", "4", "--like", "3g.20gb", "--", "true"}, "2 were given"},
      {{"-n", "4", "--mem-per-rank", "14", "--", "true"}, "--mem-per-rank: '14'"},
      {{"-n", "4", "--max-gpus", "x", "--", "true"}, "--max-gpus: 'x'"},
      {{"-n", "4", "--wait-timeout", "10", "--", "true"}, "--wait-timeout: '10'"},
      {{"-n", "4", "--wait-timeout", "1s", "--no-wait", "--", "true"}, "--no-wait"},
      {{"-n", "4", "--job-id", "a/b", "--", "true"}, "--job-id: 'a/b'"},
      {{"-n", "4", "--backend", "cuda", "--", "true"}, "'cuda'"},
      {{"-n", "4", "--collectives", "mpi", "--", "true"}, "--collectives: 'mpi'"},
      {{"-n", "4", "--nccl", "/etc/passwd", "--", "true"}, "--nccl: /etc/passwd"},
  };
  for (const auto& [arguments, message] : kCases) {
    EXPECT_EQ(Run(arguments), 2) << message;
    EXPECT_THAT(Content("run.err"), HasSubstr(message));
  }
  EXPECT_EQ(Run({"-n", "1", "--backend", "sim:none", "--", "true"}), 4);
  EXPECT_EQ(Run({"-n", "1", "--policy", "none", "--", "true"}), 4);
  EXPECT_EQ(Run({"--like", "9g.90gb", "--", "true"}), 4);
}

TEST_F(RunTest, NodeWithoutLeavesExitsWithThreeAndSaysHowToGetSome) {
  EXPECT_EQ(Run({"-n", "1", "--backend", "sim:h100-80x1", "--", "true"}), 3);
  EXPECT_THAT(Content("run.err"),
              HasSubstr("flexmig apply --backend sim:h100-80x1 --layout 7x1g.10gb"));
}

TEST_F(RunTest, CommandLineOfTheRankIsNotParsed) {
  EXPECT_EQ(Run({"-n", "1", "--no-prefix", "--", "/usr/bin/printf", "%s|", "--", "-n", "[1,2]", "",
                 "a b"}),
            0);
  EXPECT_EQ(Content("run.out"), "--|-n|[1,2]||a b|");
}

TEST_F(RunTest, ExitCodesOfTheRanksPassThrough) {
  EXPECT_EQ(Shell({"-n", "4"}, "[ $RANK = 2 ] && exit 42; exec sleep 60"), 42);
  EXPECT_THAT(Content("run.err"), HasSubstr("rank 2 (process"));
  EXPECT_EQ(Shell({"-n", "2"}, "kill -9 $$"), 137);
  EXPECT_EQ(Run({"-n", "2", "--", "no-such-command"}), 127);
  EXPECT_EQ(Run({"-n", "2", "--", "/etc/passwd"}), 126);
  ExpectNothingLeft(*trees_.back());
}

TEST_F(RunTest, LeavesAreInUseWhileTheJobRuns) {
  ProcessTree& job = Hold(3);
  EXPECT_EQ(node_.ProcessCount(), 3u);
  const auto leases = node_.Leases();
  ASSERT_EQ(leases.size(), 3u);
  EXPECT_EQ(leases.begin()->second.job, JobId("holder"));
  EXPECT_EQ(leases.begin()->second.pid, job.root());
  EXPECT_EQ(leases.begin()->second.command, "/bin/sh -c exec sleep 60");
  ::kill(job.root(), SIGTERM);
  EXPECT_EQ(job.ExitCode(), 128 + SIGTERM);
  ExpectNothingLeft(job);
}

TEST_F(RunTest, BusyLeavesExitWithThreeWithoutWaiting) {
  Hold(12);
  EXPECT_EQ(Run({"-n", "3", "--no-wait", "--", "true"}), 3);
  EXPECT_THAT(Content("run.err"), HasSubstr("3 leaves are not free together now"));
  EXPECT_EQ(Run({"-n", "2", "--no-wait", "--", "true"}), 0);
}

TEST_F(RunTest, BusyLeavesAreWaitedForAndTheHolderIsNamed) {
  ProcessTree& holder = Hold(12);
  ProcessTree& waiter = Start({"-n", "4", "--", "/bin/sh", "-c", "echo ran"});
  ASSERT_TRUE(Eventually([&] { return Lines(Content("run.err")).size() == 2; }));
  EXPECT_THAT(Content("run.err"),
              MatchesRegex(StrCat("flexmig run: waiting: 4 leaves are not free.*\n"
                                  "flexmig run:   12 leaves: job holder of .*, process ",
                                  holder.root(), ", since .*: /bin/sh -c exec sleep 60\n")));
  EXPECT_EQ(node_.QueueLength(), 1u);
  // Two are free, but somebody is first.
  EXPECT_EQ(Run({"-n", "1", "--no-wait", "--", "true"}, "late"), 3);
  EXPECT_THAT(Content("late.err"), HasSubstr(StrCat("process ", waiter.root())));
  ::kill(holder.root(), SIGKILL);
  EXPECT_EQ(waiter.ExitCode(), 0);
  EXPECT_EQ(Lines(Content("run.out")).size(), 4u);
  ExpectNothingLeft(waiter);
}

TEST_F(RunTest, WaitThatTakesTooLongExitsWithFive) {
  Hold(14);
  EXPECT_EQ(Run({"-n", "1", "--wait-timeout", "100ms", "--", "true"}), 5);
  EXPECT_EQ(node_.QueueLength(), 0u);
}

TEST_F(RunTest, SecondJobOfAnIdExitsWithFour) {
  Hold(1);
  EXPECT_EQ(Run({"-n", "1", "--job-id", "holder", "--", "true"}), 4);
  EXPECT_THAT(Content("run.err"), HasSubstr("job 'holder' is running as process"));
}

TEST_F(RunTest, SignalWhileWaitingLeavesTheQueue) {
  ProcessTree& holder = Hold(14);
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    ProcessTree& waiter = Start({"-n", "1", "--", "true"});
    ASSERT_TRUE(Eventually([&] { return node_.QueueLength() == 1; }));
    ::kill(waiter.root(), signal_number);
    EXPECT_EQ(waiter.ExitCode(), 128 + signal_number);
    EXPECT_EQ(node_.QueueLength(), 0u);
  }
  EXPECT_EQ(std::ssize(node_.Leases()), 14);
  ::kill(holder.root(), SIGINT);
  EXPECT_EQ(holder.ExitCode(), 128 + SIGINT);
  ExpectNothingLeft(holder);
}

TEST_F(RunTest, JobsAtOneTimeNeverShareALeaf) {
  // Each rank makes a folder named after its leaf and fails if there is one.
  std::filesystem::create_directory(File("owned"));
  const std::string script = StrCat("cd ", File("owned"),
                                    " && mkdir $CUDA_VISIBLE_DEVICES && sleep 0.05 && rmdir "
                                    "$CUDA_VISIBLE_DEVICES");
  std::vector<ProcessTree*> jobs;
  for (int i = 0; i < 12; ++i) {
    jobs.push_back(&Start({"-n", StrCat(1 + i * 5 % 9), "--policy", i % 2 == 0 ? "pack" : "spread",
                           "--", "/bin/sh", "-c", script},
                          StrCat("job", i)));
  }
  for (size_t i = 0; i < jobs.size(); ++i) {
    EXPECT_EQ(jobs[i]->ExitCode(), 0) << Content(StrCat("job", i, ".err"));
  }
  ExpectNothingLeft(*jobs.back());
}

TEST_F(RunTest, OutputIntoHeadEndsTheJob) {
  ASSERT_EQ(::mkfifo(File("pipe").c_str(), 0600), 0);
  const int reader = ::open(File("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ProcessTree& job = *trees_.emplace_back(
      node_.Run({"-n", "2", "--", "/usr/bin/yes"}, {.standard_input = "/dev/null",
                                                    .standard_output = File("pipe"),
                                                    .standard_error = File("run.err")}));
  char byte = 0;
  ASSERT_TRUE(Eventually([&] { return ::read(reader, &byte, 1) == 1; }));
  ::close(reader);
  const int exit_code = job.ExitCode();  // yes reports the closed pipe, or dies of it
  EXPECT_TRUE(exit_code == 1 || exit_code == 128 + SIGPIPE) << exit_code;
  ExpectNothingLeft(job);
}

TEST_F(RunTest, ClosedDescriptorsDoNotMixUpFiles) {
  const std::string script =
      StrCat("exec ", FLEXMIG_BINARY, " run -n 2 -- echo text <&- >&- 2>", File("closed.err"));
  const std::string state = node_.folder() / "state";
  ProcessTree tree({}, [&] {
    ::setenv("FLEXMIG_STATE_DIR", state.c_str(), 1);
    ::setenv("FLEXMIG_BACKEND", node_.backend().c_str(), 1);
    ::execl("/bin/sh", "sh", "-c", script.c_str(), nullptr);
    return 125;
  });
  EXPECT_EQ(tree.ExitCode(), 0) << Content("closed.err");
  ExpectNothingLeft(tree);
}

// Variables of this process, and with it of the commands it starts, for the time of a test.
class RunCollectivesTest : public RunTest {
 protected:
  void TearDown() override {
    for (const auto& name : set_) ::unsetenv(name.c_str());
  }
  void Set(const std::string& name, const std::string& value) {
    ::setenv(name.c_str(), value.c_str(), 1);
    set_.push_back(name);
  }
  // What the ranks print, without the order between them.
  std::multiset<std::string> Output() {
    const auto lines = Lines(Content("run.out"));
    return {lines.begin(), lines.end()};
  }

  std::vector<std::string> set_;
};

TEST_F(RunCollectivesTest, HsmPutsOurLibraryInFrontOfWhatTheUserPreloads) {
  Set("FLEXMIG_NCCL_DROPIN", FLEXMIG_SOME_LIBRARY);
  Set("LD_PRELOAD", FLEXMIG_OTHER_LIBRARY);
  // The command itself has it preloaded, too, which AddressSanitizer would not have.
  const char* const options = ::getenv("ASAN_OPTIONS");
  Set("ASAN_OPTIONS", StrCat(options != nullptr ? options : "", ":verify_asan_link_order=0"));
  ASSERT_EQ(Shell({"-n", "2", "--collectives", "hsm", "-v"},
                  "echo $LD_PRELOAD; grep -c libsome-library.so /proc/self/maps >/dev/null && "
                  "grep -c libother-library.so /proc/self/maps >/dev/null && echo both"),
            0);
  const std::string value = StrCat(FLEXMIG_SOME_LIBRARY, ":", FLEXMIG_OTHER_LIBRARY);
  EXPECT_EQ(Output(), (std::multiset<std::string>{StrCat("[0] ", value), StrCat("[1] ", value),
                                                  "[0] both", "[1] both"}));
  EXPECT_THAT(Content("run.err"), HasSubstr("flexmig run: collectives: hsm: as asked\n"));
  EXPECT_THAT(Content("run.err"), HasSubstr(StrCat("flexmig run:   LD_PRELOAD=", value, "\n")));
  EXPECT_THAT(Content("run.err"), HasSubstr(StrCat("flexmig run:   FLEXMIG_SIM_NODE=a100-40x2\n")));
}

TEST_F(RunCollectivesTest, ALibraryThatIsNotThereExitsWithFourBeforeAnythingIsLeased) {
  Set("FLEXMIG_NCCL_DROPIN", File("none"));
  for (const char* mode : {"hsm", "auto"}) {
    EXPECT_EQ(Run({"-n", "2", "--collectives", mode, "--", "true"}), 4);
    EXPECT_THAT(Content("run.err"), HasSubstr("FLEXMIG_NCCL_DROPIN: no file "));
  }
  EXPECT_EQ(Run({"-n", "2", "--collectives", "none", "--", "true"}), 0);
  EXPECT_EQ(Run({"-n", "2", "--collectives", "nccl", "--", "true"}), 0);
}

TEST_F(RunCollectivesTest, TheEnvironmentsModeIsWeakerThanTheFlag) {
  Set("FLEXMIG_NCCL_DROPIN", FLEXMIG_SOME_LIBRARY);
  Set("FLEXMIG_COLLECTIVES", "none");
  EXPECT_EQ(Shell({"-n", "2"}, "[ -z \"$LD_PRELOAD\" ]"), 0);
  EXPECT_EQ(Shell({"-n", "2", "--collectives", "hsm"}, "[ -n \"$LD_PRELOAD\" ]"), 0);
  Set("FLEXMIG_COLLECTIVES", "some");
  EXPECT_EQ(Shell({"-n", "2"}, "true"), 2);
  EXPECT_THAT(Content("run.err"), HasSubstr("'some' is not auto, hsm, nccl or none"));
}

TEST_F(RunCollectivesTest, AutoLeavesProgramsWithoutNcclAlone) {
  Set("FLEXMIG_NCCL_DROPIN", FLEXMIG_SOME_LIBRARY);
  const std::string script = "cat; echo $RANK $#; echo error >&2; exit $((RANK * 3))";
  EXPECT_EQ(Shell({"-n", "2", "--collectives", "none"}, script), 3);
  const auto output = Output();
  const std::string error = Content("run.err");
  EXPECT_EQ(Shell({"-n", "2", "--collectives", "auto"}, script), 3);
  EXPECT_EQ(Output(), output);
  EXPECT_EQ(Lines(Content("run.err")).size(), Lines(error).size());
}

TEST_F(RunCollectivesTest, KeptVariablesAreToldOnce) {
  Set("NCCL_HOSTID", "node7");
  EXPECT_EQ(Shell({"-n", "3", "--collectives", "nccl"}, "echo $NCCL_HOSTID"), 0);
  EXPECT_EQ(Output(), (std::multiset<std::string>{"[0] node7", "[1] node7", "[2] node7"}));
  EXPECT_THAT(Content("run.err"), HasSubstr("flexmig run: warning: NCCL_HOSTID=node7"));
  EXPECT_EQ(Lines(Content("run.err")).size(), 1u);
}

// A terminal of its own, as a shell would give the command.
class RunOnTerminalTest : public RunTest {
 protected:
  void SetUp() override {
    RunTest::SetUp();
    ASSERT_EQ(::openpty(&master_, &terminal_, nullptr, nullptr, nullptr), 0);
    ASSERT_EQ(::fcntl(master_, F_SETFL, O_NONBLOCK), 0);
  }
  void TearDown() override {
    ::close(master_);
    ::close(terminal_);
  }
  ProcessTree& StartOnTerminal(const std::string& script) {
    return *trees_.emplace_back(std::make_unique<ProcessTree>(ProcessTree::Files{"", "", ""}, [&] {
      ::setenv("FLEXMIG_STATE_DIR", (node_.folder() / "state").c_str(), 1);
      ::setenv("FLEXMIG_BACKEND", node_.backend().c_str(), 1);
      ::setsid();
      ::ioctl(terminal_, TIOCSCTTY, 0);
      for (const int fd : {0, 1, 2}) ::dup2(terminal_, fd);
      ::close(master_);
      ::close(terminal_);
      ::execl(FLEXMIG_BINARY, "flexmig", "run", "-n", "2", "--", "/bin/sh", "-c", script.c_str(),
              nullptr);
      return 125;
    }));
  }
  // Reads what has arrived so far.
  const std::string& Screen() {
    char bytes[4096];
    ssize_t n = 0;
    while ((n = ::read(master_, bytes, sizeof bytes)) > 0) {
      screen_.append(bytes, static_cast<size_t>(n));
    }
    return screen_;
  }
  bool Shows(const std::string& text) {
    return Eventually([&] { return Screen().find(text) != std::string::npos; });
  }
  void Type(char key) { ASSERT_EQ(::write(master_, &key, 1), 1); }

  int master_ = -1;
  int terminal_ = -1;
  std::string screen_;
};

TEST_F(RunOnTerminalTest, ControlCEndsTheJob) {
  ProcessTree& job = StartOnTerminal("echo ready; setsid sleep 60 & exec sleep 60");
  ASSERT_TRUE(Shows("[0] ready") && Shows("[1] ready"));
  Type('\x03');
  EXPECT_EQ(job.ExitCode(), 128 + SIGINT);
  ExpectNothingLeft(job);
}

TEST_F(RunOnTerminalTest, RanksHaveNoTerminalInput) {
  ProcessTree& job = StartOnTerminal("cat; echo end of input");
  EXPECT_TRUE(Shows("[0] end of input"));
  EXPECT_EQ(job.ExitCode(), 0);
}

TEST_F(RunOnTerminalTest, StoppedTerminalKeepsNothingAlive) {
  ProcessTree& job = StartOnTerminal("echo ready; exec yes");
  ASSERT_TRUE(Shows("ready"));
  Type('\x13');  // Ctrl-S
  ::usleep(50000);
  ::kill(job.root(), SIGKILL);
  EXPECT_TRUE(job.IsGoneWithin(Bound(seconds(1))));
  EXPECT_TRUE(node_.Leases().empty());
}

}  // namespace
}  // namespace flexmig

// The program as a user meets it: output, exit codes, and ranks that find each other through the
// environment that the launcher gives them.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/check.h"
#include "flexmig/base/process.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/base/unique_fd.h"
#include "flexmig/launch/job_environment.h"

namespace flexmig::char_lm {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Variables = std::map<std::string, std::string>;

constexpr auto kPatience = std::chrono::seconds(60);

// One run of the program with exactly the given environment.
class Program {
 public:
  struct Ending {
    int exit_code;  // -1 if it was killed or did not end in time
    std::string out;
    std::string err;
  };

  explicit Program(std::vector<std::string> args, const Variables& variables = {})
      : out_(::memfd_create("out", MFD_CLOEXEC)), err_(::memfd_create("err", MFD_CLOEXEC)) {
    args.insert(args.begin(), CHAR_LM_PROGRAM);
    std::vector<std::string> environment;
    for (const auto& [name, value] : variables) environment.push_back(StrCat(name, "=", value));
    const auto argv = Pointers(args);
    const auto envp = Pointers(environment);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(out_.get(), STDOUT_FILENO);
      ::dup2(err_.get(), STDERR_FILENO);
      ::execve(CHAR_LM_PROGRAM, argv.data(), envp.data());
      ::_exit(127);
    }
  }
  ~Program() {
    if (child_ > 0) Reap();
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  Ending Wait() {
    const auto pidfd = OpenPidFd(child_);
    FLEXMIG_CHECK(pidfd.ok());
    pollfd waiting{.fd = pidfd->get(), .events = POLLIN, .revents = 0};
    constexpr std::chrono::milliseconds kLimit = kPatience;
    ::poll(&waiting, 1, static_cast<int>(kLimit.count()));
    const int status = Reap();
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, Content(out_), Content(err_)};
  }

 private:
  static std::vector<char*> Pointers(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
  }
  static std::string Content(const UniqueFd& fd) {
    std::string text(static_cast<size_t>(::lseek(fd.get(), 0, SEEK_END)), '\0');
    FLEXMIG_CHECK(::pread(fd.get(), text.data(), text.size(), 0) ==
                  static_cast<ssize_t>(text.size()));
    return text;
  }
  // Kills what still runs.
  int Reap() {
    int status = 0;
    ::kill(child_, SIGKILL);
    ::waitpid(std::exchange(child_, 0), &status, 0);
    return status;
  }

  UniqueFd out_;
  UniqueFd err_;
  pid_t child_ = 0;
};

class ProgramTest : public ::testing::Test {
 protected:
  ProgramTest() : text_(std::filesystem::temp_directory_path() / ("char-lm-" + RandomHex(8))) {
    std::ofstream file(text_);
    for (int i = 0; i < 500; ++i) file << "line " << i * i << " of the text\n";
  }
  ~ProgramTest() override { std::filesystem::remove(text_); }
  ProgramTest(const ProgramTest&) = delete;
  ProgramTest& operator=(const ProgramTest&) = delete;

  // A few quick steps on the small text, and `more`.
  std::vector<std::string> Args(std::vector<std::string> more = {}) const {
    std::vector<std::string> args{"--text",  text_.string(), "--steps",  "12",
                                  "--batch", "16",           "--hidden", "8"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }

  const std::filesystem::path text_;
};

Variables RankVariables(int rank, int world_size, const std::string& segment) {
  launch::JobEnvironment job;
  job.job_id = JobId("test");
  job.rank = Rank(rank);
  job.world_size = world_size;
  job.segment = segment;
  for (int i = 0; i < world_size; ++i) job.leaves.push_back({StrCat("MIG-leaf-", i), i / 2});
  return launch::ToVariables(job);
}

TEST_F(ProgramTest, AloneItReportsCurveSampleAndResult) {
  const auto ending = Program(Args()).Wait();
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_THAT(ending.err, IsEmpty());
  EXPECT_THAT(ending.out, StartsWith(StrCat("text   ", text_.string())));
  EXPECT_THAT(ending.out, HasSubstr("bits/char"));
  EXPECT_THAT(ending.out, HasSubstr("loss [nats/char]\n"));
  EXPECT_THAT(ending.out, HasSubstr("sample:\n"));
  EXPECT_THAT(ending.out, HasSubstr("\nparameters equal on 1 rank, checksum "));
}

TEST_F(ProgramTest, RanksTrainTogetherAndRankZeroAloneSpeaks) {
  const std::string segment = RandomHex(16);
  Program second(Args(), RankVariables(1, 2, segment));
  Program first(Args(), RankVariables(0, 2, segment));
  const auto report = first.Wait();
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_THAT(report.out, HasSubstr("16 characters a step, 8 on each of 2 ranks"));
  EXPECT_THAT(report.out, HasSubstr("\nrank 1  GPU 0  MIG-leaf-1\n"));
  EXPECT_THAT(report.out, HasSubstr("\nparameters equal on 2 ranks, checksum "));
  const auto silence = second.Wait();
  EXPECT_EQ(silence.exit_code, 0) << silence.err;
  EXPECT_EQ(silence.out + silence.err, "");
}

TEST_F(ProgramTest, BatchThatDoesNotDivideIsAUsageErrorOnEveryRank) {
  const std::string segment = RandomHex(16);
  Program ranks[] = {Program(Args(), RankVariables(0, 3, segment)),
                     Program(Args(), RankVariables(1, 3, segment)),
                     Program(Args(), RankVariables(2, 3, segment))};
  for (Program& rank : ranks) {
    const auto ending = rank.Wait();
    EXPECT_EQ(ending.exit_code, 2);
    EXPECT_THAT(ending.err, HasSubstr("16 examples does not divide by 3 ranks"));
  }
}

TEST_F(ProgramTest, JsonOnStdoutIsAllThatIsThere) {
  const auto ending = Program(Args({"--json", "-"})).Wait();
  EXPECT_EQ(ending.exit_code, 0);
  EXPECT_THAT(ending.out, StartsWith("{\"initial_loss_nats\": "));
  EXPECT_THAT(ending.out, HasSubstr("\"steps\": 12, \"batch\": 16, "));
  EXPECT_THAT(ending.out, EndsWith("\"}\n"));
  EXPECT_EQ(std::count(ending.out.begin(), ending.out.end(), '\n'), 1);
  EXPECT_THAT(ending.err, HasSubstr("parameters equal on 1 rank"));
}

TEST_F(ProgramTest, QuietLeavesTheTwoLinesOfTheResult) {
  const auto ending = Program(Args({"--quiet"})).Wait();
  EXPECT_THAT(ending.out, StartsWith("loss "));
  EXPECT_EQ(std::count(ending.out.begin(), ending.out.end(), '\n'), 2);
}

TEST_F(ProgramTest, BadFlagsAreUsageErrors) {
  for (const std::vector<std::string>& bad : {std::vector<std::string>{"--steps", "0"},
                                              {"--batch", "-4"},
                                              {"--hidden", "many"},
                                              {"--lr", "0"},
                                              {"--report", "0"},
                                              {"--seed", "-1"},
                                              {"--unknown"},
                                              {"stray"}}) {
    const auto ending = Program(bad).Wait();
    EXPECT_EQ(ending.exit_code, 2) << bad[0] << ": " << ending.err;
    EXPECT_THAT(ending.err, HasSubstr(bad[0]));
  }
}

TEST_F(ProgramTest, MissingTextIsNotFoundAndNamed) {
  const auto ending = Program({"--text", "/nonexistent/novel.txt"}).Wait();
  EXPECT_EQ(ending.exit_code, 4);
  EXPECT_THAT(ending.err, HasSubstr("/nonexistent/novel.txt"));
}

TEST_F(ProgramTest, BrokenEnvironmentIsAnErrorAndNotTrainingAlone) {
  auto variables = RankVariables(0, 2, RandomHex(16));
  variables["WORLD_SIZE"] = "two";
  const auto ending = Program(Args(), variables).Wait();
  EXPECT_EQ(ending.exit_code, 1);
  EXPECT_THAT(ending.err, HasSubstr("WORLD_SIZE"));
}

}  // namespace
}  // namespace flexmig::char_lm

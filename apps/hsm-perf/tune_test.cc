#include "tune.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/file.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/coll/communicator.h"

#include "flexmig_backend.h"

namespace flexmig::perf {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class TuneTest : public testing::Test {
 protected:
  TuneTest() {
    options_.mode = Options::Mode::kTune;
    options_.collectives = {Collective::kAllReduce, Collective::kBroadcast};
    options_.types = {reduce::DataType::kFloat32};
    options_.group.min_bytes = 1024;
    options_.group.max_bytes = 4096;
    options_.group.factor = 2;
    options_.group.in_place = false;
    options_.group.time = std::chrono::milliseconds(1);
    options_.group.pin = false;
    options_.tune_path = testing::TempDir() + "tune-" + RandomHex(8);
  }
  void TearDown() override {
    std::filesystem::remove(options_.tune_path);
    ::unsetenv("FLEXMIG_SELECTION");
  }

  Options options_;
};

TEST_F(TuneTest, WritesAFileThatTheCollectivesAccept) {
  ASSERT_EQ(Tune(options_, FlexmigLibrary()), OkStatus());
  const auto text = ReadFile(options_.tune_path);
  ASSERT_TRUE(text.ok());
  EXPECT_THAT(*text, StartsWith("flexmig-selection 1\n# Written by hsm-perf --tune: "));
  EXPECT_THAT(*text, HasSubstr("\nall_reduce          2 "));
  EXPECT_THAT(*text, HasSubstr("\nbroadcast           2 "));
  size_t lines = 0;
  for (const std::string_view line : StrSplit(*text, '\n')) {
    if (line.starts_with("#          ") && !line.ends_with("shared")) ++lines;
  }
  EXPECT_EQ(lines, 6u) << "the medians of every size:\n" << *text;
  EXPECT_THAT(*text, testing::Not(HasSubstr("inf"))) << "each algorithm was measured";

  ::setenv("FLEXMIG_SELECTION", options_.tune_path.c_str(), 1);
  const auto alone = coll::Communicator::Create({});
  EXPECT_TRUE(alone.ok()) << alone.status().ToString();
}

// Each turn has another algorithm in the environment of its ranks, and none is left in ours.
TEST_F(TuneTest, ForcesEachAlgorithmInTurn) {
  options_.collectives = {Collective::kAllReduce};
  options_.passes = 2;
  const std::string log = options_.tune_path + ".log";
  Library library = FlexmigLibrary();
  library.make_backend = [&](const Membership& membership, const GroupConfig& config) {
    if (membership.rank == 0) {
      const auto before = ReadFile(log);
      static_cast<void>(
          WriteFileAtomically(log, StrCat(before.ok() ? *before : "", ::getenv("FLEXMIG_ALGORITHM"),
                                          config.registered ? "+ " : " ")));
    }
    return MakeFlexmigBackend(membership, config);
  };
  EXPECT_EQ(Tune(options_, library), OkStatus());
  const auto order = ReadFile(log);
  std::filesystem::remove(log);
  ASSERT_TRUE(order.ok());
  EXPECT_EQ(*order, "small staged pulled shared+ small staged pulled shared+ ");
  EXPECT_EQ(::getenv("FLEXMIG_ALGORITHM"), nullptr);
}

TEST_F(TuneTest, FailureLeavesTheOldFile) {
  ASSERT_EQ(WriteFileAtomically(options_.tune_path, "old"), OkStatus());
  Library library = FlexmigLibrary();
  library.make_backend = [](const Membership&, const GroupConfig&) {
    return Result<std::unique_ptr<Backend>>(ResourceExhaustedError("no room"));
  };
  const Status status = Tune(options_, library);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(status.message(), StartsWith("all_reduce, small: "));
  EXPECT_EQ(*ReadFile(options_.tune_path), "old");
  options_.collectives = {Collective::kBarrier};
  EXPECT_EQ(Tune(options_, library).code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace flexmig::perf

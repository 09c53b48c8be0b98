#include "flexmig/runtime/collectives.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/strings.h"

namespace flexmig::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Variables = std::map<std::string, std::string>;

constexpr char kDropIn[] = "/opt/lib/flexmig/nccl/libnccl.so.2";

launch::VariableLookup Environment(Variables variables) {
  return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    if (at == variables.end() || at->second.empty()) return std::nullopt;
    return at->second;
  };
}

// "0 0 1": leaves of these GPUs; "GPU 0 1": whole ones.
std::vector<launch::RankLeaf> Ranks(std::string_view text) {
  const bool whole = text.starts_with("GPU ");
  if (whole) text.remove_prefix(4);
  std::vector<launch::RankLeaf> ranks;
  for (const auto gpu : StrSplit(text, ' ')) {
    ranks.push_back(
        {StrCat(whole ? "GPU-" : "MIG-", ranks.size()), static_cast<int>(*ParseInt(gpu, 0, 100))});
  }
  return ranks;
}

std::optional<NcclLibrary> Nccl(std::string_view text) {
  if (text.empty()) return std::nullopt;
  NcclLibrary library;
  library.path = "/usr/lib/libnccl.so.2";
  if (text == "?") return library;
  const auto parts = StrSplit(text, '.');
  library.version = {static_cast<int>(*ParseInt(parts[0], 0, 999)),
                     static_cast<int>(*ParseInt(parts[1], 0, 999)),
                     static_cast<int>(*ParseInt(parts[2], 0, 999))};
  return library;
}

CollectivesFacts Facts(std::string_view ranks, std::string_view nccl = "",
                       std::optional<int> driver_branch = std::nullopt) {
  CollectivesFacts facts;
  facts.job_id = "job";
  facts.ranks = Ranks(ranks);
  facts.nccl = Nccl(nccl);
  facts.driver_branch = driver_branch;
  facts.drop_in = kDropIn;
  facts.drop_in_missing = "it is not installed";
  return facts;
}

std::string Joined(const Variables& variables) {
  std::string text;
  for (const auto& [name, value] : variables) text += StrCat(name, "=", value, " ");
  return text;
}

TEST(CollectivesTest, WhatNcclGetsByVersionDriverAndPlaces) {
  const std::string host_id = "NCCL_HOSTID=flexmig-job-1 NCCL_MNNVL_ENABLE=0 ";
  const std::string over_mig = "NCCL_MNNVL_ENABLE=0 NCCL_MULTI_RANK_GPU_ENABLE=1 ";
  const struct {
    const char* ranks;
    const char* nccl;
    std::optional<int> driver;
    std::string of_rank_1;
  } kCases[] = {
      // a: whole GPUs
      {"GPU 0 1", "2.28.9", 580, ""},
      {"GPU 0 1", "", std::nullopt, ""},
      {"GPU 0 1 2 3", "2.31.2", 570, ""},
      // b: over MIG itself
      {"0 0 0 0", "2.31.0", 580, over_mig},
      {"0 0 1 1", "2.32.3", 590, over_mig},
      {"0 0", "3.0.0", std::nullopt, over_mig},
      {"0 1", "2.31.2", 580, "NCCL_MNNVL_ENABLE=0 "},
      // c: shared whole GPUs
      {"GPU 0 0", "2.31.2", 580, "NCCL_MULTI_RANK_GPU_ENABLE=1 "},
      {"GPU 0 0", "2.31.2", 570, "NCCL_MULTI_RANK_GPU_ENABLE=1 "},
      // d: everything else
      {"0 0 0 0", "2.30.7", 580, host_id},
      {"0 0", "2.28.9", 580, host_id},
      {"0 1", "2.28.9", 580, host_id},
      {"0 0", "2.31.2", 579, host_id},
      {"0 0", "2.9.9", 580, host_id},
      {"0 0", "?", 580, host_id},
      {"0 0", "", 580, host_id},
      {"GPU 0 0", "2.30.7", 580, host_id},
      {"GPU 0 0", "", std::nullopt, host_id},
  };
  for (const auto& [ranks, nccl, driver, of_rank_1] : kCases) {
    const auto choice =
        ChooseCollectives(CollectivesMode::kNccl, Facts(ranks, nccl, driver), Environment({}));
    ASSERT_TRUE(choice.ok());
    EXPECT_EQ(choice->collectives, Collectives::kNccl);
    ASSERT_EQ(choice->variables.size(), Ranks(ranks).size());
    EXPECT_EQ(Joined(choice->variables[1]), of_rank_1) << ranks << " with " << nccl;
    EXPECT_THAT(choice->warnings, IsEmpty());
    EXPECT_THAT(choice->reason, HasSubstr("as asked; "));
  }
}

TEST(CollectivesTest, EveryRankHasAHostIdOfItsOwn) {
  const auto choice =
      ChooseCollectives(CollectivesMode::kNccl, Facts("0 0 1", "2.28.9"), Environment({}));
  ASSERT_TRUE(choice.ok());
  for (int r = 0; r < 3; ++r) {
    EXPECT_EQ(choice->variables[static_cast<size_t>(r)].at("NCCL_HOSTID"),
              StrCat("flexmig-job-", r));
  }
}

TEST(CollectivesTest, NcclReasonsNameTheVersionAndTheFile) {
  const auto reason = [](const CollectivesFacts& facts) {
    return ChooseCollectives(CollectivesMode::kNccl, facts, Environment({}))->reason;
  };
  EXPECT_THAT(reason(Facts("0 0", "2.28.9")), HasSubstr("NCCL 2.28.9 (/usr/lib/libnccl.so.2); "));
  EXPECT_THAT(reason(Facts("0 0", "2.31.2")), HasSubstr("runs over MIG itself, experimentally"));
  EXPECT_THAT(reason(Facts("0 0", "2.31.2", 570)), HasSubstr("driver 580 or later, and this is "
                                                             "570"));
  EXPECT_THAT(reason(Facts("0 0", "?")), HasSubstr("does not tell its version"));
  EXPECT_THAT(reason(Facts("0 0")), HasSubstr("no libnccl.so.2 is found"));
}

TEST(CollectivesTest, LoopbackIsNamedOnlyWhereThereIsNothingElse) {
  CollectivesFacts facts = Facts("0 0", "2.28.9");
  facts.has_network = false;
  auto choice = ChooseCollectives(CollectivesMode::kNccl, facts, Environment({}));
  EXPECT_EQ(choice->variables[0].at("NCCL_SOCKET_IFNAME"), "lo");
  choice = ChooseCollectives(CollectivesMode::kNccl, facts,
                             Environment({{"NCCL_SOCKET_IFNAME", "ib0"}}));
  EXPECT_FALSE(choice->variables[0].contains("NCCL_SOCKET_IFNAME"));
  EXPECT_THAT(choice->warnings, IsEmpty());
}

TEST(CollectivesTest, UsersVariablesWinAndDisagreementIsTold) {
  const auto with = [](const char* nccl, Variables variables) {
    return *ChooseCollectives(CollectivesMode::kNccl, Facts("0 0", nccl),
                              Environment(std::move(variables)));
  };
  auto choice = with("2.31.2", {{"NCCL_MNNVL_ENABLE", "2"}, {"NCCL_MULTI_RANK_GPU_ENABLE", "1"}});
  EXPECT_EQ(Joined(choice.variables[0]), "");
  EXPECT_THAT(choice.warnings, ElementsAre(HasSubstr("NCCL_MNNVL_ENABLE=2 of your environment is "
                                                     "kept; for 2 ranks on MIG leaves of 1 GPU it "
                                                     "would be set to 0")));
  choice = with("2.28.9", {{"NCCL_HOSTID", "node7"}});
  EXPECT_EQ(Joined(choice.variables[0]), "NCCL_MNNVL_ENABLE=0 ");
  EXPECT_THAT(choice.warnings, ElementsAre(HasSubstr("NCCL_HOSTID=node7")));
  choice = with("2.31.2", {{"NCCL_NVLS_ENABLE", "1"}});
  EXPECT_THAT(choice.warnings, ElementsAre(HasSubstr("unset it")));
  EXPECT_THAT(with("2.31.2", {{"NCCL_NVLS_ENABLE", "0"}}).warnings, IsEmpty());
  EXPECT_THAT(with("2.28.9", {{"NCCL_NVLS_ENABLE", "1"}}).warnings, IsEmpty());
}

TEST(CollectivesTest, HsmGoesInFrontOfWhatIsPreloaded) {
  const auto preload = [](const std::string& own) {
    return *ChooseCollectives(CollectivesMode::kHsm, Facts("0 0"),
                              Environment({{"LD_PRELOAD", own}}));
  };
  EXPECT_EQ(Joined(preload("").variables[1]), StrCat("LD_PRELOAD=", kDropIn, " "));
  EXPECT_EQ(Joined(preload("/x/a.so /x/b.so").variables[0]),
            StrCat("LD_PRELOAD=", kDropIn, ":/x/a.so /x/b.so "));
  EXPECT_EQ(Joined(preload(StrCat(kDropIn, ":/x/a.so")).variables[0]), "") << "a job in a job";
  EXPECT_THAT(preload(StrCat(kDropIn, ":/x/a.so")).warnings, IsEmpty());
  const auto other = preload("/x/libnccl.so.2.28.9");
  EXPECT_EQ(other.variables[0].at("LD_PRELOAD"), StrCat(kDropIn, ":/x/libnccl.so.2.28.9"));
  EXPECT_THAT(other.warnings, ElementsAre(HasSubstr("/x/libnccl.so.2.28.9")));
}

TEST(CollectivesTest, HsmWithoutTheLibraryIsAnErrorWithTheMend) {
  CollectivesFacts facts = Facts("0 0");
  facts.drop_in.reset();
  const auto choice = ChooseCollectives(CollectivesMode::kHsm, facts, Environment({}));
  EXPECT_EQ(choice.status(), NotFoundError("it is not installed"));
}

TEST(CollectivesTest, PathsThatCannotBePreloadedAreRefused) {
  for (const char* path : {"/opt/my lib/libnccl.so.2", "/opt/a:b/libnccl.so.2"}) {
    CollectivesFacts facts = Facts("0 0");
    facts.drop_in = path;
    const auto choice = ChooseCollectives(CollectivesMode::kHsm, facts, Environment({}));
    EXPECT_EQ(choice.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(choice.status().message(), HasSubstr("FLEXMIG_NCCL_DROPIN"));

    const auto automatic = ChooseCollectives(CollectivesMode::kAuto, facts, Environment({}));
    ASSERT_TRUE(automatic.ok()) << "a job without NCCL must not fail for that";
    EXPECT_EQ(automatic->collectives, Collectives::kNccl);
    EXPECT_THAT(automatic->reason, HasSubstr("blank or a colon"));
    EXPECT_TRUE(DependsOnNccl(CollectivesMode::kAuto, facts, Environment({})));
  }
}

TEST(CollectivesTest, AutoTakesTheFirstRuleThatFits) {
  enum class DropIn { kHere, kMissing };
  const struct {
    const char* simulated;
    const char* ranks;
    const char* preload;
    const char* nccl;
    DropIn drop_in;
    Collectives expected;
    const char* reason;
  } kCases[] = {
      // 1
      {"node", "0 0", "", "", DropIn::kHere, Collectives::kHsm, "simulated"},
      {"node", "0", "", "2.31.2", DropIn::kHere, Collectives::kHsm, "simulated"},
      {"node", "0 0", "", "2.31.2", DropIn::kMissing, Collectives::kNone, "not installed"},
      // 2
      {"", "0", "", "2.28.9", DropIn::kHere, Collectives::kNone, "one rank"},
      // 3
      {"", "0 0", "/x/libnccl.so.2", "2.31.2", DropIn::kHere, Collectives::kNccl,
       "LD_PRELOAD names /x/libnccl.so.2; NCCL 2.31.2"},
      {"", "0 0", "/x/libnccl-tuner.so", "2.31.2", DropIn::kHere, Collectives::kHsm, "2 ranks"},
      // 4
      {"", "GPU 0 1", "", "2.28.9", DropIn::kHere, Collectives::kNone, "whole GPU"},
      // 5
      {"", "0 0 0 1", "", "2.28.9", DropIn::kHere, Collectives::kHsm,
       "4 ranks on MIG leaves of 2 GPUs: "},
      {"", "0 0", "", "2.31.2", DropIn::kHere, Collectives::kHsm, "every driver"},
      {"", "GPU 0 0", "", "2.28.9", DropIn::kHere, Collectives::kHsm, "2 ranks on 1 GPU: "},
      // 6
      {"", "0 0", "", "2.28.9", DropIn::kMissing, Collectives::kNccl, "not installed; NCCL 2.28.9"},
      {"", "0 0", "", "2.31.2", DropIn::kMissing, Collectives::kNccl, "over MIG itself"},
  };
  for (const auto& [simulated, ranks, preload, nccl, drop_in, expected, reason] : kCases) {
    CollectivesFacts facts = Facts(ranks, nccl);
    facts.simulated_node = simulated;
    if (drop_in == DropIn::kMissing) facts.drop_in.reset();
    const auto environment = Environment({{"LD_PRELOAD", preload}});
    const auto choice = ChooseCollectives(CollectivesMode::kAuto, facts, environment);
    ASSERT_TRUE(choice.ok()) << choice.status().ToString();
    EXPECT_EQ(choice->collectives, expected) << ranks;
    EXPECT_THAT(choice->reason, HasSubstr(reason));

    // What the choice does not depend on does not change it.
    if (DependsOnNccl(CollectivesMode::kAuto, facts, environment)) continue;
    facts.nccl = Nccl("2.20.5");
    const auto again = ChooseCollectives(CollectivesMode::kAuto, facts, environment);
    EXPECT_EQ(again->collectives, choice->collectives);
    EXPECT_EQ(again->reason, choice->reason);
    EXPECT_EQ(again->variables, choice->variables);
  }
}

TEST(CollectivesTest, SimulatedNodesGetTheirCuda) {
  CollectivesFacts facts = Facts("0 0");
  facts.simulated_node = "a100-40x2";
  facts.simulated_cuda = "/opt/lib/flexmig/cuda-sim/libcuda.so.1";
  const auto choice =
      ChooseCollectives(CollectivesMode::kAuto, facts, Environment({{"LD_LIBRARY_PATH", "/x"}}));
  EXPECT_EQ(choice->variables[1],
            (Variables{{"LD_PRELOAD", kDropIn},
                       {"FLEXMIG_SIM_NODE", "a100-40x2"},
                       {"FLEXMIG_CUDA_PATH", "/opt/lib/flexmig/cuda-sim/libcuda.so.1"},
                       {"LD_LIBRARY_PATH", "/opt/lib/flexmig/cuda-sim:/x"}}));
}

TEST(CollectivesTest, NoneSetsNothing) {
  CollectivesFacts facts = Facts("0 0", "2.28.9");
  facts.simulated_node = "node";
  const auto choice =
      ChooseCollectives(CollectivesMode::kNone, facts, Environment({{"NCCL_NVLS_ENABLE", "1"}}));
  ASSERT_TRUE(choice.ok());
  EXPECT_EQ(choice->collectives, Collectives::kNone);
  EXPECT_THAT(choice->variables, ElementsAre(IsEmpty(), IsEmpty()));
  EXPECT_THAT(choice->warnings, IsEmpty());
}

TEST(CollectivesTest, ModesAreParsedByName) {
  EXPECT_EQ(*ParseCollectivesMode("auto"), CollectivesMode::kAuto);
  EXPECT_EQ(*ParseCollectivesMode("hsm"), CollectivesMode::kHsm);
  EXPECT_EQ(*ParseCollectivesMode("nccl"), CollectivesMode::kNccl);
  EXPECT_EQ(*ParseCollectivesMode("none"), CollectivesMode::kNone);
  for (const char* text : {"", "NCCL", "hsm ", "mpi"}) {
    EXPECT_EQ(ParseCollectivesMode(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace flexmig::runtime

// An apply is killed before and after each of its changes; the next apply finishes the work,
// without force, because what the dead one created is on record.

#include <csignal>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/partition/apply.h"
#include "flexmig/simhw/sim_node.h"

namespace flexmig::partition {
namespace {

class ApplyCrashTest : public ::testing::Test {
 protected:
  ApplyCrashTest()
      : directory_(std::filesystem::temp_directory_path() / ("flexmig-crash-" + RandomHex(8))) {}
  ~ApplyCrashTest() override { std::filesystem::remove_all(directory_); }
  ApplyCrashTest(const ApplyCrashTest&) = delete;
  ApplyCrashTest& operator=(const ApplyCrashTest&) = delete;

  [[nodiscard]] std::unique_ptr<simhw::SimNode> Open(std::string_view script) const {
    simhw::SimOptions options;
    options.state_directory = directory_ / "sim";
    options.script = *simhw::ParseSimScript(script, "s");
    return *simhw::OpenSimNode("a30x1", std::move(options));
  }

  [[nodiscard]] ApplyReport ApplyTo(hw::MigBackend& node, const mig::ProfileCounts& counts) const {
    ApplyOptions options;
    options.state_directory = directory_ / "partition";
    return Apply(node, {{mig::GpuIndex(0), true, counts}}, options);
  }

  // Applies in a child under the script. True if the child was killed, false if it succeeded.
  [[nodiscard]] bool DiesIn(const std::string& script, const mig::ProfileCounts& counts) const {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto node = Open(script);
      ::_exit(ApplyTo(*node, counts).status.ok() ? 0 : 1);
    }
    int wait_status = 0;
    EXPECT_EQ(::waitpid(child, &wait_status, 0), child);
    if (WIFSIGNALED(wait_status)) {
      EXPECT_EQ(WTERMSIG(wait_status), SIGKILL);
      return true;
    }
    EXPECT_EQ(WEXITSTATUS(wait_status), 0) << script;
    return false;
  }

  // Kills an apply of `counts`, begun on `before`, at every step in turn.
  int KillEverywhere(const mig::ProfileCounts& before, const mig::ProfileCounts& counts) {
    if (!before.empty()) {
      EXPECT_TRUE(ApplyTo(*Open(""), before).status.ok());
    }
    std::filesystem::create_directory(directory_);
    const auto start = std::filesystem::path(directory_) += ".start";
    std::filesystem::rename(directory_, start);
    int kills = 0;
    const char* operations[] = {"set-mig-mode", "destroy-ci", "destroy-gi", "create-gi",
                                "create-ci"};
    for (const char* side : {"before", "after"}) {
      for (const char* operation : operations) {
        for (int skip = 0;; ++skip) {
          std::filesystem::remove_all(directory_);
          std::filesystem::copy(start, directory_, std::filesystem::copy_options::recursive);
          const auto script = StrCat("die ", side, " ", operation, " any skip=", skip);
          const bool died = DiesIn(script, counts);
          kills += died ? 1 : 0;
          const auto node = Open("");
          const ApplyReport report = ApplyTo(*node, counts);
          EXPECT_TRUE(report.status.ok()) << script << ": " << report.status.ToString();
          mig::ProfileCounts found;
          const auto leaves = hw::ReadInventory(*node)->leaves;
          for (const auto& leaf : leaves) {
            ++found[std::string(leaf.profile->name)];
          }
          EXPECT_EQ(found, counts) << script;
          EXPECT_EQ(node->ListGpuInstances(mig::GpuIndex(0))->size(), leaves.size());
          if (!died) break;  // the apply has fewer steps of this kind
        }
      }
    }
    std::filesystem::remove_all(start);
    return kills;
  }

  const std::filesystem::path directory_;
};

TEST_F(ApplyCrashTest, TheNextApplyFinishesAFlattening) {
  // One switch, four GPU instances, four compute instances; each killed on both sides.
  EXPECT_EQ(KillEverywhere({}, {{"1g.6gb", 4}}), 2 * (1 + 4 + 4));
}

TEST_F(ApplyCrashTest, TheNextApplyFinishesAReconfiguration) {
  // 4 x 1g to 2g + 2 x 1g: two of them go, one pair of units is filled anew.
  EXPECT_EQ(KillEverywhere({{"1g.6gb", 4}}, {{"1g.6gb", 2}, {"2g.12gb", 1}}), 2 * (2 + 2 + 1 + 1));
}

}  // namespace
}  // namespace flexmig::partition

// Kills a random process of a running job at a random moment, many times over, and looks for
// anything that stayed behind: a process, a lease, a file in /dev/shm.

#include <csignal>
#include <cstdio>
#include <map>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "flexmig/base/env.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

#include "process_tree.h"
#include "simulated_node.h"

namespace flexmig {
namespace {

using std::chrono::milliseconds;
using test::Bound;

std::set<std::string> SharedMemoryFiles() {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
    names.insert(entry.path().filename());
  }
  return names;
}

// Each rank has a child in its own process group and, in another session, a child with a child,
// all of which outlast it.
constexpr const char* kFamily = "sleep 5 & setsid sh -c 'sleep 5 & sleep 5' & ";

// What the rank itself does: nothing for 0.1 s or, every second time, collectives through shared
// memory with the others.
std::string RankScript(int64_t round) {
#ifdef FLEXMIG_ALLREDUCE
  if (round % 2 == 1) return StrCat(kFamily, "exec ", FLEXMIG_ALLREDUCE);
#endif
  static_cast<void>(round);
  return StrCat(kFamily, "exec sleep 0.1");
}

TEST(KillStormTest, KillingAnyProcessAtAnyTimeLeavesNothing) {
  const int64_t rounds = GetEnvInt("FLEXMIG_TEST_KILLS", 200, 1, 100000).value();
  const int64_t seed = GetEnvInt("FLEXMIG_TEST_SEED", 20250401, 0, INT64_MAX).value();
  SplitMix64 random(static_cast<uint64_t>(seed));
  test::SimulatedNode node("a100-40x1");
  node.Flatten();
  const auto shared_memory_before = SharedMemoryFiles();
  std::map<std::string, int> killed;  // by name, to see that all kinds were hit
  for (int64_t round = 0; round < rounds; ++round) {
    SCOPED_TRACE(StrCat("round ", round, " of seed ", seed));
    const auto tree = node.Run({"-n", "4", "--", "/bin/sh", "-c", RankScript(round)}, {});
    std::this_thread::sleep_for(std::chrono::microseconds(random.NextBelow(160000)));
    const auto alive = tree->Alive();
    if (!alive.empty()) {
      const pid_t victim = alive[random.NextBelow(alive.size())];
      ++killed[test::NameOf(victim)];
      ::kill(victim, SIGKILL);
    }
    // The ranks end by themselves after 0.1 s, a gang of which one was killed within two.
    ASSERT_TRUE(tree->IsGoneWithin(Bound(milliseconds(2500))));
    ASSERT_TRUE(node.Leases().empty());
    ASSERT_EQ(SharedMemoryFiles(), shared_memory_before);
    ASSERT_EQ(node.ProcessCount(), 0u);
  }
  std::string summary;
  for (const auto& [name, count] : killed) summary += StrCat(" ", name, ":", count);
  RecordProperty("killed", summary);
  std::printf("killed%s\n", summary.c_str());
}

}  // namespace
}  // namespace flexmig

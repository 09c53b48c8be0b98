// device-bench: all-reduce of ranks on leaves of one simulated A100, reduced by the host and as a
// ring, under a link of a given bandwidth that all leaves share.
//
// Usage: device-bench [LINK [MIB [REPEATS]]]
// LINK is a bandwidth for each direction (default 400MB/s: slow enough that two processors keep
// up), MIB the size of each rank's buffer (default 16), REPEATS all-reduces are timed (default 5).
//
// Two kinds of columns. Bytes over the link are counted by the simulated driver and are what a real
// link would carry. Times are those of the model: copies take no time but the link's, kernels none,
// and the ring's additions are left out, which favours it. They say how schemes compare where the
// link is the limit, and nothing about a GPU.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"
#include "flexmig/mig/layout.h"
#include "flexmig/simhw/sim_node.h"

#include "ranks.h"

namespace {

using flexmig::Result;
using flexmig::device_bench::Measured;
using flexmig::device_bench::Run;
using flexmig::device_bench::Scheme;
namespace simhw = flexmig::simhw;
namespace mig = flexmig::mig;

// A simulated A100, flattened, in a folder of its own; the leaves in the order of their places.
class Node {
 public:
  Node() {
    std::string folder = (std::filesystem::temp_directory_path() / "device-bench-XXXXXX").string();
    FLEXMIG_CHECK(::mkdtemp(folder.data()) != nullptr);
    folder_ = folder;
    ::setenv("FLEXMIG_STATE_DIR", folder.c_str(), 1);
    ::setenv("FLEXMIG_SIM_NODE", "a100x1", 1);
    simhw::SimOptions options;
    options.state_directory = folder_ / "sim";
    const auto node = simhw::OpenSimNode("a100x1", options).value();
    const mig::GpuIndex gpu(0);
    FLEXMIG_CHECK(node->SetMigMode(gpu, true).ok());
    const auto gpus = node->ListGpus().value();
    const mig::GpuModel& model = *gpus[0].model;
    const auto layout = mig::UniformLayout(model, mig::DefaultLeafProfile(model).name).value();
    for (const auto& placed : layout) {
      const auto instance = node->CreateGpuInstance(gpu, placed).value();
      leaves_.push_back(node->CreateComputeInstance(gpu, instance).value().uuid.value());
    }
  }
  ~Node() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] std::vector<std::string> Leaves(size_t count) const {
    return {leaves_.begin(), leaves_.begin() + static_cast<std::ptrdiff_t>(count)};
  }

 private:
  std::filesystem::path folder_;
  std::vector<std::string> leaves_;
};

double Mib(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

}  // namespace

int main(int argc, char** argv) {
  const std::string link = argc > 1 ? argv[1] : "400MB/s";
  const auto mib = flexmig::ParseInt(argc > 2 ? argv[2] : "16", 1, 1024);
  const auto repeats = flexmig::ParseInt(argc > 3 ? argv[3] : "5", 1, 64);
  if (argc > 4 || !mib.ok() || !repeats.ok()) {
    std::fprintf(stderr, "usage: device-bench [LINK [MIB [REPEATS]]]\n");
    return 2;
  }
  const Node node;
  ::setenv("FLEXMIG_SIM_LINK", link.c_str(), 1);
  std::printf("all-reduce of %d MiB a rank, link %s each way, shared; median of %d\n",
              static_cast<int>(*mib), link.c_str(), static_cast<int>(*repeats));
  std::printf("%5s  %-12s %10s %10s %12s %12s %12s\n", "ranks", "scheme", "up_mib", "down_mib",
              "median_s", "least_s", "ring/ours");
  for (const size_t ranks : {2, 4, 7}) {
    Measured measured[2];
    for (const Scheme scheme : {Scheme::kHostReduced, Scheme::kRing}) {
      Run run;
      run.leaves = node.Leaves(ranks);
      run.scheme = scheme;
      // Whole parts for every number of ranks.
      run.bytes = (static_cast<size_t>(*mib) << 20) / (ranks * 4096) * (ranks * 4096);
      run.repeats = static_cast<int>(*repeats);
      const auto result = flexmig::device_bench::Measure(run);
      if (!result.ok()) return 1;
      measured[static_cast<size_t>(scheme)] = *result;
    }
    const double ratio = measured[1].median_seconds / measured[0].median_seconds;
    for (const size_t i : {0, 1}) {
      std::printf("%5zu  %-12s %10.1f %10.1f %12.3f %12.3f", ranks,
                  i == 0 ? "host-reduced" : "ring", Mib(measured[i].up_bytes),
                  Mib(measured[i].down_bytes), measured[i].median_seconds,
                  measured[i].least_seconds);
      if (i == 0) {
        std::printf(" %12.2f\n", ratio);
      } else {
        std::printf("\n");
      }
    }
  }
  return 0;
}

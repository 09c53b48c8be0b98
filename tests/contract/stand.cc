#include "stand.h"

#include <cstdlib>
#include <fstream>
#include <utility>

#include <gtest/gtest.h>
#include <unistd.h>

#include "flexmig/base/check.h"
#include "flexmig/base/random.h"

namespace flexmig::contract {

namespace {

// In memory where possible: every change of a simulated node is synced to its file, and a disk
// takes milliseconds for that.
std::filesystem::path Parent() {
  const std::filesystem::path memory = "/dev/shm";
  const bool usable = ::access(memory.c_str(), W_OK) == 0;
  return usable ? memory : std::filesystem::temp_directory_path();
}

}  // namespace

Folder::Folder() : path_(Parent() / ("flexmig-contract-" + RandomHex(8))) {
  std::filesystem::create_directory(path_);
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string_view FrontName(Front front) { return front == Front::kAbi ? "Abi" : "InProcess"; }

Stand::Stand(Front front, const std::string& node, std::string_view script,
             nvml::NvmlOptions options) {
  simhw::SimOptions world;
  world.state_directory = state_directory();
  auto opened = simhw::OpenSimNode(node, world);
  FLEXMIG_CHECK(opened.ok());
  world_ = *std::move(opened);

  if (front == Front::kInProcess) {
    simhw::SimOptions mine;
    mine.state_directory = state_directory();
    auto parsed = simhw::ParseSimScript(script, "script");
    FLEXMIG_CHECK(parsed.ok());
    mine.script = *std::move(parsed);
    auto backend = simhw::OpenSimNode(node, std::move(mine));
    FLEXMIG_CHECK(backend.ok());
    backend_ = *std::move(backend);
    return;
  }
  const auto script_file = folder_.path() / "script";
  std::ofstream(script_file) << script;
  ::setenv("FLEXMIG_SIM_NODE", node.c_str(), 1);
  ::setenv("FLEXMIG_STATE_DIR", folder_.path().c_str(), 1);
  ::setenv("FLEXMIG_SIM_SCRIPT", script_file.c_str(), 1);
  options.library = FLEXMIG_NVML_SIM;
  auto backend = nvml::OpenNvml(std::move(options));
  EXPECT_TRUE(backend.ok()) << backend.status().ToString();
  FLEXMIG_CHECK(backend.ok());
  backend_ = *std::move(backend);
}

Stand::~Stand() {
  for (const char* name : {"FLEXMIG_SIM_NODE", "FLEXMIG_STATE_DIR", "FLEXMIG_SIM_SCRIPT"}) {
    ::unsetenv(name);
  }
}

mig::PlacedProfile FirstLeaf(const mig::GpuModel& model) {
  const mig::Profile& profile = mig::DefaultLeafProfile(model);
  return {profile.id, {profile.starts.front(), profile.memory_slices}};
}

hw::MigDevice MakeLeaf(hw::MigBackend& backend, mig::GpuIndex gpu,
                       const mig::PlacedProfile& placed) {
  EXPECT_EQ(backend.SetMigMode(gpu, true).ToString(), "kOk");
  const auto instance = backend.CreateGpuInstance(gpu, placed);
  EXPECT_EQ(instance.status().ToString(), "kOk");
  if (!instance.ok()) return {};
  auto device = backend.CreateComputeInstance(gpu, *instance);
  EXPECT_EQ(device.status().ToString(), "kOk");
  return device.ok() ? *device : hw::MigDevice();
}

}  // namespace flexmig::contract

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "flexmig/base/check.h"

namespace flexmig::device {
namespace {

// A simulated node of one A100 with MIG off, in a folder of its own: whoever uses the driver in
// this program finds that.
class SimNodeOfItsOwn : public testing::Environment {
 public:
  void SetUp() override {
    std::string folder = (std::filesystem::temp_directory_path() / "device_test-XXXXXX").string();
    FLEXMIG_CHECK(::mkdtemp(folder.data()) != nullptr);
    folder_ = folder;
    // Before the first thread. NOLINTBEGIN(concurrency-mt-unsafe)
    ::setenv("FLEXMIG_STATE_DIR", folder.c_str(), 1);
    ::setenv("FLEXMIG_SIM_NODE", "a100x1", 1);
    ::unsetenv("CUDA_VISIBLE_DEVICES");
    // NOLINTEND(concurrency-mt-unsafe)
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

 private:
  std::filesystem::path folder_;
};

const testing::Environment* const kEnvironment =
    testing::AddGlobalTestEnvironment(new SimNodeOfItsOwn);

}  // namespace
}  // namespace flexmig::device

#include "flexmig/runtime/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/file.h"
#include "flexmig/base/random.h"

namespace flexmig::runtime {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class OwnLibraryTest : public ::testing::Test {
 protected:
  OwnLibraryTest()
      : folder_(fs::canonical(fs::temp_directory_path()) / ("flexmig-own-" + RandomHex(8))) {
    fs::create_directories(folder_ / "bin");
    Put("bin/flexmig");
  }
  ~OwnLibraryTest() override { fs::remove_all(folder_); }
  OwnLibraryTest(const OwnLibraryTest&) = delete;
  OwnLibraryTest& operator=(const OwnLibraryTest&) = delete;

  fs::path Put(const fs::path& name) {
    fs::create_directories((folder_ / name).parent_path());
    EXPECT_TRUE(WriteFileAtomically(folder_ / name, "").ok());
    return folder_ / name;
  }

  const fs::path folder_;
};

constexpr auto kNoVariables = [](const char*) -> std::optional<std::string> {
  return std::nullopt;
};

TEST_F(OwnLibraryTest, LiesInLibOfTheProgramsPrefix) {
  const auto library = Put("lib/flexmig/nccl/libnccl.so.2");
  EXPECT_EQ(*FindOwnLibrary(folder_ / "bin/flexmig", "nccl/libnccl.so.2"), library);
  EXPECT_EQ(*FindDropIn(folder_ / "bin/flexmig", kNoVariables), library);
  fs::create_symlink(folder_ / "bin/flexmig", folder_ / "link");
  EXPECT_EQ(*FindOwnLibrary(folder_ / "link", "nccl/libnccl.so.2"), library);
}

TEST_F(OwnLibraryTest, TheInstallationsFolderGoesFirst) {
  Put("lib/flexmig/nccl/libnccl.so.2");
  const auto library = Put(fs::path(FLEXMIG_TEST_LIBDIR) / "flexmig/nccl/libnccl.so.2");
  EXPECT_EQ(*FindOwnLibrary(folder_ / "bin/flexmig", "nccl/libnccl.so.2"), library);
}

TEST_F(OwnLibraryTest, AMissingOneIsNotFoundWithTheMend) {
  const auto missing = FindDropIn(folder_ / "bin/flexmig", kNoVariables);
  EXPECT_EQ(missing.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(missing.status().message(),
              HasSubstr((folder_ / "lib/flexmig/nccl/libnccl.so.2").native()));
  EXPECT_THAT(missing.status().message(), HasSubstr("FLEXMIG_NCCL_DROPIN"));
}

TEST_F(OwnLibraryTest, TheVariableNamesAnother) {
  Put("lib/flexmig/nccl/libnccl.so.2");
  const auto other = Put("other/libnccl.so.2");
  const auto named = [](const fs::path& path) {
    return [path](const char* name) -> std::optional<std::string> {
      if (std::string_view(name) == "FLEXMIG_NCCL_DROPIN") return path.native();
      return std::nullopt;
    };
  };
  EXPECT_EQ(*FindDropIn(folder_ / "bin/flexmig", named(other)), other);
  const auto missing = FindDropIn(folder_ / "bin/flexmig", named(folder_ / "none"));
  EXPECT_EQ(missing.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(missing.status().message(), HasSubstr("FLEXMIG_NCCL_DROPIN: no file "));
  EXPECT_FALSE(FindDropIn(folder_ / "bin/flexmig", named(folder_ / "other")).ok()) << "a folder";
}

TEST(MachineTest, ThisProgramIsThisTest) {
  EXPECT_THAT(ThisProgram()->filename().native(), "runtime_test");
}

TEST(MachineTest, DriverBranchIsReadFromBothWordings) {
  EXPECT_EQ(DriverBranchIn("NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.105.08  Wed Oct 29 "
                           "22:15:28 UTC 2025\nGCC version:  gcc version 12.2.0\n"),
            580);
  EXPECT_EQ(DriverBranchIn("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  "
                           "Release Build  (dvs-builder@U16)\n"),
            570);
  for (const char* text : {"", "NVRM version: ", "Kernel Module 580.1",
                           "NVRM version: NVIDIA UNIX x86_64 Kernel "
                           "Module\nGCC version: 12.2.0",
                           "NVRM version: Kernel Module 5x0.1 -3.4 0.1"}) {
    EXPECT_EQ(DriverBranchIn(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace flexmig::runtime

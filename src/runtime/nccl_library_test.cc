#include "flexmig/runtime/nccl_library.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "flexmig/base/file.h"
#include "flexmig/base/random.h"

namespace flexmig::runtime {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// The start of a library of this machine, then `content` at `offset`.
std::string Library(std::string_view content, size_t offset = sizeof(Elf64_Ehdr),
                    unsigned machine_change = 0) {
  // This program is one, too, up to the type.
  std::string file = *ReadFile("/proc/self/exe");
  file.resize(sizeof(Elf64_Ehdr));
  file[offsetof(Elf64_Ehdr, e_type)] = ET_DYN;
  file[offsetof(Elf64_Ehdr, e_machine)] ^= static_cast<char>(machine_change);
  file.resize(offset, 'x');
  return file.append(content) + '\0';
}

class NcclLibraryTest : public ::testing::Test {
 protected:
  NcclLibraryTest()
      : folder_(fs::canonical(fs::temp_directory_path()) / ("flexmig-nccl-" + RandomHex(8))) {
    for (const char* name : {"a", "b", "default"}) fs::create_directories(folder_ / name);
    loader_.cache_file = folder_ / "no-cache";
    loader_.default_folders = {folder_ / "default"};
  }
  ~NcclLibraryTest() override { fs::remove_all(folder_); }
  NcclLibraryTest(const NcclLibraryTest&) = delete;
  NcclLibraryTest& operator=(const NcclLibraryTest&) = delete;

  fs::path Put(const fs::path& name, std::string_view content) {
    EXPECT_TRUE(WriteFileAtomically(folder_ / name, content).ok());
    return folder_ / name;
  }

  const fs::path folder_;
  LoaderView loader_;
};

TEST_F(NcclLibraryTest, ReadsTheVersionAndTheBuild) {
  const auto path =
      Put("a/libnccl.so.2", Library("NCCL version mismatch of NCCL version 2.28.9+cuda13.0"));
  const auto library = ReadNcclLibrary(path);
  ASSERT_TRUE(library.ok()) << library.status().ToString();
  ASSERT_TRUE(library->version.has_value());
  EXPECT_EQ(library->version->ToString(), "2.28.9");
  EXPECT_EQ(library->build, "+cuda13.0");
  EXPECT_EQ(library->path, path);
}

TEST_F(NcclLibraryTest, OtherTextsAreNotVersions) {
  for (const char* text : {"NCCL version 2", "NCCL version 2.28", "NCCL version 2.x.1",
                           "NCCL version -2.1.1", "NCCL version 99999999999.1.1", "nothing"}) {
    const auto library = ReadNcclLibrary(Put("a/libnccl.so.2", Library(text)));
    ASSERT_TRUE(library.ok()) << text;
    EXPECT_FALSE(library->version.has_value()) << text;
  }
}

TEST_F(NcclLibraryTest, AVersionOnTheBorderOfTwoBlocksIsFound) {
  for (size_t before = 0; before < 70; ++before) {
    const auto library =
        ReadNcclLibrary(Put("a/libnccl.so.2", Library("NCCL version 2.31.4", (1 << 20) - before) +
                                                  std::string(300, 'y')));
    ASSERT_TRUE(library.ok() && library->version) << before;
    EXPECT_EQ(library->version->ToString(), "2.31.4") << before;
  }
}

TEST_F(NcclLibraryTest, VersionsCompareAsNumbers) {
  EXPECT_LT((NcclVersion{2, 9, 9}), (NcclVersion{2, 28, 0}));
  EXPECT_LT((NcclVersion{2, 30, 7}), (NcclVersion{2, 31, 0}));
}

TEST_F(NcclLibraryTest, AFolderStandsForTheLibraryInIt) {
  Put("a/libnccl.so", Library("NCCL version 2.30.7"));
  EXPECT_EQ(ReadNcclLibrary(folder_ / "a")->version->ToString(), "2.30.7");
  Put("a/libnccl.so.2", Library("NCCL version 2.31.0"));
  EXPECT_EQ(ReadNcclLibrary(folder_ / "a")->version->ToString(), "2.31.0");
  EXPECT_EQ(ReadNcclLibrary(folder_ / "b").status().code(), StatusCode::kNotFound);
}

TEST_F(NcclLibraryTest, WhatIsNoLibraryOfThisMachineIsRefusedByName) {
  for (const std::string& content :
       {std::string(), std::string("NCCL version 2.30.7"), Library("NCCL version 2.30.7", 64, 1)}) {
    const auto library = ReadNcclLibrary(Put("a/libnccl.so.2", content));
    EXPECT_EQ(library.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(library.status().message(),
                HasSubstr("a/libnccl.so.2: is not a shared library of this machine"));
  }
  EXPECT_EQ(ReadNcclLibrary(folder_ / "none").status().code(), StatusCode::kNotFound);
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(ReadNcclLibrary(folder_ / "pipe").status().code(), StatusCode::kInvalidArgument);
}

TEST_F(NcclLibraryTest, LooksInTheOrderOfTheLoader) {
  Put("default/libnccl.so.2", Library("NCCL version 2.20.1"));
  auto found = FindNcclLibrary(loader_);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_EQ(found->version->ToString(), "2.20.1");
  EXPECT_EQ(found->found_by, (folder_ / "default").native());

  Put("a/libnccl.so.2", Library("of another machine", 64, 1));
  Put("b/libnccl.so.2", Library("NCCL version 2.21.1"));
  loader_.ld_library_path = (folder_ / "a").native() + ":" + (folder_ / "b").native();
  found = FindNcclLibrary(loader_);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->version->ToString(), "2.21.1");
  EXPECT_EQ(found->found_by, "LD_LIBRARY_PATH");

  const auto preloaded = Put("a/libnccl.so.2.22", Library("NCCL version 2.22.1"));
  loader_.ld_preload = "/x/libother.so " + preloaded.native();
  found = FindNcclLibrary(loader_);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->version->ToString(), "2.22.1");
  EXPECT_EQ(found->found_by, "LD_PRELOAD");
}

TEST_F(NcclLibraryTest, SaysWhereItWasLookedFor) {
  loader_.ld_library_path = (folder_ / "a").native();
  const auto found = FindNcclLibrary(loader_);
  EXPECT_EQ(found.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(found.status().message(), HasSubstr("no libnccl.so.2 in "));
  EXPECT_THAT(found.status().message(), HasSubstr("LD_LIBRARY_PATH"));
  EXPECT_THAT(found.status().message(), HasSubstr((folder_ / "default").native()));
  EXPECT_THAT(found.status().message(), HasSubstr("no-cache"));
}

}  // namespace
}  // namespace flexmig::runtime

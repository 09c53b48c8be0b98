#include "flexmig/shm/available_memory.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/random.h"

namespace flexmig::shm {
namespace {

using testing::EndsWith;

// A tree of files that stands for "/".
class FakeRoot {
 public:
  FakeRoot() : path_(std::filesystem::temp_directory_path() / ("flexmig-" + RandomHex(8))) {
    std::filesystem::create_directories(path_);
  }
  ~FakeRoot() { std::filesystem::remove_all(path_); }
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;
  void Put(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file) << text;
  }
  [[nodiscard]] AvailableMemory Query() const { return QueryAvailableMemory(path_); }

 private:
  std::filesystem::path path_;
};

TEST(AvailableMemoryTest, AddsFreeSwapToAvailableMemory) {
  const FakeRoot root;
  root.Put("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:   1000 kB\nSwapFree: 24 kB\n");
  EXPECT_EQ(root.Query().bytes, Bytes::MiB(1));
  EXPECT_THAT(root.Query().limited_by, EndsWith("proc/meminfo"));
}

TEST(AvailableMemoryTest, AncestorsOfTheCgroupCount) {
  const FakeRoot root;
  root.Put("proc/meminfo", "MemAvailable: 100000000 kB\n");
  root.Put("proc/self/cgroup", "0::/slice/job\n");
  root.Put("sys/fs/cgroup/slice/job/memory.max", "max\n");
  root.Put("sys/fs/cgroup/slice/job/memory.current", "100\n");
  root.Put("sys/fs/cgroup/slice/memory.max", "10000\n");
  root.Put("sys/fs/cgroup/slice/memory.current", "6000\n");
  EXPECT_EQ(root.Query().bytes, Bytes::Of(4000));
  EXPECT_THAT(root.Query().limited_by, EndsWith("slice/memory.max"));
}

TEST(AvailableMemoryTest, FileCacheIsReclaimableAndSharedMemoryIsNot) {
  const FakeRoot root;
  root.Put("proc/self/cgroup", "4:memory:/job\n3:cpuset:/other\n");
  root.Put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "10000\n");
  root.Put("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "9000\n");
  root.Put("sys/fs/cgroup/memory/job/memory.stat", "cache 1\ntotal_cache 5000\ntotal_shmem 2000\n");
  root.Put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  root.Put("sys/fs/cgroup/memory/memory.usage_in_bytes", "9000\n");
  EXPECT_EQ(root.Query().bytes, Bytes::Of(4000));
}

TEST(AvailableMemoryTest, ContainerWithAHostPathReadsItsMountPoint) {
  const FakeRoot root;
  root.Put("proc/self/cgroup", "0::/not/visible/here\n");
  root.Put("sys/fs/cgroup/memory.max", "500\n");
  root.Put("sys/fs/cgroup/memory.current", "700\n");
  EXPECT_EQ(root.Query().bytes, Bytes::Of(0));
}

TEST(AvailableMemoryTest, NothingReadableIsNoLimit) {
  EXPECT_GT(FakeRoot().Query().bytes, Bytes::GiB(1 << 20));
}

TEST(AvailableMemoryTest, ThisMachineHasSome) {
  EXPECT_GT(QueryAvailableMemory().bytes, Bytes::MiB(1));
}

}  // namespace
}  // namespace flexmig::shm

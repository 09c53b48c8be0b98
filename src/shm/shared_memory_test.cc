#include "flexmig/shm/shared_memory.h"

#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace flexmig::shm {
namespace {

UniqueFd Duplicate(int fd) { return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

TEST(SharedMemoryTest, BothMappingsSeeTheSameZeroedBytes) {
  auto created = SharedMemory::Create(Bytes::MiB(1));
  ASSERT_TRUE(created.ok()) << created.status().ToString();
  auto attached = SharedMemory::Attach(Duplicate(created->descriptor()));
  ASSERT_TRUE(attached.ok()) << attached.status().ToString();
  ASSERT_EQ(attached->size(), Bytes::MiB(1));
  EXPECT_NE(attached->data(), created->data());
  const auto last = static_cast<size_t>(created->size().count()) - 1;
  for (const size_t at : {size_t{0}, last}) {
    EXPECT_EQ(attached->data()[at], std::byte{0});
    created->data()[at] = std::byte{7};
    EXPECT_EQ(attached->data()[at], std::byte{7});
  }
}

TEST(SharedMemoryTest, SizeIsSealed) {
  auto memory = SharedMemory::Create(Bytes::Of(10'000));
  ASSERT_TRUE(memory.ok());
  EXPECT_EQ(::ftruncate(memory->descriptor(), 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(memory->descriptor(), 1 << 20), -1);
}

TEST(SharedMemoryTest, UnsealedFileIsRefused) {
  UniqueFd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(fd.get(), 4096), 0);
  const auto attached = SharedMemory::Attach(std::move(fd));
  EXPECT_EQ(attached.status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(SharedMemory::Attach(UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC))).status().code(),
            StatusCode::kDataLoss);
}

TEST(SharedMemoryTest, MappingOutlivesTheDescriptorAndMoves) {
  auto created = SharedMemory::Create(Bytes::Of(4096));
  ASSERT_TRUE(created.ok());
  created->CloseDescriptor();
  EXPECT_EQ(created->descriptor(), -1);
  SharedMemory moved = *std::move(created);
  moved.data()[5] = std::byte{9};
  SharedMemory target;
  target = std::move(moved);
  EXPECT_EQ(target.data()[5], std::byte{9});
}

// Creates in a child whose files may have at most 1 MiB, and looks for `text` in the refusal. The
// kernel's own answers would be SIGXFSZ, or the out-of-memory killer: so never without the limit.
void ExpectRefusalUnderFileSizeLimit(Bytes bytes, const char* text) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    limit.rlim_cur = 1 << 20;
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    const auto memory = SharedMemory::Create(bytes);
    const bool named = memory.status().message().find(text) != std::string::npos;
    ::_exit(memory.status().code() == StatusCode::kResourceExhausted && named ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(SharedMemoryTest, FileSizeLimitIsAnErrorAndNotASignal) {
  ExpectRefusalUnderFileSizeLimit(Bytes::MiB(2), "ulimit -f");
}

TEST(SharedMemoryTest, MoreThanTheMachineHasIsRefusedBeforeItIsTouched) {
  ExpectRefusalUnderFileSizeLimit(Bytes::GiB(1 << 20), "shared segment of 1048576.00 GiB: only");
}

TEST(SharedMemoryTest, MappingThatIsKeptOutlivesItsObject) {
  std::byte* data = nullptr;
  {
    auto memory = SharedMemory::Create(Bytes::Of(4096));
    ASSERT_TRUE(memory.ok());
    memory->KeepMapped();
    const SharedMemory moved = *std::move(memory);
    data = moved.data();
  }
  data[0] = std::byte{1};
  EXPECT_EQ(::munmap(data, 4096), 0);
}

TEST(SharedMemoryTest, ForkedChildNeitherMapsNorUnmaps) {
  auto memory = SharedMemory::Create(Bytes::Of(4096));
  ASSERT_TRUE(memory.ok());
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    unsigned char resident = 0;
    const bool mapped = ::mincore(memory->data(), 4096, &resident) == 0;
    *memory = SharedMemory();
    ::_exit(mapped ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  memory->data()[0] = std::byte{1};
}

}  // namespace
}  // namespace flexmig::shm

// Counts that do not fit into 32 bits, and copies.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "flexmig/base/unique_fd.h"
#include "flexmig/reduce/reduce.h"

#include "test_buffer.h"

namespace flexmig::reduce {
namespace {

constexpr size_t kPage = size_t{2} << 20;

// `bytes` (a multiple of kPage) of address space over one page of 2 MiB again and again, and one of
// its own at the end: large without needing memory.
class Endless {
 public:
  explicit Endless(size_t bytes) : bytes_(bytes), file_(::memfd_create("endless", MFD_CLOEXEC)) {
    if (!file_.valid() || ::ftruncate(file_.get(), 2 * kPage) != 0) return;
    void* const space = ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (space == MAP_FAILED) return;
    data_ = static_cast<std::byte*>(space);
    for (size_t at = 0; at < bytes; at += kPage) {
      const off_t from = at + kPage == bytes ? kPage : 0;
      if (::mmap(data_ + at, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file_.get(),
                 from) == MAP_FAILED) {
        return;
      }
    }
    complete_ = true;
  }
  ~Endless() {
    if (data_ != nullptr) ::munmap(data_, bytes_);
  }
  Endless(const Endless&) = delete;
  Endless& operator=(const Endless&) = delete;

  [[nodiscard]] bool complete() const { return complete_; }
  std::byte* data() { return data_; }

 private:
  size_t bytes_;
  UniqueFd file_;
  std::byte* data_ = nullptr;
  bool complete_ = false;
};

constexpr size_t kManyBytes = (size_t{1} << 32) + 2 * kPage;

TEST(LargeTest, CountsBeyond32BitsReachTheEnd) {
  Endless in(kManyBytes);
  Endless out(kManyBytes);
  if (!in.complete() || !out.complete()) GTEST_SKIP() << "no 8 GiB of address space to map";
  constexpr size_t kCount = kManyBytes - 100;  // uint8, so also a tail
  std::memset(in.data(), 3, kPage);
  std::memset(in.data() + kManyBytes - kPage, 5, kPage);
  const void* const inputs[] = {in.data(), in.data()};
  ReduceInputs(DataType::kUint8, ReduceOp::kSum, inputs, out.data(), kCount);
  EXPECT_EQ(out.data()[0], std::byte{6});
  EXPECT_EQ(out.data()[kPage - 1], std::byte{6});
  const std::byte* const last = out.data() + kManyBytes - kPage;
  for (size_t i = 0; i < kPage; ++i) {
    ASSERT_EQ(last[i], i < kPage - 100 ? std::byte{10} : std::byte{0}) << i;
  }
}

TEST(CopyTest, CopiesEveryLengthAndMisalignmentAndNothingElse) {
  SplitMix64 random(4);
  std::vector<size_t> lengths = {1000, 4096, 4100, 65536, 70001, 1 << 20, (3 << 20) + 77};
  for (size_t bytes = 0; bytes < 300; ++bytes) lengths.push_back(bytes);
  for (const size_t bytes : lengths) {
    const std::vector<std::byte> source = RandomBits(random, bytes + 64);
    Buffer to(bytes, bytes * 7);
    CopyBytes(to.data(), source.data() + bytes % 61, bytes);
    ASSERT_EQ(std::memcmp(to.data(), source.data() + bytes % 61, bytes), 0) << bytes;
    ASSERT_TRUE(to.GuardsIntact()) << bytes;
  }
}

TEST(CopyTest, NothingAndItselfNeedNoCopy) {
  CopyBytes(nullptr, nullptr, 0);
  std::byte one{7};
  CopyBytes(&one, &one, 1);
  EXPECT_EQ(one, std::byte{7});
}

}  // namespace
}  // namespace flexmig::reduce

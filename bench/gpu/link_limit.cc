#include "link_limit.h"

#include <array>
#include <chrono>
#include <span>

#include <sys/mman.h>

#include "flexmig/base/strings.h"

#include "waiting.h"

namespace flexmig::nccl_perf {
namespace {

using Clock = std::chrono::steady_clock;

// Pinned host memory and device memory of one size, for one direction.
class Path {
 public:
  static Result<Path> Create(const cuda::Driver& driver, size_t bytes) {
    Path path(driver, bytes);
    void* const pages =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return ResourceExhaustedError(StrCat("no ", bytes, " bytes"));
    path.host_ = static_cast<std::byte*>(pages);
    FLEXMIG_RETURN_IF_ERROR(driver.RegisterHost({path.host_, bytes}));
    path.registered_ = true;
    FLEXMIG_ASSIGN_OR_RETURN(path.device_, driver.Allocate(bytes));
    FLEXMIG_ASSIGN_OR_RETURN(path.stream_, driver.CreateStream());
    FLEXMIG_ASSIGN_OR_RETURN(path.done_, driver.CreateEvent());
    return path;
  }
  Path(Path&& other) noexcept
      : driver_(other.driver_),
        bytes_(other.bytes_),
        host_(std::exchange(other.host_, nullptr)),
        device_(std::exchange(other.device_, nullptr)),
        registered_(other.registered_),
        stream_(other.stream_),
        done_(other.done_) {}
  ~Path() {
    // Best effort: the process ends soon.
    if (device_ != nullptr) static_cast<void>(driver_.Free(device_));
    if (host_ != nullptr && registered_) static_cast<void>(driver_.UnregisterHost(host_));
    if (host_ != nullptr) ::munmap(host_, bytes_);
  }

  Status Up() const { return driver_.Copy(host_, device_, bytes_, stream_); }
  Status Down() const { return driver_.Copy(device_, host_, bytes_, stream_); }
  Status Wait() const { return WaitForStream(driver_, stream_, done_); }

 private:
  Path(const cuda::Driver& driver, size_t bytes) : driver_(driver), bytes_(bytes) {}

  const cuda::Driver& driver_;
  size_t bytes_;
  std::byte* host_ = nullptr;
  void* device_ = nullptr;
  bool registered_ = false;
  cuda::Stream stream_{};
  cuda::Event done_{};
};

// 10^9 bytes/s of all ranks together for `copies` copies of this rank in each given direction.
Result<double> Timed(coll::Communicator& host, const Path* up, const Path* down, int copies,
                     size_t bytes) {
  FLEXMIG_RETURN_IF_ERROR(host.Barrier());
  const auto begin = Clock::now();
  for (int i = 0; i < copies; ++i) {
    if (up != nullptr) FLEXMIG_RETURN_IF_ERROR(up->Up());
    if (down != nullptr) FLEXMIG_RETURN_IF_ERROR(down->Down());
  }
  if (up != nullptr) FLEXMIG_RETURN_IF_ERROR(up->Wait());
  if (down != nullptr) FLEXMIG_RETURN_IF_ERROR(down->Wait());
  double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  FLEXMIG_RETURN_IF_ERROR(host.AllReduce(std::span(&seconds, 1), coll::ReduceOp::kMax));
  return static_cast<double>(bytes) * copies * host.world_size() / seconds / 1e9;
}

// How many copies take about 0.1 s, the same on all ranks.
Result<int> CopiesFor(coll::Communicator& host, const Path& path, size_t bytes) {
  FLEXMIG_RETURN_IF_ERROR(Timed(host, &path, nullptr, 1, bytes).status());
  FLEXMIG_ASSIGN_OR_RETURN(const double rate, Timed(host, &path, nullptr, 1, bytes));
  const double wanted = 0.1 * rate * 1e9 / static_cast<double>(bytes) / host.world_size();
  int copies = wanted < 2 ? 2 : wanted > 1000 ? 1000 : static_cast<int>(wanted);
  FLEXMIG_RETURN_IF_ERROR(host.AllReduce(std::span(&copies, 1), coll::ReduceOp::kMax));
  return copies;
}

}  // namespace

Result<LinkLimit> MeasureLink(const cuda::Driver& driver, coll::Communicator& host, size_t bytes) {
  FLEXMIG_ASSIGN_OR_RETURN(const Path up, Path::Create(driver, bytes));
  FLEXMIG_ASSIGN_OR_RETURN(const Path down, Path::Create(driver, bytes));
  FLEXMIG_ASSIGN_OR_RETURN(const int copies, CopiesFor(host, up, bytes));
  LinkLimit limit;
  FLEXMIG_ASSIGN_OR_RETURN(limit.up, Timed(host, &up, nullptr, copies, bytes));
  FLEXMIG_ASSIGN_OR_RETURN(limit.down, Timed(host, nullptr, &down, copies, bytes));
  FLEXMIG_ASSIGN_OR_RETURN(limit.up_of_both, Timed(host, &up, &down, copies, bytes));
  limit.down_of_both = limit.up_of_both;  // as many bytes in the same time
  return limit;
}

}  // namespace flexmig::nccl_perf

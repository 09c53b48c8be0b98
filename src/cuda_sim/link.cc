#include "link.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"
#include "flexmig/base/unique_fd.h"
#include "flexmig/base/units.h"

namespace flexmig::cuda_sim {
namespace {

constexpr size_t kMostGpus = 32;  // as simhw::FindNodeSpec allows
constexpr double kPieceSeconds = 0.005;
// A link is never booked further ahead than its transfers' pieces; a time beyond this is of an
// earlier boot, whose clock began anew.
constexpr int64_t kLongestQueueNs = 60'000'000'000;

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Each on a line of its own.
struct alignas(64) Lane {
  std::atomic<uint64_t> bytes;
  std::atomic<int64_t> booked_until_ns;  // CLOCK_MONOTONIC
};
static_assert(sizeof(Lane) == 64 && std::atomic<uint64_t>::is_always_lock_free);

}  // namespace

struct Links::File {
  std::array<std::array<Lane, 2>, kMostGpus> lanes;
};

Result<std::unique_ptr<Links>> Links::Open(const std::filesystem::path& directory,
                                           double bytes_per_second) {
  static_assert(sizeof(File) == 4096);
  FLEXMIG_RETURN_IF_ERROR(MakePrivateDirectory(directory));
  const std::filesystem::path path = directory / "links";
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return ErrnoError(errno, path.native());
  // All zeroes is a valid file, and it has this length in every process's eyes.
  if (::ftruncate(fd.get(), sizeof(File)) != 0) return ErrnoError(errno, path.native());
  void* const mapped =
      ::mmap(nullptr, sizeof(File), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (mapped == MAP_FAILED) return ErrnoError(errno, path.native());
  return std::unique_ptr<Links>(new Links(static_cast<File*>(mapped), bytes_per_second));
}

Links::Links(File* file, double bytes_per_second)
    : file_(file),
      bytes_per_second_(bytes_per_second),
      piece_bytes_(bytes_per_second == 0
                       ? size_t{1} << 22
                       : static_cast<size_t>(std::clamp(bytes_per_second * kPieceSeconds, 64.0,
                                                        double{1 << 20}))) {}

Links::~Links() { ::munmap(file_, sizeof(File)); }

void Links::Carry(int gpu, Direction direction, size_t bytes) {
  Lane& lane = file_->lanes[static_cast<size_t>(gpu)][direction == Direction::kUp ? 0 : 1];
  lane.bytes.fetch_add(bytes, std::memory_order_relaxed);
  if (bytes_per_second_ == 0) return;
  const auto takes = static_cast<int64_t>(static_cast<double>(bytes) / bytes_per_second_ * 1e9);
  int64_t booked = lane.booked_until_ns.load(std::memory_order_relaxed);
  int64_t until = 0;
  do {
    const int64_t now = NowNs();
    const bool is_ahead = booked > now && booked - now < kLongestQueueNs;
    until = (is_ahead ? booked : now) + takes;
  } while (!lane.booked_until_ns.compare_exchange_weak(booked, until, std::memory_order_relaxed));
  const int64_t wait = until - NowNs();
  if (wait > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(wait));
}

uint64_t Links::Count(int gpu, Direction direction) const {
  return file_->lanes[static_cast<size_t>(gpu)][direction == Direction::kUp ? 0 : 1].bytes.load(
      std::memory_order_relaxed);
}

void Links::Reset() {
  for (auto& lanes : file_->lanes) {
    for (Lane& lane : lanes) lane.bytes.store(0, std::memory_order_relaxed);
  }
}

Result<double> ParseBandwidth(std::string_view text) {
  constexpr std::string_view kPerSecond = "/s";
  if (text.ends_with(kPerSecond)) {
    const auto bytes = ParseBytes(text.substr(0, text.size() - kPerSecond.size()));
    if (bytes.ok() && bytes->count() > 0) return static_cast<double>(bytes->count());
  }
  return InvalidArgumentError(StrCat("'", text, "' is no bandwidth; expected e.g. 25GB/s"));
}

}  // namespace flexmig::cuda_sim

#include "board.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <immintrin.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flexmig/base/deadline.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

#include "cpus.h"

namespace flexmig::perf {

namespace {

constexpr size_t kTextBytes = 512;

// Cut to fit, ended by a zero.
void CopyText(const std::string& text, char (&to)[kTextBytes]) {
  const size_t length = std::min(text.size(), kTextBytes - 1);
  std::memcpy(to, text.data(), length);
  to[length] = '\0';
}

}  // namespace

struct Board::Memory {
  // 128, because prefetchers pull lines in pairs.
  struct alignas(128) RankLine {
    std::atomic<uint64_t> epoch;
    std::atomic<double> value;
    std::atomic<uint64_t> count;
  };
  struct RankText {
    std::atomic<int> code;  // a StatusCode; stored with release after the text
    char text[kTextBytes];
  };

  GroupConfig config;
  char rendezvous[kTextBytes];
  char folder[kTextBytes];
  char version[kTextBytes];
  std::atomic<uint32_t> point_count;
  Point points[kMaxPoints];
  RankText errors[kMaxRanks];
  RankLine lines[kMaxRanks];
  double samples[kMaxRanks][kMaxSamples];

  static_assert(std::atomic<uint64_t>::is_always_lock_free);
  static_assert(std::atomic<double>::is_always_lock_free);
};

Result<Board::Memory*> Board::Map(const UniqueFd& fd) {
  void* const address =
      ::mmap(nullptr, sizeof(Memory), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (address == MAP_FAILED) {
    const int error = errno;
    return ErrnoError(error, "the benchmark's board");
  }
  return static_cast<Memory*>(address);
}

Result<Board> Board::Create(const GroupConfig& config, const std::string& folder) {
  UniqueFd fd(::memfd_create("hsm-perf", MFD_CLOEXEC));
  if (!fd.valid() || ::ftruncate(fd.get(), sizeof(Memory)) != 0) {
    const int error = errno;
    return ErrnoError(error, "the benchmark's board");
  }
  FLEXMIG_ASSIGN_OR_RETURN(Memory* const memory, Map(fd));
  // A new memfd is zero, which is what the atomics begin with.
  std::memcpy(static_cast<void*>(&memory->config), &config, sizeof config);
  CopyText(StrCat("hsm-perf-", RandomHex(16)), memory->rendezvous);
  CopyText(folder, memory->folder);
  return Board(std::move(fd), memory);
}

Result<Board> Board::Attach(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.valid()) {
    const int error = errno;
    return ErrnoError(error, path);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || status.st_size != static_cast<off_t>(sizeof(Memory))) {
    return InvalidArgumentError(StrCat(path, ": no board of this version of hsm-perf"));
  }
  FLEXMIG_ASSIGN_OR_RETURN(Memory* const memory, Map(fd));
  return Board(std::move(fd), memory);
}

Board::Board(Board&& other) noexcept
    : fd_(std::move(other.fd_)),
      memory_(std::exchange(other.memory_, nullptr)),
      epoch_(other.epoch_) {}

Board::~Board() {
  if (memory_ != nullptr) ::munmap(memory_, sizeof(Memory));
}

std::string Board::path() const { return StrCat("/proc/", ::getpid(), "/fd/", fd_.get()); }

const GroupConfig& Board::config() const { return memory_->config; }

Membership Board::MembershipOf(int rank) const {
  return {rank, config().ranks, memory_->rendezvous, memory_->folder};
}

Status Board::Barrier(int rank) {
  const int ranks = config().ranks;
  const bool must_yield = ranks > AllowedCpuCount();
  ++epoch_;
  // Pairs with the acquire loads below, of the other ranks.
  memory_->lines[rank].epoch.store(epoch_, std::memory_order_release);
  Deadline deadline = Deadline::Never();
  for (int peer = 0; peer < ranks; ++peer) {
    const std::atomic<uint64_t>& arrived = memory_->lines[peer].epoch;
    for (uint32_t turn = 1; arrived.load(std::memory_order_acquire) < epoch_; ++turn) {
      // With a core for each rank a yield only costs; without, 30 turns are about a line's way
      // there and back, after which the peer needs our core.
      if (must_yield && turn > 30) {
        ::sched_yield();
      } else {
        _mm_pause();
      }
      if (turn % 1024 != 0) continue;  // the clock costs as much as the wait
      if (deadline.is_never()) deadline = Deadline::After(config().patience);
      if (deadline.HasPassed()) {
        return DeadlineExceededError(StrCat("rank ", rank, " waited in vain for rank ", peer));
      }
    }
  }
  return OkStatus();
}

Result<double> Board::Greatest(int rank, double value) {
  memory_->lines[rank].value.store(value, std::memory_order_relaxed);
  FLEXMIG_RETURN_IF_ERROR(Barrier(rank));
  double greatest = value;
  for (int peer = 0; peer < config().ranks; ++peer) {
    greatest = std::max(greatest, memory_->lines[peer].value.load(std::memory_order_relaxed));
  }
  // Nobody writes his next value before all have read this one.
  FLEXMIG_RETURN_IF_ERROR(Barrier(rank));
  return greatest;
}

Result<uint64_t> Board::Sum(int rank, uint64_t value) {
  memory_->lines[rank].count.store(value, std::memory_order_relaxed);
  FLEXMIG_RETURN_IF_ERROR(Barrier(rank));
  uint64_t sum = 0;
  for (int peer = 0; peer < config().ranks; ++peer) {
    sum += memory_->lines[peer].count.load(std::memory_order_relaxed);
  }
  FLEXMIG_RETURN_IF_ERROR(Barrier(rank));
  return sum;
}

double* Board::SamplesOf(int rank) { return memory_->samples[rank]; }

void Board::SetVersion(const std::string& version) { CopyText(version, memory_->version); }

Status Board::AddPoint(const Point& point) {
  const uint32_t index = memory_->point_count.load(std::memory_order_relaxed);
  if (index == kMaxPoints) {
    return InvalidArgumentError(StrCat("more than ", kMaxPoints, " sizes in one run"));
  }
  memory_->points[index] = point;
  // Pairs with the acquire in points().
  memory_->point_count.store(index + 1, std::memory_order_release);
  return OkStatus();
}

void Board::SetError(int rank, const Status& status) {
  Memory::RankText& error = memory_->errors[rank];
  CopyText(status.message(), error.text);
  // Pairs with the acquire in error().
  error.code.store(static_cast<int>(status.code()), std::memory_order_release);
}

std::string Board::version() const { return memory_->version; }

std::vector<Point> Board::points() const {
  const uint32_t count = memory_->point_count.load(std::memory_order_acquire);
  return {memory_->points, memory_->points + count};
}

Status Board::error(int rank) const {
  const Memory::RankText& error = memory_->errors[rank];
  const auto code = static_cast<StatusCode>(error.code.load(std::memory_order_acquire));
  return code == StatusCode::kOk ? OkStatus() : Status(code, error.text);
}

}  // namespace flexmig::perf

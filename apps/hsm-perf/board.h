#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "flexmig/base/status.h"
#include "flexmig/base/unique_fd.h"

#include "backend.h"
#include "collective.h"

namespace flexmig::perf {

// What one group of ranks has to measure. Copied as bytes into shared memory.
struct GroupConfig {
  int32_t ranks = 2;
  Collective collective = Collective::kAllReduce;
  reduce::DataType type = reduce::DataType::kFloat32;
  reduce::ReduceOp op = reduce::ReduceOp::kSum;
  int32_t root = 0;
  bool out_of_place = true;
  bool in_place = true;
  bool registered = false;
  bool back_to_back = false;
  bool fresh = false;  // each rank writes to its send buffer before a call
  bool check = true;
  bool pin = true;
  uint64_t min_bytes = 8;
  uint64_t max_bytes = 128 << 20;
  uint64_t factor = 4;
  uint32_t warmup = 5;
  uint32_t iterations = 0;                                         // 0: as many as fit into `time`
  std::chrono::nanoseconds time = std::chrono::milliseconds(200);  // for each size
  // How long a rank waits for another one.
  std::chrono::nanoseconds patience = std::chrono::seconds(60);
};

// One measured size, times in microseconds.
struct Point {
  uint64_t bytes = 0;
  uint64_t count = 0;
  uint64_t calls = 0;  // that were timed
  uint64_t wrong = 0;  // elements of all ranks
  double min_us = 0;
  double median_us = 0;
  double p99_us = 0;
  bool in_place = false;
};

// The memory through which the parent and the ranks of one group, of whatever library, speak: the
// task, a barrier that belongs to no library, the samples, the results. It has no name in the file
// system and ends with the processes.
//
// Threading: each rank uses its own object, or its own copy after a fork; the parent only reads.
class Board {
 public:
  static constexpr size_t kMaxRanks = 64;
  static constexpr size_t kMaxPoints = 256;
  static constexpr size_t kMaxSamples = 1 << 15;  // of each rank

  // For the parent. Errors: kResourceExhausted.
  static Result<Board> Create(const GroupConfig& config, const std::string& folder);
  // For a rank that was started as a program of its own; `path` is the parent's path().
  static Result<Board> Attach(const std::string& path);

  Board(Board&& other) noexcept;
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;
  Board& operator=(Board&&) = delete;
  ~Board();

  // Works while the parent lives, for processes of the same user.
  [[nodiscard]] std::string path() const;
  [[nodiscard]] const GroupConfig& config() const;
  [[nodiscard]] Membership MembershipOf(int rank) const;

  // Returns when all ranks have called it; each can see what the others wrote before.
  // Errors: kDeadlineExceeded naming the rank that did not come within config().patience.
  Status Barrier(int rank);
  // The greatest value of all ranks.
  Result<double> Greatest(int rank, double value);
  // The sum over ranks.
  Result<uint64_t> Sum(int rank, uint64_t value);

  // kMaxSamples of them.
  [[nodiscard]] double* SamplesOf(int rank);

  // By rank 0.
  void SetVersion(const std::string& version);
  Status AddPoint(const Point& point);
  // By any rank, before it exits with failure. Texts are cut at 500 characters.
  void SetError(int rank, const Status& status);

  // What the ranks have left, also after they were killed.
  [[nodiscard]] std::string version() const;
  [[nodiscard]] std::vector<Point> points() const;
  // OK if that rank reported nothing.
  [[nodiscard]] Status error(int rank) const;

 private:
  struct Memory;
  Board(UniqueFd fd, Memory* memory) : fd_(std::move(fd)), memory_(memory) {}
  static Result<Memory*> Map(const UniqueFd& fd);

  UniqueFd fd_;
  Memory* memory_;
  uint64_t epoch_ = 0;  // barriers this rank has called
};

}  // namespace flexmig::perf

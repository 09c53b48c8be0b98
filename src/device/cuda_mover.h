#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "flexmig/base/deadline.h"
#include "flexmig/base/status.h"
#include "flexmig/coll/mover.h"
#include "flexmig/cuda/driver.h"

namespace flexmig::device {

// Copies by copy engines: a stream for each direction, which carries nothing but copies and events.
// A wait of a user's stream may hold a hardware queue that other streams share
// (CUDA_DEVICE_MAX_CONNECTIONS), so what ends that wait must never be a wait itself, and whether
// copies are done is found by asking.
//
// Threading: one owner, whose thread has the context current.
class CudaMover final : public coll::Mover {
 public:
  // In the current context. Errors: the driver's.
  static Result<std::unique_ptr<CudaMover>> Create(const cuda::Driver& driver);
  // Does not wait for copies; see AwaitAll.
  ~CudaMover() override;
  CudaMover(const CudaMover&) = delete;
  CudaMover& operator=(const CudaMover&) = delete;

  Status StartIn(std::byte* staging, const std::byte* buffer, size_t bytes) override;
  Status StartOut(std::byte* buffer, const std::byte* staging, size_t bytes) override;
  Status StartWithin(std::byte* to, const std::byte* from, size_t bytes) override;
  Result<Mark> MarkSoFar(Direction direction) override;
  Result<bool> IsDone(const Mark& mark) override;

  // Waits until nothing is under way in a direction, or both. Errors: kDeadlineExceeded; the
  // driver's.
  Status Await(Direction direction, Deadline deadline);
  Status AwaitAll(Deadline deadline);

 private:
  // More marks than a collective has in flight. One that is recorded over is found done when the
  // later one is.
  static constexpr size_t kEvents = 32;

  struct Lane {
    cuda::Stream stream{};
    std::array<cuda::Event, kEvents> events{};
    std::array<uint64_t, kEvents> recorded{};  // the number of the event's last mark
    uint64_t marks = 0;                        // given so far
    uint64_t done = 0;                         // marks up to this one are done
    bool copied = false;                       // since the last mark
  };

  explicit CudaMover(const cuda::Driver& driver) : driver_(driver) {}
  Lane& LaneOf(Direction direction) { return lanes_[direction == Direction::kIn ? 0 : 1]; }
  Status Start(Direction direction, std::byte* to, const std::byte* from, size_t bytes);

  const cuda::Driver& driver_;
  std::array<Lane, 2> lanes_;
};

}  // namespace flexmig::device

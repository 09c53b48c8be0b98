#pragma once

#include <cstddef>
#include <cstdint>

#include "flexmig/base/status.h"

namespace flexmig::coll {

// Copies between buffers that the processor cannot read, such as a GPU's memory, and a
// communicator's staging memory (Communicator::staging). Collectives on such buffers start copies
// through it, and go on with other chunks until they are done.
//
// Copies of one direction are done in the order in which they were started; between directions
// there is no order. Nothing here waits. An error ends the communicator with it.
//
// Threading: called only by the thread that is in a collective.
class Mover {
 public:
  // In: from a buffer to staging memory. Out: from staging memory to a buffer, or between buffers.
  enum class Direction : uint8_t { kIn, kOut };
  // Everything of its direction that was started before.
  struct Mark {
    Direction direction = Direction::kIn;
    uint64_t number = 0;
  };

  virtual ~Mover() = default;
  Mover(const Mover&) = delete;
  Mover& operator=(const Mover&) = delete;

  virtual Status StartIn(std::byte* staging, const std::byte* buffer, size_t bytes) = 0;
  virtual Status StartOut(std::byte* buffer, const std::byte* staging, size_t bytes) = 0;
  // Between two buffers, in direction kOut. Nothing is done if they are the same.
  virtual Status StartWithin(std::byte* to, const std::byte* from, size_t bytes) = 0;

  virtual Result<Mark> MarkSoFar(Direction direction) = 0;
  // Once true for a mark, true for all earlier ones of its direction.
  virtual Result<bool> IsDone(const Mark& mark) = 0;

 protected:
  Mover() = default;
};

}  // namespace flexmig::coll

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/coll/communicator.h"

namespace flexmig::char_lm {

// The ranks that train together: those of the job under `flexmig run`, else this process alone.
// All that the program knows of Flex-MIG is behind this class.
//
// Invariants: 0 <= rank() < world_size().
// Threading: one owner. All ranks make the same calls in the same order.
// Errors of both calls: the communicator's, with this rank in front of the message.
class Peers {
 public:
  // Alone: rank 0 of 1.
  Peers() = default;
  explicit Peers(std::unique_ptr<coll::Communicator> communicator)
      : communicator_(std::move(communicator)) {}

  // The ranks of this job, or alone if this process was not started by `flexmig run`.
  // Errors: as coll::Communicator::FromEnvironment except its kNotFound.
  static Result<Peers> FromEnvironment();

  [[nodiscard]] int rank() const { return communicator_ ? communicator_->rank() : 0; }
  [[nodiscard]] int world_size() const { return communicator_ ? communicator_->world_size() : 1; }

  // values[i] = the sum of values[i] over the ranks, added in rank order; bitwise equal on all
  // ranks.
  Status Sum(std::span<float> values);

  // Every rank's `value`, in rank order.
  Result<std::vector<uint64_t>> Gather(uint64_t value);

 private:
  [[nodiscard]] Status InContext(const Status& status) const;

  std::unique_ptr<coll::Communicator> communicator_;
};

}  // namespace flexmig::char_lm

#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "flexmig/base/status.h"

#include "backend.h"
#include "board.h"
#include "pattern.h"

namespace flexmig::perf {

// The buffers of one rank and what is in them: makes the calls to measure, fills their inputs and
// counts what is wrong in their results.
class CallData {
 public:
  // Allocates for the largest size of `config`. All ranks call it.
  // Errors: as Backend::Allocate's; kUnimplemented for a type without test data.
  static Result<CallData> Create(const GroupConfig& config, int rank, Backend& backend);

  // The call of about `size` bytes.
  [[nodiscard]] Call MakeCall(size_t size, bool in_place) const;

  // Puts this rank's contribution into the input and what no result has into the rest.
  void Fill(const Call& call) const;
  // The elements of this rank's result that are not as they should be after Fill and one call.
  [[nodiscard]] size_t CountWrong(const Call& call) const;
  // Makes this rank's processor the owner of its input, without changing it: a byte of every cache
  // line is written again.
  void Refresh(const Call& call) const;
  // Zeroes the buffer of a call in place: repeated sums of anything else would leave the range of
  // the type, and with it the speed of ordinary numbers.
  void Zero(const Call& call) const;

 private:
  CallData(const GroupConfig& config, int rank) : config_(config), rank_(rank) {}
  // The part of this rank in a buffer of all ranks' parts, in bytes.
  [[nodiscard]] size_t OwnPart(const Call& call) const;

  GroupConfig config_;
  int rank_;
  std::byte* send_ = nullptr;
  std::byte* receive_ = nullptr;
  std::vector<Pattern> inputs_;     // of every rank
  std::optional<Pattern> reduced_;  // only for collectives that reduce
};

}  // namespace flexmig::perf

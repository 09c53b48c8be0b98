#include "peers.h"

#include <bit>

#include "flexmig/base/strings.h"

namespace flexmig::char_lm {

Result<Peers> Peers::FromEnvironment() {
  auto communicator = coll::Communicator::FromEnvironment();
  if (communicator.ok()) return Peers(std::move(communicator).value());
  if (communicator.status().code() == StatusCode::kNotFound) return Peers();
  return communicator.status();
}

Status Peers::InContext(const Status& status) const {
  return status.WithContext(StrCat("rank ", rank(), " of ", world_size()));
}

Status Peers::Sum(std::span<float> values) {
  if (!communicator_) return OkStatus();
  return InContext(communicator_->AllReduce(values, coll::ReduceOp::kSum));
}

Result<std::vector<uint64_t>> Peers::Gather(uint64_t value) {
  if (!communicator_) return std::vector<uint64_t>{value};
  // Sent as int64, the only 64-bit integer type of the collectives; all bits survive.
  const auto mine = std::bit_cast<int64_t>(value);
  std::vector<uint64_t> all(static_cast<size_t>(world_size()));
  const Status status = communicator_->AllGather(&mine, all.data(), 1, coll::DataType::kInt64);
  if (!status.ok()) return InContext(status);
  return all;
}

}  // namespace flexmig::char_lm

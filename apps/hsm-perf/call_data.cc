#include "call_data.h"

#include <cstring>

namespace flexmig::perf {

namespace {

// Of no result: all bits set is a NaN, or -1 where all inputs are positive.
constexpr int kUnwritten = 0xff;

}  // namespace

Result<CallData> CallData::Create(const GroupConfig& config, int rank, Backend& backend) {
  CallData data(config, rank);
  const size_t bytes = reduce::ElementBytes(config.type);
  const CallShape largest = ShapeOf(config.collective, config.max_bytes, bytes, config.ranks);
  FLEXMIG_ASSIGN_OR_RETURN(data.send_,
                           backend.Allocate(largest.send_count * bytes, config.registered));
  FLEXMIG_ASSIGN_OR_RETURN(data.receive_,
                           backend.Allocate(largest.receive_count * bytes, config.registered));
  for (int peer = 0; peer < config.ranks; ++peer) {
    FLEXMIG_ASSIGN_OR_RETURN(auto input,
                             Pattern::OfRank(peer, config.ranks, config.type, config.op));
    data.inputs_.push_back(std::move(input));
  }
  if (Reduces(config.collective)) {
    FLEXMIG_ASSIGN_OR_RETURN(data.reduced_, Pattern::Reduced(config.ranks, config.type, config.op));
  }
  return data;
}

size_t CallData::OwnPart(const Call& call) const {
  return static_cast<size_t>(rank_) * call.count * reduce::ElementBytes(call.type);
}

Call CallData::MakeCall(size_t size, bool in_place) const {
  const CallShape shape =
      ShapeOf(config_.collective, size, reduce::ElementBytes(config_.type), config_.ranks);
  Call call{config_.collective, send_,      receive_,     shape.count,
            config_.type,       config_.op, config_.root, in_place};
  if (!in_place) return call;
  switch (config_.collective) {
    case Collective::kAllReduce:
    case Collective::kReduce:
    case Collective::kBroadcast: call.send = receive_; break;
    case Collective::kAllGather:
    case Collective::kGather: call.send = receive_ + OwnPart(call); break;
    case Collective::kReduceScatter:
    case Collective::kScatter: call.receive = send_ + OwnPart(call); break;
    case Collective::kAllToAll:
    case Collective::kBarrier: break;
  }
  return call;
}

void CallData::Fill(const Call& call) const {
  const size_t bytes = reduce::ElementBytes(call.type);
  const auto ranks = static_cast<size_t>(config_.ranks);
  const Pattern& own = inputs_[static_cast<size_t>(rank_)];
  const auto put = [&](const void* buffer, size_t count) {
    // In place, the input is a part of the buffer that the call writes.
    own.Fill(static_cast<std::byte*>(const_cast<void*>(buffer)), 0, count);
  };
  const auto spoil = [&](size_t count) { std::memset(call.receive, kUnwritten, count * bytes); };
  switch (call.collective) {
    case Collective::kBarrier: return;
    case Collective::kAllReduce:
    case Collective::kReduce: spoil(call.count); return put(call.send, call.count);
    case Collective::kBroadcast:
      spoil(call.count);
      if (rank_ == call.root) put(call.send, call.count);
      return;
    case Collective::kAllGather: spoil(call.count * ranks); return put(call.send, call.count);
    case Collective::kGather:
      if (rank_ == call.root || !call.in_place) spoil(call.count * ranks);
      return put(call.send, call.count);
    case Collective::kReduceScatter: spoil(call.count); return put(call.send, call.count * ranks);
    case Collective::kScatter:
      spoil(call.count);
      if (rank_ == call.root) put(call.send, call.count * ranks);
      return;
    case Collective::kAllToAll:
      spoil(call.count * ranks);
      return put(call.send, call.count * ranks);
  }
}

size_t CallData::CountWrong(const Call& call) const {
  const auto* const receive = static_cast<const std::byte*>(call.receive);
  const size_t bytes = reduce::ElementBytes(call.type);
  const size_t own_first = static_cast<size_t>(rank_) * call.count;  // element of a whole vector
  const Pattern& from_root = inputs_[static_cast<size_t>(call.root)];
  // Parts of all ranks, one after the other, each beginning with its owner's element `first`.
  const auto wrong_parts = [&](size_t first) {
    size_t wrong = 0;
    for (size_t peer = 0; peer < inputs_.size(); ++peer) {
      wrong += inputs_[peer].CountWrong(receive + peer * call.count * bytes, first, call.count);
    }
    return wrong;
  };
  switch (call.collective) {
    case Collective::kBarrier: return 0;
    case Collective::kAllReduce: return reduced_->CountWrong(receive, 0, call.count);
    case Collective::kReduce:
      return rank_ == call.root ? reduced_->CountWrong(receive, 0, call.count) : 0;
    case Collective::kReduceScatter: return reduced_->CountWrong(receive, own_first, call.count);
    case Collective::kAllGather: return wrong_parts(0);
    case Collective::kGather: return rank_ == call.root ? wrong_parts(0) : 0;
    case Collective::kBroadcast: return from_root.CountWrong(receive, 0, call.count);
    case Collective::kScatter: return from_root.CountWrong(receive, own_first, call.count);
    case Collective::kAllToAll: return wrong_parts(own_first);
  }
  return 0;
}

void CallData::Refresh(const Call& call) const {
  const bool only_root =
      config_.collective == Collective::kBroadcast || config_.collective == Collective::kScatter;
  if (call.collective == Collective::kBarrier || (only_root && rank_ != call.root)) return;
  const bool for_each_rank = config_.collective == Collective::kReduceScatter ||
                             config_.collective == Collective::kScatter ||
                             config_.collective == Collective::kAllToAll;
  const size_t parts = for_each_rank ? static_cast<size_t>(config_.ranks) : 1;
  const size_t bytes = parts * call.count * reduce::ElementBytes(call.type);
  // A compiler may not leave out volatile accesses, though they change nothing.
  auto* const input = static_cast<volatile std::byte*>(const_cast<void*>(call.send));
  constexpr size_t kCacheLine = 64;
  for (size_t i = 0; i < bytes; i += kCacheLine) input[i] = std::byte{input[i]};
  // A buffer in place need not begin with a line.
  if (bytes > 0) input[bytes - 1] = std::byte{input[bytes - 1]};
}

void CallData::Zero(const Call& call) const {
  const CallShape shape = ShapeOf(config_.collective, config_.max_bytes,
                                  reduce::ElementBytes(call.type), config_.ranks);
  const bool sends_more = shape.send_count > shape.receive_count;
  const size_t parts =
      std::max(shape.send_count, shape.receive_count) / std::max<size_t>(shape.count, 1);
  std::memset(sends_more ? send_ : receive_, 0,
              parts * call.count * reduce::ElementBytes(call.type));
}

}  // namespace flexmig::perf

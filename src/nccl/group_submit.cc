#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "flexmig/base/strings.h"

#include "debug_log.h"
#include "group.h"

namespace flexmig::nccl {
namespace {

using device::Operation;

// What one communicator gets of a group.
struct Share {
  std::shared_ptr<Comm> comm;
  std::vector<GroupedOperation> collectives;
  std::vector<GroupedOperation> transfers;  // one of Operation::transfers each
};

// In the order of the communicators' lineages; several ranks of one communicator, in a process that
// has them all, in the order of their first calls.
std::vector<Share> SharesOf(std::vector<GroupedOperation> operations) {
  std::vector<Share> shares;
  for (GroupedOperation& one : operations) {
    auto share = std::find_if(shares.begin(), shares.end(),
                              [&](const Share& s) { return s.comm == one.comm; });
    if (share == shares.end()) share = shares.insert(shares.end(), Share{one.comm, {}, {}});
    const bool is_transfer = one.operation.kind == Operation::Kind::kExchange;
    (is_transfer ? share->transfers : share->collectives).push_back(std::move(one));
  }
  std::stable_sort(shares.begin(), shares.end(), [](const Share& a, const Share& b) {
    return a.comm->lineage() < b.comm->lineage();
  });
  return shares;
}

// A rank's messages to itself have to meet within the group: nobody else would end the wait.
Status CheckMessagesToItself(const Share& share) {
  std::vector<coll::Transfer> sends;
  std::vector<coll::Transfer> receives;
  for (const GroupedOperation& one : share.transfers) {
    for (const coll::Transfer& transfer : one.operation.transfers) {
      if (transfer.peer != share.comm->rank()) continue;
      const bool is_send = transfer.direction == coll::Transfer::Direction::kSend;
      (is_send ? sends : receives).push_back(transfer);
    }
  }
  if (sends.size() != receives.size()) {
    return FailedPreconditionError(StrCat("rank ", share.comm->rank(), " sends itself ",
                                          sends.size(), " messages in this group and receives ",
                                          receives.size()));
  }
  for (size_t i = 0; i < sends.size(); ++i) {
    if (sends[i].count != receives[i].count || sends[i].type != receives[i].type) {
      return InvalidArgumentError(StrCat("rank ", share.comm->rank(), "'s message ", i,
                                         " to itself has ", sends[i].count,
                                         " elements where it is sent and ", receives[i].count,
                                         " where it is received, or ", "another type"));
    }
  }
  return OkStatus();
}

// The streams of the transfers but the first's, which is where the exchange goes.
std::vector<cuda::Stream> OtherStreams(const Share& share) {
  std::set<cuda::Stream> others;
  for (const GroupedOperation& one : share.transfers) others.insert(one.stream);
  others.erase(share.transfers.front().stream);
  return {others.begin(), others.end()};
}

Status CheckStreams(const Share& share) {
  if (share.transfers.empty()) return OkStatus();
  const std::vector<cuda::Stream> others = OtherStreams(share);
  const cuda::Driver* const driver = share.comm->home().driver;
  if (others.empty() || driver == nullptr) return OkStatus();
  for (const GroupedOperation& one : share.transfers) {
    FLEXMIG_ASSIGN_OR_RETURN(const cuda::CaptureState capture, driver->CaptureOf(one.stream));
    if (capture.kind == cuda::CaptureState::Kind::kNone) continue;
    return FailedPreconditionError(
        "sends and receives of one group and communicator are in several streams, one of which is "
        "being captured: put them into one stream");
  }
  return OkStatus();
}

// All transfers as one exchange in the first one's stream. The other streams get exchanges of
// nothing before and behind it: since a communicator's operations run one after the other, it
// begins when all streams have come to it, and none goes on before it has ended.
Status EnqueueTransfers(Transport& transport, Share& share) {
  Operation exchange;
  exchange.kind = Operation::Kind::kExchange;
  const Operation nothing = exchange;
  const cuda::Stream stream = share.transfers.front().stream;
  const std::vector<cuda::Stream> others = OtherStreams(share);
  for (GroupedOperation& one : share.transfers) {
    for (const coll::Transfer& transfer : one.operation.transfers) {
      exchange.transfers.push_back(transfer);
    }
  }
  for (const cuda::Stream other : others) {
    FLEXMIG_RETURN_IF_ERROR(transport.Enqueue(nothing, other));
  }
  FLEXMIG_RETURN_IF_ERROR(transport.Enqueue(exchange, stream));
  for (const cuda::Stream other : others) {
    FLEXMIG_RETURN_IF_ERROR(transport.Enqueue(nothing, other));
  }
  return OkStatus();
}

Status EnqueueShare(Share& share) {
  const auto transport = share.comm->transport();
  for (const GroupedOperation& one : share.collectives) {
    FLEXMIG_RETURN_IF_ERROR(transport->Enqueue(one.operation, one.stream));
  }
  return share.transfers.empty() ? OkStatus() : EnqueueTransfers(*transport, share);
}

}  // namespace

Status Submit(std::vector<GroupedOperation> operations) {
  std::vector<Share> shares = SharesOf(std::move(operations));
  for (const Share& share : shares) {
    // It may have died, or been aborted by another thread, since the call.
    FLEXMIG_RETURN_IF_ERROR(share.comm->Usable());
    FLEXMIG_RETURN_IF_ERROR(CheckMessagesToItself(share));
    FLEXMIG_RETURN_IF_ERROR(CheckStreams(share));
  }
  Status result;
  size_t begun = 0;
  for (; begun < shares.size() && result.ok(); ++begun) {
    result = shares[begun].comm->transport()->BeginGroup();
  }
  for (size_t i = 0; i < shares.size() && result.ok(); ++i) result = EnqueueShare(shares[i]);
  for (size_t i = 0; i < begun; ++i) {
    const Status ended = shares[i].comm->transport()->EndGroup();
    if (result.ok()) result = ended;
  }
  return result;
}

}  // namespace flexmig::nccl

#include "call.h"

#include "flexmig/base/strings.h"

namespace flexmig::coll {
namespace {

std::string DescribeHost(const Call& call) {
  const std::string data = StrCat("count ", call.count, ", ", reduce::DataTypeName(call.type));
  const std::string_view op = reduce::ReduceOpName(call.op);
  const std::string root = StrCat(", root ", call.root);
  switch (call.collective) {
    case Collective::kAllReduce: return StrCat("AllReduce(", data, ", ", op, ")");
    case Collective::kBroadcast: return StrCat("Broadcast(", data, root, ")");
    case Collective::kAllGather: return StrCat("AllGather(", data, ")");
    case Collective::kReduceScatter: return StrCat("ReduceScatter(", data, ", ", op, ")");
    case Collective::kBarrier: return "Barrier()";
    case Collective::kReduce: return StrCat("Reduce(", data, ", ", op, root, ")");
    case Collective::kGather: return StrCat("Gather(", data, root, ")");
    case Collective::kScatter: return StrCat("Scatter(", data, root, ")");
    case Collective::kAllToAll: return StrCat("AllToAll(", data, ")");
    case Collective::kAllToAllV: return StrCat("AllToAllV(", reduce::DataTypeName(call.type), ")");
    case Collective::kAllocateShared: return "AllocateShared()";
    case Collective::kFreeShared: return "FreeShared()";
    case Collective::kSplit: return "Split()";
    case Collective::kGreeting: return "the greeting of a new communicator";
  }
  return StrCat("collective ", static_cast<int>(call.collective));
}

}  // namespace

std::string Describe(const Call& call) {
  return StrCat(DescribeHost(call), call.moved ? " through a mover" : "");
}

}  // namespace flexmig::coll

#include "call.h"

#include "flexmig/base/strings.h"

namespace flexmig::coll {

std::string Describe(const Call& call) {
  const std::string data = StrCat("count ", call.count, ", ", reduce::DataTypeName(call.type));
  const std::string_view op = reduce::ReduceOpName(call.op);
  switch (call.collective) {
    case Collective::kAllReduce: return StrCat("AllReduce(", data, ", ", op, ")");
    case Collective::kBroadcast: return StrCat("Broadcast(", data, ", root ", call.root, ")");
    case Collective::kAllGather: return StrCat("AllGather(", data, ")");
    case Collective::kReduceScatter: return StrCat("ReduceScatter(", data, ", ", op, ")");
    case Collective::kBarrier: return "Barrier()";
  }
  return StrCat("collective ", static_cast<int>(call.collective));
}

}  // namespace flexmig::coll

#include "collective.h"

#include <algorithm>
#include <string>

#include "flexmig/base/strings.h"

namespace flexmig::perf {

namespace {

// The element of `all` called `name`, by `name_of`.
template <typename T, size_t kCount, typename NameOf>
Result<T> Find(const T (&all)[kCount], std::string_view what, std::string_view name,
               NameOf name_of) {
  std::vector<std::string> names;
  for (const T value : all) {
    if (name_of(value) == name) return value;
    names.emplace_back(name_of(value));
  }
  return InvalidArgumentError(
      StrCat("no ", what, " '", name, "'; there are ", StrJoin(names, ", ")));
}

}  // namespace

std::string_view CollectiveName(Collective collective) {
  switch (collective) {
    case Collective::kAllReduce: return "all_reduce";
    case Collective::kReduce: return "reduce";
    case Collective::kReduceScatter: return "reduce_scatter";
    case Collective::kAllGather: return "all_gather";
    case Collective::kGather: return "gather";
    case Collective::kBroadcast: return "broadcast";
    case Collective::kScatter: return "scatter";
    case Collective::kAllToAll: return "all_to_all";
    case Collective::kBarrier: return "barrier";
  }
  return "invalid";
}

Result<Collective> ParseCollective(std::string_view name) {
  return Find(kAllCollectives, "collective", name, CollectiveName);
}

Result<reduce::DataType> ParseDataType(std::string_view name) {
  return Find(reduce::kAllDataTypes, "data type", name, reduce::DataTypeName);
}

Result<reduce::ReduceOp> ParseReduceOp(std::string_view name) {
  if (name == reduce::ReduceOpName(reduce::ReduceOp::kPreMulSum)) {
    return InvalidArgumentError(
        StrCat(name, " needs a factor of each rank, which is not measured"));
  }
  return Find(reduce::kAllReduceOps, "reduction", name, reduce::ReduceOpName);
}

bool Reduces(Collective collective) {
  return collective == Collective::kAllReduce || collective == Collective::kReduce ||
         collective == Collective::kReduceScatter;
}

bool HasRoot(Collective collective) {
  return collective == Collective::kReduce || collective == Collective::kGather ||
         collective == Collective::kBroadcast || collective == Collective::kScatter;
}

bool CanBeInPlace(Collective collective) {
  return collective != Collective::kAllToAll && collective != Collective::kBarrier;
}

CallShape ShapeOf(Collective collective, size_t size, size_t element_bytes, int ranks) {
  const auto world = static_cast<size_t>(ranks);
  CallShape shape;
  switch (collective) {
    case Collective::kBarrier: return shape;
    case Collective::kAllReduce:
    case Collective::kReduce:
    case Collective::kBroadcast:
      shape.count = std::max<size_t>(size / element_bytes, 1);
      shape.send_count = shape.receive_count = shape.count;
      break;
    case Collective::kAllGather:
    case Collective::kGather:
      shape.count = std::max<size_t>(size / element_bytes / world, 1);
      shape.send_count = shape.count;
      shape.receive_count = shape.count * world;
      break;
    case Collective::kReduceScatter:
    case Collective::kScatter:
      shape.count = std::max<size_t>(size / element_bytes / world, 1);
      shape.send_count = shape.count * world;
      shape.receive_count = shape.count;
      break;
    case Collective::kAllToAll:
      shape.count = std::max<size_t>(size / element_bytes / world, 1);
      shape.send_count = shape.receive_count = shape.count * world;
      break;
  }
  shape.total_bytes = std::max(shape.send_count, shape.receive_count) * element_bytes;
  return shape;
}

double BusFactor(Collective collective, int ranks) {
  const double world = ranks;
  switch (collective) {
    case Collective::kAllReduce: return 2 * (world - 1) / world;
    case Collective::kReduceScatter:
    case Collective::kAllGather:
    case Collective::kGather:
    case Collective::kScatter:
    case Collective::kAllToAll: return (world - 1) / world;
    case Collective::kReduce:
    case Collective::kBroadcast: return 1;
    case Collective::kBarrier: return 0;
  }
  return 0;
}

double AlgorithmBandwidth(size_t bytes, double microseconds) {
  return microseconds > 0 ? static_cast<double>(bytes) / microseconds / 1e3 : 0;
}

}  // namespace flexmig::perf

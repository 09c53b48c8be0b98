#include "flexmig/sim/cluster_shape.h"

#include <algorithm>
#include <utility>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::sim {

namespace {

constexpr std::pair<SpanNodes, std::string_view> kNames[] = {
    {SpanNodes::kNo, "no"}, {SpanNodes::kWide, "wide"}, {SpanNodes::kAny, "any"}};

}  // namespace

Result<ClusterShape> ClusterShape::Parse(std::string_view text) {
  const auto parts = StrSplit(text, 'x');
  if (parts.size() > 2 || (parts.size() == 2 && (parts[0].empty() || parts[1].empty()))) {
    return InvalidArgumentError(StrCat("'", text, "' is not GPUs or NODESxGPUS"));
  }
  int64_t nodes = 1;
  if (parts.size() == 2) {
    FLEXMIG_ASSIGN_OR_RETURN(nodes, ParseInt(parts.front(), 1, kMaxGpus));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t gpus, ParseInt(parts.back(), 1, kMaxGpus));
  if (nodes * gpus > kMaxGpus) {
    return InvalidArgumentError(StrCat("'", text, "' is more than ", kMaxGpus, " GPUs"));
  }
  return ClusterShape{static_cast<int>(nodes), static_cast<int>(gpus)};
}

std::string ClusterShape::ToString() const {
  return nodes == 1 ? StrCat(gpus_per_node) : StrCat(nodes, "x", gpus_per_node);
}

std::string_view SpanNodesName(SpanNodes span) {
  for (const auto& [value, name] : kNames) {
    if (value == span) return name;
  }
  FLEXMIG_CHECK(false);
}

Result<SpanNodes> ParseSpanNodes(std::string_view name) {
  for (const auto& [value, known] : kNames) {
    if (known == name) return value;
  }
  return NotFoundError(StrCat("no span of nodes '", name, "'; there are no, wide, any"));
}

int MaxNodes(SpanNodes span, const ClusterShape& cluster, int leaf_count, int leaves_on_node) {
  switch (span) {
    case SpanNodes::kNo: return 1;
    case SpanNodes::kWide:
      return std::min((leaf_count + leaves_on_node - 1) / leaves_on_node, cluster.nodes);
    case SpanNodes::kAny: return cluster.nodes;
  }
  FLEXMIG_CHECK(false);
}

int MostGpus(SpanNodes span, const ClusterShape& cluster) {
  return span == SpanNodes::kNo ? cluster.gpus_per_node : cluster.gpu_count();
}

}  // namespace flexmig::sim

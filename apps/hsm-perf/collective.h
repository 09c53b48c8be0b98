#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/reduce/types.h"

namespace flexmig::perf {

// What is measured.
enum class Collective : uint8_t {
  kAllReduce,
  kReduce,
  kReduceScatter,
  kAllGather,
  kGather,
  kBroadcast,
  kScatter,
  kAllToAll,
  kBarrier,
};
inline constexpr Collective kAllCollectives[] = {
    Collective::kAllReduce, Collective::kReduce,   Collective::kReduceScatter,
    Collective::kAllGather, Collective::kGather,   Collective::kBroadcast,
    Collective::kScatter,   Collective::kAllToAll, Collective::kBarrier};

// "all_reduce".
[[nodiscard]] std::string_view CollectiveName(Collective collective);
// Errors: kInvalidArgument, naming the choices.
Result<Collective> ParseCollective(std::string_view name);
Result<reduce::DataType> ParseDataType(std::string_view name);
Result<reduce::ReduceOp> ParseReduceOp(std::string_view name);

[[nodiscard]] bool Reduces(Collective collective);
[[nodiscard]] bool HasRoot(Collective collective);
// All-to-all has no meaning in place here, and a barrier no buffers.
[[nodiscard]] bool CanBeInPlace(Collective collective);

// Lengths, in elements, of one call among `ranks` ranks.
struct CallShape {
  size_t count = 0;          // the call's argument
  size_t send_count = 0;     // of the send buffer, on the rank whose buffer is the largest
  size_t receive_count = 0;  // likewise
  size_t total_bytes = 0;    // what nccl-tests calls the size
};

// The shape of a call of about `size` bytes in nccl-tests' sense: the whole vector for all-reduce,
// reduce and broadcast, all output for all-gather and gather, all input for reduce-scatter, scatter
// and all-to-all. Rounded down to whole elements for every rank, but at least one each, so
// total_bytes may differ from `size`. A barrier has neither count nor bytes.
[[nodiscard]] CallShape ShapeOf(Collective collective, size_t size, size_t element_bytes,
                                int ranks);

// nccl-tests' factor from algorithm to bus bandwidth; 0 for a barrier.
[[nodiscard]] double BusFactor(Collective collective, int ranks);

// Bytes in `microseconds` as 10^9 bytes/s; 0 for no time.
[[nodiscard]] double AlgorithmBandwidth(size_t bytes, double microseconds);

}  // namespace flexmig::perf

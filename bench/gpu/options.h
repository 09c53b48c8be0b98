#pragma once

#include <cstddef>
#include <vector>

#include "collective.h"
#include "nccl_library.h"

namespace flexmig::nccl_perf {

struct Options {
  int ranks = 0;  // 0: those of `flexmig run`
  std::vector<LibrarySpec> libraries;
  std::vector<perf::Collective> collectives = {perf::Collective::kAllReduce};
  std::vector<reduce::DataType> types = {reduce::DataType::kFloat32};
  reduce::ReduceOp op = reduce::ReduceOp::kSum;
  size_t min_bytes = 8;
  size_t max_bytes = 128 << 20;
  size_t factor = 4;
  int warmup = 3;      // samples that are thrown away, for each library and size
  int samples = 20;    // for each library and size
  double seconds = 2;  // for a size in place or not, all libraries; three samples there are always
  bool check = true;
  bool link = false;  // measure the link first
  bool busy = false;  // measure what is left of the SMs beside a collective
};

}  // namespace flexmig::nccl_perf

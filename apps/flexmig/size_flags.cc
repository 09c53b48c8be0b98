#include "size_flags.h"

#include "flexmig/alloc/policy.h"
#include "flexmig/base/strings.h"

namespace flexmig::app {

void AddSizeFlags(CLI::App& command, SizeFlags& flags) {
  auto* const size = command.add_option_group("Size", "How many leaves; exactly one of");
  size->add_option("-n,--leaves", flags.leaf_count, "A number of leaves");
  size->add_option("--like", flags.like,
                   "As many as reach the SMs and memory of a profile, e.g. 3g.20gb");
  size->add_option("--gpu-fraction", flags.gpu_fraction, "A share of a GPU, e.g. 0.81");
  size->require_option(1);
  command.add_option("--mem-per-rank", flags.memory, "Smallest memory of a leaf, e.g. 14GiB");
  command.add_option("--max-gpus", flags.max_gpus, "Span at most this many GPUs");
  command.add_option("--comm", flags.comm,
                     "heavy, or light for a job that hardly communicates: its leaves then need not "
                     "share host links sparingly [heavy]");
}

void AddPolicyFlag(CLI::App& command, std::string& policy) {
  command.add_option("--policy", policy,
                     "Which leaves: " + StrJoin(alloc::PolicyNames(), ", ") + " [" +
                         std::string(kDefaultPolicy) + "]");
}

Result<agent::JobSize> ParseSize(const SizeFlags& flags) {
  agent::JobSize size;
  if (!flags.leaf_count.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(size.size,
                             Flag("-n", ParseInt(flags.leaf_count, INT64_MIN, INT64_MAX)));
  } else if (!flags.like.empty()) {
    size.size = agent::JobSize::Like{flags.like};
  } else {
    FLEXMIG_ASSIGN_OR_RETURN(const double share,
                             Flag("--gpu-fraction", ParseDouble(flags.gpu_fraction, -1e9, 1e9)));
    size.size = agent::JobSize::GpuFraction{share};
  }
  if (!flags.memory.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(size.min_memory, Flag("--mem-per-rank", ParseBytes(flags.memory)));
  }
  if (!flags.max_gpus.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(const int64_t gpus,
                             Flag("--max-gpus", ParseInt(flags.max_gpus, INT32_MIN, INT32_MAX)));
    size.max_gpus = static_cast<int>(gpus);
  }
  FLEXMIG_ASSIGN_OR_RETURN(size.comm, Flag("--comm", alloc::ParseComm(flags.comm)));
  return size;
}

}  // namespace flexmig::app

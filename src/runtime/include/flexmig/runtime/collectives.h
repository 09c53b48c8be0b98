#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/launch/job_environment.h"
#include "flexmig/runtime/nccl_library.h"

// Which library a job's NCCL calls end up in, and what its ranks' environment has to say for that.
// The facts are gathered elsewhere (machine.h, nccl_library.h); the choice is a pure function.
namespace flexmig::runtime {

enum class Collectives : uint8_t {
  kHsm,   // Flex-MIG's libnccl.so.2, preloaded: exchange through host shared memory
  kNccl,  // the NCCL that the program finds, with the variables that it needs on these leaves
  kNone,  // whatever the program finds; nothing is set
};

// What the user asks for; kAuto: the first of the rules below that fits.
enum class CollectivesMode : uint8_t { kAuto, kHsm, kNccl, kNone };

// "auto", "hsm", "nccl" or "none". Errors: kInvalidArgument.
Result<CollectivesMode> ParseCollectivesMode(std::string_view text);
[[nodiscard]] std::string_view CollectivesName(Collectives collectives);

struct CollectivesFacts {
  std::string job_id;
  std::vector<launch::RankLeaf> ranks;  // element r: rank r's; "GPU-..." in mig_uuid: a whole GPU
  // What the program gets, as far as can be seen from outside; nullopt: none is found.
  std::optional<NcclLibrary> nccl;
  std::optional<int> driver_branch;              // 580 of 580.105.08; nullopt: unknown
  bool has_network = true;                       // an interface other than the loopback is up
  std::optional<std::filesystem::path> drop_in;  // our libnccl.so.2
  std::string drop_in_missing;                   // why there is none, and the mend
  std::string simulated_node;                    // "dgx-a100-40"; "" on real boards
  std::optional<std::filesystem::path> simulated_cuda;  // its libcuda.so.1
};

struct CollectivesChoice {
  Collectives collectives = Collectives::kNone;
  std::string reason;  // a sentence without a full stop
  // Element r: what to set for rank r on top of the environment. LD_PRELOAD and LD_LIBRARY_PATH
  // hold what they held, behind ours.
  std::vector<std::map<std::string, std::string>> variables;
  // What the user should know in any case, a sentence each: variables of theirs that are kept
  // although this job wants them otherwise.
  std::vector<std::string> warnings;
};

// The rules of kAuto:
//   1  a simulated node: hsm, since no other NCCL runs there; none where ours is not installed
//   2  one rank: none; it exchanges nothing
//   3  LD_PRELOAD holds a libnccl.so already: nccl, since the user has chosen
//   4  every rank has a whole GPU for itself: none; every NCCL does well there
//   5  our library is here and can be preloaded: hsm. It runs with every driver, and for every
//      NCCL that a program was built for; which one the program brings along does not matter, and
//      cannot be seen for sure
//   6  else: nccl
//
// What kNccl sets, by the version found and where the ranks are:
//   a  whole GPUs, not shared: nothing
//   b  2.31 or later, driver branch 580 (CUDA 13.0) or later or unknown, MIG leaves:
//      NCCL_MNNVL_ENABLE=0, and NCCL_MULTI_RANK_GPU_ENABLE=1 if leaves are of one GPU (NVIDIA's
//      guide says it is not needed, users of builds for CUDA 13 found that it is; NVIDIA/nccl#1716)
//   c  2.31 or later, whole GPUs that ranks share: NCCL_MULTI_RANK_GPU_ENABLE=1
//   d  all else, an unknown version among it: NCCL_HOSTID, another one for every rank, so that none
//      is taken for a duplicate and all exchange through sockets; NCCL_MNNVL_ENABLE=0, because
//      hosts of one rank would be looked at as parts of a rack (GB200); NCCL_SOCKET_IFNAME=lo where
//      the loopback is the only interface. 2.30 is among these: it knows the variable of b, but
//      picks peer-to-peer between ranks on one GPU, which MIG refuses (graph/paths.cc,
//      transport/p2p.cc of 2.30.7)
// NCCL_NVLS_ENABLE is never set; 1 makes b and c fail, and is warned of.
//
// Variables that the user has set always win, and if they say something else, a warning tells.
// `environment` is the user's.
// Errors: for kHsm, kNotFound with `drop_in_missing`; kInvalidArgument if a path cannot
// stand in LD_PRELOAD because it holds a blank or a colon.
// REQUIRES: facts.ranks is not empty.
Result<CollectivesChoice> ChooseCollectives(CollectivesMode mode, const CollectivesFacts& facts,
                                            const launch::VariableLookup& environment);

// Whether the choice depends on facts.nccl, which takes some milliseconds to find. The other facts
// are those of ChooseCollectives; `ranks` is not looked at.
[[nodiscard]] bool DependsOnNccl(CollectivesMode mode, const CollectivesFacts& facts,
                                 const launch::VariableLookup& environment);

}  // namespace flexmig::runtime

#include "flexmig/agent/job.h"

#include <algorithm>
#include <cerrno>
#include <map>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/base/unique_fd.h"
#include "flexmig/launch/job_environment.h"

namespace flexmig::agent {

namespace {

const mig::Leaf* FindLeaf(const mig::NodeInventory& inventory, const mig::MigUuid& uuid) {
  const auto at = std::ranges::find(inventory.leaves, uuid, &mig::Leaf::uuid);
  return at == inventory.leaves.end() ? nullptr : &*at;
}

Result<int> LeafCountOf(const JobSize& size, const mig::NodeInventory& inventory) {
  if (const auto* like = std::get_if<JobSize::Like>(&size.size)) {
    return alloc::LeavesLike(inventory, like->profile, size.min_memory);
  }
  if (const auto* fraction = std::get_if<JobSize::GpuFraction>(&size.size)) {
    return alloc::LeavesForGpuFraction(inventory, fraction->share, size.min_memory);
  }
  const int64_t count = std::get<int64_t>(size.size);
  if (count < 1) {
    return InvalidArgumentError(StrCat("a job needs at least 1 leaf, not ", count,
                                       "; this node has ", inventory.leaves.size()));
  }
  // More than any node has; the policy names what this one could give.
  return static_cast<int>(std::min<int64_t>(count, INT32_MAX));
}

}  // namespace

Result<alloc::AllocationRequest> RequestFor(const JobSize& size,
                                            const mig::NodeInventory& inventory) {
  if (inventory.leaves.empty()) return FailedPreconditionError("this node has no leaves");
  if (size.max_gpus && *size.max_gpus < 1) {
    return InvalidArgumentError(StrCat("a job spans at least 1 GPU, not ", *size.max_gpus,
                                       "; this node has ", inventory.gpus.size()));
  }
  const auto count = LeafCountOf(size, inventory);
  if (!count.ok()) {
    // "No leaf is large enough" does not change with time, so waiting would be for ever.
    if (count.status().code() != StatusCode::kResourceExhausted) return count.status();
    return InvalidArgumentError(count.status().message());
  }
  alloc::AllocationRequest request{*count, size.min_memory, size.max_gpus};
  request.comm = size.comm;
  return request;
}

alloc::LeafPool PoolOf(const mig::NodeInventory& inventory, const BusyLeaves& busy) {
  struct Held {
    std::string since;
    alloc::Comm comm = alloc::Comm::kHeavy;
    std::vector<mig::LeafId> leaves;
  };
  std::map<JobId, Held> held;
  for (const auto& [uuid, holder] : busy) {
    const mig::Leaf* leaf = FindLeaf(inventory, uuid);
    if (leaf == nullptr) continue;
    Held& job = held[holder.job];
    job.since = std::max(job.since, holder.since);
    job.comm = holder.comm;
    job.leaves.push_back(leaf->id);
  }
  // The longest held first, since round-robin goes on where the last lease ended.
  std::vector<const std::pair<const JobId, Held>*> by_time;
  by_time.reserve(held.size());
  for (const auto& job : held) by_time.push_back(&job);
  std::stable_sort(by_time.begin(), by_time.end(),
                   [](const auto* a, const auto* b) { return a->second.since < b->second.since; });
  alloc::LeafPool pool(inventory);
  for (const auto* job : by_time) {
    const Status leased = pool.Lease(job->first, job->second.leaves, job->second.comm);
    FLEXMIG_CHECK(leased.ok());  // the leaves exist, and each is in `busy` once
  }
  return pool;
}

Result<std::vector<mig::MigUuid>> ChooseLeaves(const mig::NodeInventory& inventory,
                                               const alloc::AllocationRequest& request,
                                               const alloc::AllocationPolicy& policy,
                                               const JobId& job, const BusyLeaves& busy) {
  for (const auto& [uuid, holder] : busy) {
    if (holder.job == job) {
      return AlreadyExistsError(
          StrCat("job '", job.value(), "' is running as process ", holder.pid));
    }
  }
  const alloc::LeafPool pool = PoolOf(inventory, busy);
  FLEXMIG_ASSIGN_OR_RETURN(const alloc::Allocation allocation, policy.Choose(request, pool));
  std::vector<mig::MigUuid> leaves;
  for (const mig::LeafId id : allocation.leaves) leaves.push_back(pool.leaf(id).uuid);
  return leaves;
}

JobId MakeJobId() { return JobId(StrCat("job-", RandomHex(4))); }

Result<JobId> ParseJobId(std::string_view text) {
  const bool allowed = std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
  constexpr size_t kMaxLength = 64;
  if (!allowed || text.empty() || text.size() > kMaxLength || text[0] == '-' || text[0] == '.') {
    return InvalidArgumentError(StrCat("'", text, "' is not a job id: expected 1 to ", kMaxLength,
                                       " letters, digits, '.', '_' or '-'"));
  }
  return JobId(std::string(text));
}

Result<int> FindFreePort() {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ErrnoError(errno, "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  address.sin_port = 0;  // the kernel chooses
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);  // the interface of sockets
  if (::bind(fd.get(), generic, size) != 0) {
    return ResourceExhaustedError(ErrnoError(errno, "no free TCP port for MASTER_PORT").message());
  }
  if (::getsockname(fd.get(), generic, &size) != 0) return ErrnoError(errno, "getsockname");
  return int{::ntohs(address.sin_port)};
}

Result<std::vector<GangRank>> RanksOn(const mig::NodeInventory& inventory, const JobId& job,
                                      const std::vector<mig::MigUuid>& leaves, int master_port) {
  launch::JobEnvironment environment;
  environment.job_id = job;
  environment.world_size = static_cast<int>(leaves.size());
  environment.master_port = master_port;
  environment.segment = RandomHex(16);
  for (const auto& uuid : leaves) {
    const mig::Leaf* leaf = FindLeaf(inventory, uuid);
    if (leaf == nullptr) return NotFoundError(StrCat("this node has no leaf ", uuid.value()));
    environment.leaves.push_back({uuid.value(), leaf->gpu.value()});
  }
  std::vector<GangRank> ranks;
  for (int r = 0; r < environment.world_size; ++r) {
    environment.rank = Rank(r);
    const auto& leaf = environment.leaves[static_cast<size_t>(r)];
    ranks.push_back({.variables = launch::ToVariables(environment),
                     .leaf = StrCat("GPU ", leaf.gpu, ", ", leaf.mig_uuid)});
  }
  return ranks;
}

}  // namespace flexmig::agent

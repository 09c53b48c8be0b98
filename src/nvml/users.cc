#include "users.h"

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "flexmig/base/deadline.h"
#include "flexmig/base/strings.h"

#include "instances.h"
#include "unseen_holders.h"

namespace flexmig::nvml {

using nvml_abi::Return;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kFirstPause(10);
constexpr milliseconds kLongestPause(200);

}  // namespace

Status Users::WaitWhileInUse(std::string_view what, const std::function<Return()>& call,
                             const std::function<Status()>& known_user, Return& code) const {
  const auto deadline = Deadline::After(options_.retry_for);
  for (milliseconds pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    code = call();
    if (code != Return::kInUse) return OkStatus();
    FLEXMIG_RETURN_IF_ERROR(known_user());
    if (deadline.HasPassed()) return HeldByUnseen(what, options_.retry_for);
    std::this_thread::sleep_for(deadline.Remaining(pause));
  }
}

Status Users::CheckClients(const Board& board, std::string_view what,
                           const std::function<bool(const hw::GpuProcess&)>& is_on_it) const {
  const auto clients = ListClients(library_, board);
  if (!clients.ok()) return OkStatus();  // unseen, then
  std::vector<std::string> pids;
  for (const hw::GpuProcess& client : *clients) {
    if (is_on_it(client)) pids.push_back(StrCat(client.pid));
  }
  if (pids.empty()) return OkStatus();
  return FailedPreconditionError(StrCat(
      what, " is in use by ", pids.size() == 1 ? "process " : "processes ", StrJoin(pids, ", ")));
}

Status Users::HeldByUnseen(std::string_view what, milliseconds waited) const {
  const std::string likely = DescribeLikelyHolders(options_.proc);
  const std::string since =
      waited.count() > 0 ? StrCat(" is in use, for ", waited.count(), " ms now,") : " is in use";
  return FailedPreconditionError(
      StrCat(what, since, " by a client that no process list shows; ",
             likely.empty() ? "none of the usual monitoring programs runs here, look in other "
                              "containers and namespaces"
                            : StrCat("likely ", likely)));
}

}  // namespace flexmig::nvml

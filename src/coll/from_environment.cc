#include <chrono>

#include "flexmig/base/env.h"
#include "flexmig/base/strings.h"
#include "flexmig/coll/communicator.h"
#include "flexmig/launch/job_environment.h"

namespace flexmig::coll {

Result<std::unique_ptr<Communicator>> Communicator::FromEnvironment(const std::string& tag) {
  FLEXMIG_ASSIGN_OR_RETURN(const launch::JobEnvironment job, launch::FromProcessEnvironment());
  CommunicatorOptions options;
  options.rendezvous = StrCat(job.segment, "-", tag);
  options.rank = job.rank;
  options.world_size = job.world_size;
  options.leaf = job.leaves[static_cast<size_t>(job.rank.value())].mig_uuid;
  FLEXMIG_ASSIGN_OR_RETURN(options.timeout, GetEnvDuration("FLEXMIG_TIMEOUT", options.timeout));
  return Create(options);
}

}  // namespace flexmig::coll

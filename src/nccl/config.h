#pragma once

#include <string>

#include "flexmig/base/status.h"
#include "flexmig/nccl_abi/types.h"

namespace flexmig::nccl {

// What a caller's ncclConfig_t asks for, as far as it means something here.
struct Config {
  bool blocking = true;
  std::string name;  // commName
};

// Reads a configuration of any version by its `size`: of an older one the fields that it lacks stay
// as in `inherited`, of a newer one those beyond ours are left aside. Null gives `inherited`, and
// so does every field that is unset. Fields that have no effect here are named in `told`, as a
// sentence for the log, "" if there are none. NCCL_COMM_BLOCKING, if set, overrides `blocking` as
// in NCCL. Errors: kInvalidArgument for one that was not initialised, or a field that NCCL would
// refuse.
Result<Config> ParseConfig(const ncclConfig_t* config, const Config& inherited, std::string& told);

}  // namespace flexmig::nccl

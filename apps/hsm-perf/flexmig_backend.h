#pragma once

#include "rank.h"

namespace flexmig::perf {

// coll::Communicator. Errors: as Communicator::Create's.
Result<std::unique_ptr<Backend>> MakeFlexmigBackend(const Membership& membership,
                                                    const GroupConfig& config);

}  // namespace flexmig::perf

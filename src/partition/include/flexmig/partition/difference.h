#pragma once

#include <string>
#include <vector>

#include "flexmig/partition/observed.h"
#include "flexmig/partition/plan.h"

namespace flexmig::partition {

// Why the node is not what is desired, one line for each GPU that differs ("GPU 1: has 2 x 3g.20gb,
// not 7 x 1g.5gb"); empty if it is. As for mig-parted's `assert`, which instances there are counts,
// not where; an instance counts with its compute instance; and a GPU that `desired` leaves out
// differs. With `mode_only` MIG mode alone is compared.
std::vector<std::string> FindDifferences(const std::vector<ObservedGpu>& gpus,
                                         const std::vector<DesiredGpu>& desired, bool mode_only);

}  // namespace flexmig::partition

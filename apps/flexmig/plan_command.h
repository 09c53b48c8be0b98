#pragma once

#include "flexmig/base/status.h"

#include "layout_flags.h"

namespace flexmig::app {

// `flexmig plan`, also `flexmig apply --dry-run`. Errors: also kFailedPrecondition for a plan that
// is blocked, after it has been printed.
Status ShowPlan(const LayoutFlags& flags);

}  // namespace flexmig::app

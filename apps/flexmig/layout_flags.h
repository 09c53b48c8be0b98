#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "flexmig/base/status.h"
#include "flexmig/hw/mig_backend.h"
#include "flexmig/partition/plan.h"

#include "output.h"

namespace flexmig::app {

// What `plan` and `apply` are asked for.
struct LayoutFlags {
  std::string backend;
  std::optional<std::string> layout;  // none: flatten to the smallest leaves
  std::optional<std::string> gpus;    // "0,1"; none: all
  std::optional<std::string> file;    // of mig-parted, instead of the two
  std::string config;                 // in the file
  bool force = false;
  bool show_steps = false;
  OutputFormat format = OutputFormat::kTable;
};
void AddLayoutFlags(CLI::App& command, LayoutFlags& flags);

// The wish for each GPU that the flags name.
// Errors: kInvalidArgument and kNotFound for flags that do not fit the node; those of the backend.
Result<std::vector<partition::DesiredGpu>> ReadDesired(const LayoutFlags& flags,
                                                       hw::MigBackend& backend);

}  // namespace flexmig::app

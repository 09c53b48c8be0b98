#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "flexmig/base/status.h"
#include "flexmig/hw/mig_backend.h"
#include "flexmig/partition/mig_parted.h"
#include "flexmig/partition/plan.h"

#include "output.h"

namespace flexmig::app {

// How a plan is made and shown, whatever it is for.
struct PlanFlags {
  bool force = false;
  bool show_steps = false;
  OutputFormat format = OutputFormat::kTable;
};
void AddPlanFlags(CLI::App& command, PlanFlags& flags);

// A configuration of a file of mig-parted.
struct ConfigFlags {
  std::optional<std::string> file;  // "-": the standard input
  std::string config;               // empty: the only one
};
// Errors: those of ReadFile and ParseMigParted. REQUIRES: flags.file.
Result<partition::MigPartedFile> ReadConfigFile(const ConfigFlags& flags);

// What `plan` and `apply` are asked for.
struct LayoutFlags {
  std::string backend;
  std::optional<std::string> layout;  // none: flatten to the smallest leaves
  std::optional<std::string> gpus;    // "0,1"; none: all
  ConfigFlags config;                 // instead of the two
  PlanFlags plan;
};
void AddLayoutFlags(CLI::App& command, LayoutFlags& flags);

// The wish for each GPU that the flags name; boards without MIG count only if they are named.
// Errors: kInvalidArgument and kNotFound for flags that do not fit the node; those of the backend.
Result<std::vector<partition::DesiredGpu>> ReadDesired(const LayoutFlags& flags,
                                                       hw::MigBackend& backend);

}  // namespace flexmig::app

#pragma once

#include <functional>
#include <memory>
#include <string>

#include <sys/types.h>

#include <CLI/CLI.hpp>

#include "flexmig/base/status.h"
#include "flexmig/hw/mig_backend.h"
#include "flexmig/mig/types.h"

namespace flexmig::app {

// The node that a command works on.
struct Node {
  std::string name;  // "nvml", "sim-dgx-a100-40"
  std::unique_ptr<hw::MigBackend> backend;
  // Tells simulated boards about a process on a leaf, in place of the CUDA context that a driver
  // would see. Empty where there is a driver.
  std::function<Status(const mig::MigUuid&, pid_t)> attach;
};

// Adds the required option --backend, by default $FLEXMIG_BACKEND, and returns it.
CLI::Option* AddBackendOption(CLI::App& command, std::string& backend);

// Opens "nvml" or "sim:<node>".
// Errors: kInvalidArgument for another kind of backend; kNotFound, listing the nodes; those of
// nvml::OpenNvml.
Result<Node> OpenNode(const std::string& backend);

}  // namespace flexmig::app

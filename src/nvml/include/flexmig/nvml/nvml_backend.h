#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "flexmig/base/status.h"
#include "flexmig/hw/mig_backend.h"

namespace flexmig::nvml {

struct NvmlOptions {
  // The driver's library: a path, or a name that the dynamic linker looks up.
  std::string library = "libnvidia-ml.so.1";
  // How long a call is tried again while the driver says IN_USE and nobody is to be seen: instances
  // stay in use for some tenths of a second after their last client.
  std::chrono::milliseconds retry_for{1000};
  // Listings are kept until the driver reports a change, but not longer than this. Walking the
  // instances of a busy node has been seen to take seconds.
  std::chrono::milliseconds keep_listing_for{10000};
  // For tests: what dlsym would find under a name, given what it does find.
  std::function<void*(const char* name, void* found)> filter_symbol;
  std::filesystem::path proc{"/proc"};
  std::filesystem::path sys{"/sys"};
};

// The library that $FLEXMIG_NVML_PATH names, if it is set.
NvmlOptions NvmlOptionsFromEnvironment();

// The version of the driver behind the library, "580.105.08". Errors: those of OpenNvml.
Result<std::string> ReadDriverVersion(const NvmlOptions& options);

// This machine's boards through the driver's library. A GPU that cannot do MIG is listed with a
// model without profiles. Models whose numbers differ from the tables are made from what the driver
// says, under the table's key, and live until the process ends.
// Beyond hw::MigBackend: destroying and creating wait up to `retry_for` while an instance is in use
// by nobody in particular. What still is then has an unseen holder, and the kFailedPrecondition
// names the programs that usually are. A call whose outcome the driver leaves open is settled by
// looking. Drivers list instances, and with them placements, to root and to holders of the
// capability mig/config only; others get kPermissionDenied while MIG is on.
// Errors: kUnavailable if there is no such library or no driver, kUnimplemented if the
// library lacks a function that nothing can replace.
Result<std::unique_ptr<hw::MigBackend>> OpenNvml(NvmlOptions options);

}  // namespace flexmig::nvml

#pragma once

#include <filesystem>
#include <string>

namespace flexmig::nvml {

// The programs that are known to hold GPUs without showing in any process list, as far as they run
// now: "nv-hostengine (process 812), dcgm-exporter (process 913)"; "" if none does. Read from the
// names under `proc`; what cannot be read is passed over.
std::string DescribeLikelyHolders(const std::filesystem::path& proc);

}  // namespace flexmig::nvml

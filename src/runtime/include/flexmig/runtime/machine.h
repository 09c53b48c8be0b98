#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/launch/job_environment.h"

// What ChooseCollectives asks about this machine, and about what is installed with us.
namespace flexmig::runtime {

// A library of ours that is loaded into other programs, by its place below <libdir>/flexmig:
// "nccl/libnccl.so.2", "cuda-sim/libcuda.so.1". <libdir> is that of the build's installation, as
// seen from `program`, an executable of ours: <prefix>/bin/flexmig has <prefix>/<libdir>, and in a
// build folder bin/flexmig has lib. Links in `program` are followed first.
// Errors: kNotFound, naming where it was looked for.
Result<std::filesystem::path> FindOwnLibrary(const std::filesystem::path& program,
                                             std::string_view place);

// Our libnccl.so.2: what FLEXMIG_NCCL_DROPIN names, else as FindOwnLibrary.
// Errors: kNotFound with the mend.
Result<std::filesystem::path> FindDropIn(const std::filesystem::path& program,
                                         const launch::VariableLookup& environment);

// The executable of this process.
Result<std::filesystem::path> ThisProgram();

// Whether a network interface other than the loopback is up and has an address, as NCCL looks for
// one. true if that cannot be told.
[[nodiscard]] bool HasNetwork();

// 580 of "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.105.08  ...", as
// /proc/driver/nvidia/version begins, also with the open modules' wording ("... Open Kernel Module
// for x86_64  580.105.08 ..."). nullopt for any other text.
[[nodiscard]] std::optional<int> DriverBranchIn(std::string_view text);
// Of this machine; nullopt without that file.
[[nodiscard]] std::optional<int> DriverBranch();

}  // namespace flexmig::runtime

#pragma once

#include <compare>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "flexmig/base/status.h"

namespace flexmig::runtime {

// 2.28.9. Compared as numbers: 2.9 < 2.28.
struct NcclVersion {
  int major = 0;
  int minor = 0;
  int patch = 0;

  [[nodiscard]] std::string ToString() const;
  friend auto operator<=>(const NcclVersion&, const NcclVersion&) = default;
};

// A libnccl.so.2 on this machine. Nothing of it has been run or loaded.
struct NcclLibrary {
  std::filesystem::path path;  // absolute, links resolved
  // What led to it: "--nccl", "LD_PRELOAD", "LD_LIBRARY_PATH", "/etc/ld.so.cache", or "/usr/lib"
  // for a default folder.
  std::string found_by;
  // From the text "NCCL version 2.28.9+cuda13.0" that NCCL prints at start; nullopt if the file
  // has none, as that of another library under NCCL's name.
  std::optional<NcclVersion> version;
  std::string build;  // "+cuda13.0", behind the version; may be empty
};

// Where the loader of a program would look that asks for libnccl.so.2 by name.
struct LoaderView {
  std::optional<std::string> ld_preload;
  std::optional<std::string> ld_library_path;
  std::filesystem::path cache_file;
  std::vector<std::filesystem::path> default_folders;

  // That of a program started with this process's environment on this machine.
  static LoaderView OfThisProcess();
};

// What `path` holds: a library, or a folder with a libnccl.so.2 or libnccl.so.
// Errors: kNotFound, kPermissionDenied; kInvalidArgument for a file that is no shared library of
// this machine. Cost: reads the file up to its version, some MB; all of it (200 MB) if it has none.
Result<NcclLibrary> ReadNcclLibrary(const std::filesystem::path& path);

// The libnccl.so.2 that a program without search path of its own would get, in glibc's order:
// LD_PRELOAD (a file named libnccl.so*), LD_LIBRARY_PATH, the loader's cache, the default folders.
// Files of other machines are passed over, as glibc does. A program's own DT_RPATH and DT_RUNPATH
// are not considered: PyTorch's packages bring their NCCL along that way.
// Errors: kNotFound, listing where it was looked for.
Result<NcclLibrary> FindNcclLibrary(const LoaderView& loader);

}  // namespace flexmig::runtime

#include "library.h"

#include <filesystem>

#include "flexmig/base/strings.h"

#include "flexmig_backend.h"

namespace flexmig::perf {

Library FlexmigLibrary() { return {"flexmig", "", {}, MakeFlexmigBackend}; }

Result<Library> FindPeer(std::string_view name) {
  Library peer{std::string(name), "", {}, nullptr};
  if (name == "openmpi") {
    // Bound by ourselves, as all libraries' ranks are. Its segments would stay in /dev/shm if it
    // were killed.
    peer.launcher = {
        "mpirun.openmpi", "--allow-run-as-root",         "--oversubscribe", "--bind-to", "none",
        "--mca",          "btl_vader_backing_directory", "{folder}",        "-n",        "{ranks}"};
  } else if (name == "mpich") {
    peer.launcher = {"mpiexec.mpich", "-bind-to", "none", "-n", "{ranks}"};
  } else if (name != "gloo") {
    return InvalidArgumentError(StrCat("no peer '", name, "'; there are openmpi, mpich, gloo"));
  }
  std::error_code error;
  const auto here = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  peer.program = here / StrCat("hsm-perf-", name);
  if (!std::filesystem::exists(peer.program, error)) {
    return NotFoundError(StrCat(peer.program,
                                " does not exist; run `scripts/install_deps.sh bench`",
                                " and configure and build again"));
  }
  return peer;
}

}  // namespace flexmig::perf

#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "flexmig/hw/mig_backend.h"
#include "flexmig/nvml/nvml_backend.h"
#include "flexmig/simhw/sim_node.h"

namespace flexmig::contract {

// A folder that is gone with the object.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  const std::filesystem::path path_;
};

// How a backend talks to the simulated boards.
enum class Front {
  kInProcess,  // simhw::SimNode
  kAbi,        // the NVML backend, through the simulated library loaded with dlopen
};
std::string_view FrontName(Front front);

// A fresh simulated node, a backend under test in front of it, and the world around it: a SimNode
// on the same state, which plays other programs.
class Stand {
 public:
  // `script` as in docs/formats/sim-script.md, for the backend only. `options` for kAbi; its
  // library is filled in.
  Stand(Front front, const std::string& node, std::string_view script = "",
        nvml::NvmlOptions options = {});
  ~Stand();
  Stand(const Stand&) = delete;
  Stand& operator=(const Stand&) = delete;

  [[nodiscard]] hw::MigBackend& backend() const { return *backend_; }
  [[nodiscard]] simhw::SimNode& world() const { return *world_; }
  [[nodiscard]] const mig::GpuModel& model() const { return *world_->spec().boards[0].model; }
  // Of the node, for a SimMachine beside it.
  [[nodiscard]] std::filesystem::path state_directory() const { return folder_.path() / "sim"; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  Folder folder_;
  std::unique_ptr<simhw::SimNode> world_;
  std::unique_ptr<hw::MigBackend> backend_;
};

// The same with MIG on at GPU 0 and a leaf of the smallest profile at its first place.
hw::MigDevice MakeLeaf(hw::MigBackend& backend, mig::GpuIndex gpu,
                       const mig::PlacedProfile& placed);
mig::PlacedProfile FirstLeaf(const mig::GpuModel& model);

}  // namespace flexmig::contract

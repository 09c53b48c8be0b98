#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/base/units.h"
#include "flexmig/mig/types.h"

namespace flexmig::mig {

// How a number in a table is known.
enum class Confidence {
  kDriverCapture,  // printed by a driver on such a board
  kVendorSource,   // in the vendor's published source code
  kVendorDoc,      // in the vendor's documentation
  kInferred,       // carried over from a sibling board
};
std::string_view ConfidenceName(Confidence confidence);

enum class Architecture { kAmpere, kHopper, kBlackwell };
std::string_view ArchitectureName(Architecture architecture);

// What a profile says about the media engines (the suffix of its name). One instance per GPU may
// hold the media set (+me or +me.all); beside +me.all, which holds all media engines, only -me
// instances fit.
enum class MediaEngines { kDefault, kMe, kMeAll, kNone };

// A GPU-instance profile of one board, e.g. 1g.5gb on an A100 40GB.
struct Profile {
  std::string_view name;  // as current drivers print it
  ProfileId id;
  int nvml_index = 0;  // argument of nvmlDeviceGetGpuInstanceProfileInfo, not the id
  int compute_slices = 0;
  int memory_slices = 0;  // size of every placement, in placement units
  // Usable memory and SMs as the driver reports them; nullopt where no capture is known. Neither is
  // proportional to slices (an H100 1g.20gb has 26 SMs, its 2g.20gb 32).
  std::optional<Bytes> memory;
  std::optional<int> sms;
  int copy_engines = 0;
  int max_instances = 0;        // of this profile alone on an empty GPU, by the vendor's tables
  std::span<const int> starts;  // legal placements: [start, start + memory_slices)
  MediaEngines media = MediaEngines::kDefault;
  bool graphics = false;                          // +gfx
  Confidence confidence = Confidence::kInferred;  // the weakest among memory, sms and starts
};

// Where a model's numbers come from.
struct Source {
  std::string_view what;
  std::string_view where;  // address, or a description of the public text
};

// A board as MIG sees it. Tables are for simulation and planning; on a real board the driver is the
// authority.
struct GpuModel {
  std::string_view key;      // "a100-40", unique, lower case
  std::string_view product;  // "NVIDIA A100 40GB (SXM4, PCIe)"
  Architecture architecture = Architecture::kAmpere;
  int total_sms = 0;  // with MIG off
  int compute_slices = 0;
  int placement_units = 0;
  bool mode_change_needs_reset = false;
  std::span<const Profile> profiles;  // by compute slices, then memory
  std::span<const Source> sources;

  // Errors: kNotFound, listing this board's names.
  [[nodiscard]] Result<const Profile*> FindProfile(std::string_view name) const;
  // nullptr if the board has no such id.
  [[nodiscard]] const Profile* FindProfile(ProfileId id) const;
  // The instance that takes the whole GPU: its memory and SMs are what MIG mode leaves to share.
  [[nodiscard]] const Profile& WholeGpuProfile() const;
};

// Every known board, Ampere first. Static storage.
std::span<const GpuModel> AllGpuModels();

// Errors: kNotFound, listing the keys.
Result<const GpuModel*> FindGpuModel(std::string_view key);

}  // namespace flexmig::mig

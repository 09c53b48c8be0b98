#include "board_model.h"

#include <algorithm>
#include <cstdlib>
#include <list>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "flexmig/base/strings.h"

namespace flexmig::nvml {
namespace {

// A model that owns what its views point to.
struct OwnedModel {
  std::string key;
  std::string product;
  std::vector<std::string> names;
  std::vector<std::vector<int>> starts;
  std::vector<mig::Profile> profiles;
  mig::GpuModel model;
};

uint64_t MibOf(const mig::Profile& profile) {
  return profile.memory ? static_cast<uint64_t>(profile.memory->count() >> 20) : 0;
}

bool HasShapeOf(const mig::Profile& table, const DriverProfile& driver) {
  if (table.compute_slices != driver.compute_slices) return false;
  if (!driver.starts) return true;
  return table.memory_slices == driver.size && std::ranges::equal(table.starts, *driver.starts);
}

// How far the driver's memory is from the table's, in MiB over all profiles; nullopt if it is
// another board: a profile is missing there, has another shape, or is more than a tenth off.
std::optional<uint64_t> DistanceTo(const mig::GpuModel& table, const BoardDescription& board) {
  uint64_t distance = 0;
  if (table.architecture != board.architecture) return std::nullopt;
  for (const DriverProfile& driver : board.profiles) {
    const mig::Profile* profile = table.FindProfile(mig::ProfileId(driver.id));
    if (profile == nullptr) continue;  // a newer driver has more
    if (!HasShapeOf(*profile, driver)) return std::nullopt;
    const uint64_t mib = MibOf(*profile);
    if (mib == 0) continue;
    const uint64_t off = std::max(mib, driver.memory_mib) - std::min(mib, driver.memory_mib);
    if (off > mib / 10) return std::nullopt;
    distance += off;
  }
  return distance;
}

const mig::GpuModel* ClosestTable(const BoardDescription& board) {
  const mig::GpuModel* closest = nullptr;
  uint64_t least = 0;
  for (const mig::GpuModel& table : mig::AllGpuModels()) {
    const auto distance = DistanceTo(table, board);
    if (!distance || (closest != nullptr && *distance >= least)) continue;
    closest = &table;
    least = *distance;
  }
  return closest;
}

// Products by what their names contain, special ones first.
const mig::GpuModel* TableByName(std::string_view product) {
  struct Sign {
    std::string_view first;
    std::string_view second;
    std::string_view key;
  };
  constexpr Sign kSigns[] = {{"A30", "", "a30"},
                             {"A100", "80GB", "a100-80"},
                             {"A100", "40GB", "a100-40"},
                             {"GH200", "480GB", "h100-96"},
                             {"H100", "NVL", "h100-94"},
                             {"H100", "80GB", "h100-80"},
                             {"H200", "", "h200-141"},
                             {"B200", "", "b200"},
                             {"RTX PRO 6000", "", "rtx-pro-6000"}};
  const auto contains = [&](std::string_view part) { return product.find(part) != product.npos; };
  // Boards with two chips have other memory than the names here stand for.
  if (contains("GB200") || (contains("GH200") && !contains("480GB"))) return nullptr;
  for (const Sign& sign : kSigns) {
    if (contains(sign.first) && contains(sign.second)) return *mig::FindGpuModel(sign.key);
  }
  return nullptr;
}

bool AgreesWith(const mig::GpuModel& table, const BoardDescription& board) {
  if (table.profiles.size() != board.profiles.size() ||
      table.mode_change_needs_reset != board.mode_change_needs_reset) {
    return false;
  }
  return std::ranges::all_of(board.profiles, [&](const DriverProfile& driver) {
    const mig::Profile* profile = table.FindProfile(mig::ProfileId(driver.id));
    return profile != nullptr && HasShapeOf(*profile, driver) && profile->sms == driver.sms &&
           MibOf(*profile) == driver.memory_mib && profile->copy_engines == driver.copy_engines &&
           (driver.name.empty() || driver.name == profile->name);
  });
}

// By the suffix of a name. The indices that go with them are those of nvml.h 13.3.
mig::MediaEngines MediaOf(std::string_view name) {
  if (name.ends_with("+me.all")) return mig::MediaEngines::kMeAll;
  if (name.ends_with("+me")) return mig::MediaEngines::kMe;
  if (name.ends_with("-me")) return mig::MediaEngines::kNone;
  return mig::MediaEngines::kDefault;
}

// "1g.5gb" of a driver that does not say: slices, and memory rounded up as names do it.
std::string MakeUpName(const DriverProfile& driver) {
  const uint64_t gib = (driver.memory_mib + 1023) / 1024;
  std::string_view suffix;
  if (driver.index == 7 || driver.index == 8) suffix = "+me";
  if (driver.index >= 10 && driver.index <= 12) suffix = "+gfx";
  if (driver.index == 13 || driver.index == 14) suffix = "-me";
  if (driver.index == 15 || driver.index == 16) suffix = "+me.all";
  return StrCat(driver.compute_slices, "g.", gib, "gb", suffix);
}

// A profile with the driver's numbers, and with the table's where it has none.
Result<mig::Profile> Merge(const DriverProfile& driver, const mig::Profile* table,
                           OwnedModel& owner) {
  mig::Profile profile;
  if (table != nullptr) profile = *table;
  if (!driver.name.empty() || table == nullptr) {
    profile.name = owner.names.emplace_back(driver.name.empty() ? MakeUpName(driver) : driver.name);
    profile.media = MediaOf(profile.name);
    profile.graphics = profile.name.ends_with("+gfx");
  }
  if (driver.starts) {
    profile.starts = owner.starts.emplace_back(*driver.starts);
    profile.memory_slices = driver.size;
  } else if (table == nullptr) {
    return UnimplementedError(StrCat("the driver does not tell the placements of ", profile.name));
  }
  profile.id = mig::ProfileId(driver.id);
  profile.nvml_index = static_cast<int>(driver.index);
  profile.compute_slices = driver.compute_slices;
  profile.memory = Bytes::MiB(static_cast<int64_t>(driver.memory_mib));
  profile.sms = driver.sms;
  profile.copy_engines = driver.copy_engines;
  // Drivers have been seen to report wrong counts for the A30, so a table is believed more.
  if (table == nullptr) profile.max_instances = driver.instance_count;
  profile.confidence = mig::Confidence::kDriverCapture;
  return profile;
}

Status Build(const BoardDescription& board, const mig::GpuModel* table, OwnedModel& owner) {
  owner.product = board.product;
  owner.key = table != nullptr ? std::string(table->key) : board.product;
  // Views into these must not move.
  owner.names.reserve(board.profiles.size());
  owner.starts.reserve(board.profiles.size());
  mig::GpuModel& model = owner.model;
  if (table != nullptr) model = *table;
  model.compute_slices = 0;
  model.placement_units = 0;
  for (const DriverProfile& driver : board.profiles) {
    const mig::Profile* known =
        table != nullptr ? table->FindProfile(mig::ProfileId(driver.id)) : nullptr;
    FLEXMIG_ASSIGN_OR_RETURN(const mig::Profile profile, Merge(driver, known, owner));
    owner.profiles.push_back(profile);
    model.compute_slices = std::max(model.compute_slices, profile.compute_slices);
    model.placement_units = std::max(model.placement_units, profile.memory_slices);
    // Without a table only the instances tell what there is.
    if (table == nullptr) model.total_sms = std::max(model.total_sms, profile.sms.value_or(0));
  }
  std::ranges::stable_sort(owner.profiles, {}, [](const mig::Profile& profile) {
    return std::pair(profile.compute_slices, profile.memory_slices);
  });
  model.key = owner.key;
  model.product = owner.product;
  model.architecture = board.architecture;
  model.mode_change_needs_reset = board.mode_change_needs_reset;
  model.profiles = owner.profiles;
  return OkStatus();
}

bool operator<(const DriverProfile& a, const DriverProfile& b) {
  const auto key = [](const DriverProfile& p) {
    return std::tuple(p.index, p.id, p.name, p.compute_slices, p.instance_count, p.sms,
                      p.copy_engines, p.memory_mib, p.starts, p.size);
  };
  return key(a) < key(b);
}

struct ByContent {
  bool operator()(const BoardDescription& a, const BoardDescription& b) const {
    const auto head = [](const BoardDescription& board) {
      return std::tuple(std::string_view(board.product), board.architecture,
                        board.mode_change_needs_reset, board.has_mig);
    };
    if (head(a) != head(b)) return head(a) < head(b);
    return std::ranges::lexicographical_compare(a.profiles, b.profiles, ByProfile);
  }
  static bool ByProfile(const DriverProfile& a, const DriverProfile& b) { return a < b; }
};

Result<const mig::GpuModel*> Make(const BoardDescription& board) {
  // Models are few and live on; see the header.
  static auto* const owned = new std::list<OwnedModel>;
  const mig::GpuModel* table = nullptr;
  if (board.has_mig) {
    if (board.profiles.empty()) {
      table = TableByName(board.product);
      if (table != nullptr) return table;
    } else {
      table = ClosestTable(board);
    }
    if (table != nullptr && AgreesWith(*table, board)) return table;
  }
  OwnedModel& owner = owned->emplace_back();
  const Status status = Build(board, table, owner);
  if (status.ok()) return &owner.model;
  owned->pop_back();
  return status.WithContext(board.product);
}

}  // namespace

Result<const mig::GpuModel*> ModelOf(const BoardDescription& board) {
  static std::mutex mutex;
  static auto* const made = new std::map<BoardDescription, const mig::GpuModel*, ByContent>;
  const std::lock_guard lock(mutex);
  const auto found = made->find(board);
  if (found != made->end()) return found->second;
  FLEXMIG_ASSIGN_OR_RETURN(const mig::GpuModel* model, Make(board));
  made->emplace(board, model);
  return model;
}

}  // namespace flexmig::nvml

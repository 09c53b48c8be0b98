#include "flexmig/simhw/board_facts.h"

#include <algorithm>

#include "flexmig/base/check.h"
#include "flexmig/mig/layout.h"

namespace flexmig::simhw {
namespace {

constexpr BoardFacts kBoards[] = {
    {"a30", "NVIDIA A30", 24576, 513, 32768, 4, 165, 1440, 1215, 3072, 8, 0, false},
    {"a100-40", "NVIDIA A100-SXM4-40GB", 40960, 518, 65536, 4, 400, 1410, 1215, 5120, 8, 0, true},
    {"a100-80", "NVIDIA A100-SXM4-80GB", 81920, 529, 131072, 4, 400, 1410, 1593, 5120, 8, 0, false},
    {"h100-80", "NVIDIA H100 80GB HBM3", 81559, 480, 131072, 5, 700, 1980, 2619, 5120, 9, 0, true},
    {"h100-94", "NVIDIA H100 NVL", 95830, 470, 131072, 5, 400, 1785, 2619, 6016, 9, 0, false},
    {"h100-96", "NVIDIA GH200 480GB", 97871, 580, 131072, 5, 900, 1980, 2619, 6144, 9, 0, false},
    {"h200-141", "NVIDIA H200", 143771, 611, 262144, 5, 700, 1980, 3201, 6144, 9, 0, false},
    {"b200", "NVIDIA B200", 183359, 728, 262144, 5, 1000, 1965, 3996, 8192, 10, 0, true},
    {"rtx-pro-6000", "NVIDIA RTX PRO 6000 Blackwell Server Edition", 97887, 479, 131072, 5, 600,
     2430, 12481, 512, 12, 0, false},
};

struct EngineRow {
  int profile_id;
  Engines engines;
};
constexpr EngineRow kA100[] = {{19, {0, 0, 0, 0}}, {20, {1, 0, 1, 1}}, {15, {1, 0, 0, 0}},
                               {14, {1, 0, 0, 0}}, {9, {2, 0, 0, 0}},  {5, {2, 0, 0, 0}},
                               {0, {5, 0, 1, 1}}};
constexpr EngineRow kA30[] = {{14, {1, 0, 0, 0}},
                              {21, {1, 0, 1, 1}},
                              {5, {2, 0, 0, 0}},
                              {6, {2, 0, 1, 1}},
                              {0, {4, 0, 1, 1}}};
// Of Hopper; B200's 1g, wide 1g and 2g agree, its larger profiles were never seen.
constexpr EngineRow kHopper[] = {{19, {1, 0, 1, 0}}, {20, {1, 0, 1, 1}}, {15, {1, 0, 1, 0}},
                                 {14, {2, 0, 2, 0}}, {9, {3, 0, 3, 0}},  {5, {4, 0, 4, 0}},
                                 {0, {7, 0, 7, 1}}};
constexpr EngineRow kRtxPro6000[] = {{14, {1, 1, 1, 0}}, {21, {1, 1, 1, 1}}, {47, {1, 1, 1, 0}},
                                     {65, {4, 4, 4, 1}}, {67, {0, 0, 0, 0}}, {5, {2, 2, 2, 0}},
                                     {35, {2, 2, 2, 0}}, {64, {4, 4, 4, 1}}, {66, {0, 0, 0, 0}},
                                     {0, {4, 4, 4, 1}},  {32, {4, 4, 4, 1}}};

std::span<const EngineRow> EngineTable(const mig::GpuModel& model) {
  if (model.key == "a30") return kA30;
  if (model.key == "rtx-pro-6000") return kRtxPro6000;
  return model.architecture == mig::Architecture::kAmpere ? std::span<const EngineRow>(kA100)
                                                          : std::span<const EngineRow>(kHopper);
}

}  // namespace

const BoardFacts& FactsOf(const mig::GpuModel& model) {
  const auto* found = std::ranges::find(kBoards, model.key, &BoardFacts::key);
  FLEXMIG_CHECK(found != std::end(kBoards));
  return *found;
}

Engines EnginesOf(const mig::GpuModel& model, const mig::Profile& profile) {
  for (const EngineRow& row : EngineTable(model)) {
    if (row.profile_id == profile.id.value()) return row.engines;
  }
  return {};
}

uint32_t SmsOf(const mig::GpuModel& model, const mig::Profile& profile) {
  if (profile.sms) return static_cast<uint32_t>(*profile.sms);
  if (profile.memory_slices == model.placement_units) return static_cast<uint32_t>(model.total_sms);
  const mig::Profile& smallest = mig::DefaultLeafProfile(model);
  return static_cast<uint32_t>(profile.compute_slices * smallest.sms.value_or(1));
}

uint64_t MemoryMibOf(const mig::GpuModel& model, const mig::Profile& profile) {
  const auto mib = [](Bytes bytes) { return static_cast<uint64_t>(bytes.count() >> 20); };
  if (profile.memory) return mib(*profile.memory);
  const mig::Profile& smallest = mig::DefaultLeafProfile(model);
  return static_cast<uint64_t>(profile.memory_slices) * mib(smallest.memory.value_or(Bytes()));
}

}  // namespace flexmig::simhw

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/mig/gpu_model.h"
#include "flexmig/sched/time.h"

namespace flexmig::sim {

// How a job's speed grows with its share of a GPU. Measured on A100 boards (public artifacts of
// MISO, MIGPerf and others); a job is of one class, which nobody but a measurement can tell.
enum class SpeedClass {
  kSaturating,  // fills the GPU: nearly proportional to slices
  kMiddling,
  kLight,  // cannot fill more than a slice or two
};
inline constexpr SpeedClass kAllSpeedClasses[] = {SpeedClass::kSaturating, SpeedClass::kMiddling,
                                                  SpeedClass::kLight};

std::string_view SpeedClassName(SpeedClass speed_class);
// Errors: kNotFound, listing the names.
Result<SpeedClass> ParseSpeedClass(std::string_view name);

// Speeds are integer millionths of the speed on the instance that takes the whole GPU (7g), so that
// run times are equal on every platform.
inline constexpr int64_t kWholeSpeed = 1'000'000;

// What a job makes of more compute slices than it asked for.
enum class Oversize {
  kFaster,  // it speeds up by its class's curve, so that rounding up is not all loss
  kSame,    // it runs as on what it asked for: who asks for 0.3 of a GPU cannot use more
};

struct SpeedOptions {
  SpeedClass speed_class = SpeedClass::kMiddling;
  // Speed of a GPU with MIG off; nullopt for the class's own value (see SpeedModel::mig_off).
  std::optional<int64_t> mig_off;
  Oversize oversize = Oversize::kFaster;
};

// How fast a job runs on what it got.
class SpeedModel {
 public:
  SpeedModel(const mig::GpuModel& model, const SpeedOptions& options);

  // One instance of so many compute slices. Between the measured 1, 2, 3, 4 and 7 of 7 slices the
  // curve is a straight line; boards with another number of slices are put on it by their share of
  // the GPU. REQUIRES: 0 < slices <= the board's.
  [[nodiscard]] int64_t OnInstance(int slices) const;

  // On an instance of `held` slices, or on a GPU with MIG off, for a job that asked for `asked`.
  // REQUIRES: 0 < asked <= held; both <= the board's.
  [[nodiscard]] int64_t OnInstanceFor(int asked, int held) const;
  [[nodiscard]] int64_t OnGpuFor(int asked) const;

  // `count` leaves of `slices` compute slices each: as fast as one instance of as many slices
  // (measured with the same global batch: median about 1.0), before communication (see
  // Communication). Beyond one GPU it grows in proportion to slices.
  [[nodiscard]] int64_t OnLeaves(int count, int slices) const;

  // So many GPUs, in millionths, with MIG off.
  [[nodiscard]] int64_t OnGpus(int64_t micro_gpus) const;

  // Speed of one GPU with MIG off, which has all SMs: MIG leaves 98 of an A100's 108. The default
  // is (108 / 98)^e with e = ln(S(7) / S(4)) / ln(7 / 4), how steeply the class's curve still rises
  // at the end: 1.10, 1.06 and 1.01. An assumption for boards other than the A100.
  [[nodiscard]] int64_t mig_off() const { return mig_off_; }
  [[nodiscard]] const SpeedOptions& options() const { return options_; }

  // "0.26 0.45 0.65 0.73 1" on 1, 2, 3, 4 and 7 of 7 slices.
  [[nodiscard]] std::string DescribeCurve() const;

 private:
  SpeedOptions options_;
  int board_slices_;
  int64_t mig_off_;
};

// `duration` was measured at speed `reference`; the run time at `speed`, rounded to the nearest
// microsecond. REQUIRES: speed > 0.
sched::Duration ScaleRunTime(sched::Duration duration, int64_t reference, int64_t speed);

}  // namespace flexmig::sim

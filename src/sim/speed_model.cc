#include "flexmig/sim/speed_model.h"

#include <iterator>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::sim {

namespace {

__extension__ using Wide = __int128;

// The number of slices of the boards that the curves were measured on.
constexpr int kCurveSlices = 7;

struct Point {
  int slices;
  int64_t speed;
};

struct Curve {
  std::string_view name;
  Point points[6];  // from (0, 0), rising
  int64_t mig_off;
};

// By SpeedClass. Medians over the models of each class.
constexpr Curve kCurves[] = {
    {"saturating",
     {{0, 0}, {1, 150'000}, {2, 300'000}, {3, 500'000}, {4, 570'000}, {7, kWholeSpeed}},
     1'100'000},
    {"middling",
     {{0, 0}, {1, 260'000}, {2, 450'000}, {3, 650'000}, {4, 730'000}, {7, kWholeSpeed}},
     1'060'000},
    {"light",
     {{0, 0}, {1, 600'000}, {2, 850'000}, {3, 950'000}, {4, 960'000}, {7, kWholeSpeed}},
     1'010'000},
};
static_assert(std::size(kCurves) == std::size(kAllSpeedClasses));

const Curve& CurveOf(SpeedClass speed_class) { return kCurves[static_cast<size_t>(speed_class)]; }

int64_t RoundedDivide(Wide numerator, Wide denominator) {
  return static_cast<int64_t>((numerator + denominator / 2) / denominator);
}

}  // namespace

std::string_view SpeedClassName(SpeedClass speed_class) { return CurveOf(speed_class).name; }

Result<SpeedClass> ParseSpeedClass(std::string_view name) {
  std::vector<std::string> names;
  for (const SpeedClass speed_class : kAllSpeedClasses) {
    if (SpeedClassName(speed_class) == name) return speed_class;
    names.emplace_back(SpeedClassName(speed_class));
  }
  return NotFoundError(StrCat("no speed class '", name, "'; there are ", StrJoin(names, ", ")));
}

SpeedModel::SpeedModel(const mig::GpuModel& model, const SpeedOptions& options)
    : options_(options),
      board_slices_(model.compute_slices),
      mig_off_(options.mig_off.value_or(CurveOf(options.speed_class).mig_off)) {}

int64_t SpeedModel::OnInstance(int slices) const {
  FLEXMIG_CHECK(slices > 0 && slices <= board_slices_);
  // The place on the curve is x / board_slices_, so all stays in integers.
  const int x = slices * kCurveSlices;
  const auto& points = CurveOf(options_.speed_class).points;
  size_t i = 1;
  while (points[i].slices * board_slices_ < x) ++i;
  const Point& low = points[i - 1];
  const Point& high = points[i];
  return low.speed +
         RoundedDivide(static_cast<Wide>(high.speed - low.speed) * (x - low.slices * board_slices_),
                       static_cast<Wide>(high.slices - low.slices) * board_slices_);
}

int64_t SpeedModel::OnInstanceFor(int asked, int held) const {
  return OnInstance(options_.oversize == Oversize::kFaster ? held : asked);
}

int64_t SpeedModel::OnGpuFor(int asked) const {
  return options_.oversize == Oversize::kFaster || asked == board_slices_ ? mig_off_
                                                                          : OnInstance(asked);
}

int64_t SpeedModel::OnLeaves(int count, int slices) const {
  const int total = count * slices;
  if (total <= board_slices_) return OnInstance(total);
  return RoundedDivide(static_cast<Wide>(total) * kWholeSpeed, board_slices_);
}

int64_t SpeedModel::OnGpus(int64_t micro_gpus) const {
  return RoundedDivide(static_cast<Wide>(micro_gpus) * mig_off_, kWholeSpeed);
}

std::string SpeedModel::DescribeCurve() const {
  std::vector<std::string> speeds;
  for (const Point& point : CurveOf(options_.speed_class).points) {
    if (point.slices > 0) speeds.push_back(StrCat(static_cast<double>(point.speed) / kWholeSpeed));
  }
  return StrJoin(speeds, " ");
}

sched::Duration ScaleRunTime(sched::Duration duration, int64_t reference, int64_t speed) {
  FLEXMIG_CHECK(speed > 0);
  return sched::Duration(RoundedDivide(static_cast<Wide>(duration.count()) * reference, speed));
}

}  // namespace flexmig::sim

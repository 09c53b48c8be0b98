#include "flexmig/sim/validation.h"

#include <gtest/gtest.h>

#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

using namespace std::chrono_literals;

Calibration Known() {
  Calibration calibration;
  calibration.sizes = {{1, 100ms, 1ms}, {2, 110ms, 2ms}, {7, 160ms, 7ms}};
  calibration.handover = 50ms;
  return calibration;
}

TEST(CalibrationTest, LiesOnStraightLinesBetweenWhatWasMeasured) {
  EXPECT_EQ(Known().Of(1).launch, 100ms);
  EXPECT_EQ(Known().Of(4).launch, 130ms);
  EXPECT_EQ(Known().Of(4).exchange, 4ms);
  EXPECT_EQ(Known().Of(7).exchange, 7ms);
  EXPECT_EQ(Known().Of(14).launch, 160ms);
}

TEST(ValidationTest, PredictionIsTheSchedulersWithLaunchAndHandover) {
  // Two jobs fill the 14 leaves; the third waits for both, the fourth for the third.
  const std::vector<ShortJob> jobs = {
      {0ms, 7, 50, 20ms}, {10ms, 7, 100, 20ms}, {20ms, 14, 10, 20ms}, {30ms, 1, 10, 20ms}};
  const auto times = PredictShortJobs(jobs, Known(), Board(), 2, "pack");
  ASSERT_TRUE(times.ok()) << times.status().ToString();
  EXPECT_EQ((*times)[0].start, 160ms);
  EXPECT_EQ((*times)[0].finish, 160ms + 50 * 27ms);
  EXPECT_EQ((*times)[1].finish, 170ms + 100 * 27ms);
  EXPECT_EQ((*times)[2].start, 170ms + 2700ms + 50ms + 160ms);
  EXPECT_EQ((*times)[3].start, (*times)[2].finish + 50ms + 100ms);
  EXPECT_EQ(MakespanOf(*times), (*times)[3].finish);
}

TEST(ValidationTest, JobsThatNeverFitAreRefused) {
  const ShortJob wide{0ms, 15, 1, 1ms};
  EXPECT_EQ(PredictShortJobs({&wide, 1}, Known(), Board(), 2, "pack").status().code(),
            StatusCode::kInvalidArgument);
}

TEST(ValidationTest, ShortJobsAreEqualForEqualSeedsAndKeepTheNodeBusy) {
  const auto jobs = MakeShortJobs(40, 1, 14);
  const auto again = MakeShortJobs(40, 1, 14);
  const auto other = MakeShortJobs(40, 2, 14);
  double work = 0;
  int differing = 0;
  for (size_t i = 0; i < jobs.size(); ++i) {
    EXPECT_EQ(jobs[i].submit, again[i].submit);
    EXPECT_EQ(jobs[i].leaves, again[i].leaves);
    EXPECT_TRUE(jobs[i].leaves >= 1 && jobs[i].leaves <= 7);
    if (i > 0) {
      EXPECT_GT(jobs[i].submit - jobs[i - 1].submit, 20ms);
    }
    differing += jobs[i].leaves != other[i].leaves ? 1 : 0;
    work += jobs[i].leaves * std::chrono::duration<double>(jobs[i].steps * jobs[i].step).count();
  }
  EXPECT_GT(differing, 10);
  const double span = std::chrono::duration<double>(jobs.back().submit).count();
  EXPECT_NEAR(work / (14 * span), 1.3, 0.2);
}

}  // namespace
}  // namespace flexmig::sim

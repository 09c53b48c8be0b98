#include "flexmig/base/env.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace flexmig {
namespace {

using std::chrono::milliseconds;

TEST(EnvTest, EmptyCountsAsUnset) {
  ::setenv("FLEXMIG_ENV_TEST", "", 1);
  EXPECT_FALSE(GetEnv("FLEXMIG_ENV_TEST").has_value());
  EXPECT_EQ(*GetEnvInt("FLEXMIG_ENV_TEST", 5, 0, 9), 5);
}

TEST(EnvTest, ABadValueNamesTheVariable) {
  ::setenv("FLEXMIG_ENV_TEST", "12x", 1);
  const auto value = GetEnvInt("FLEXMIG_ENV_TEST", 5, 0, 99);
  EXPECT_EQ(value.status().message(), "FLEXMIG_ENV_TEST: '12x' is not a whole number from 0 to 99");
  EXPECT_FALSE(GetEnvDuration("FLEXMIG_ENV_TEST", milliseconds(1)).ok());
  ::unsetenv("FLEXMIG_ENV_TEST");
}

TEST(EnvTest, DurationsNeedAUnit) {
  EXPECT_EQ(*ParseDuration("250ms"), milliseconds(250));
  EXPECT_EQ(*ParseDuration("1.5s"), milliseconds(1500));
  EXPECT_EQ(*ParseDuration("30min"), milliseconds(1'800'000));
  EXPECT_EQ(*ParseDuration("1h"), milliseconds(3'600'000));
  for (const auto* bad : {"2", "", "s", "-1s", "2 s", "1e300h", "2m"}) {
    EXPECT_FALSE(ParseDuration(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace flexmig

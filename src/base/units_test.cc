#include "flexmig/base/units.h"

#include <gtest/gtest.h>

namespace flexmig {
namespace {

TEST(BytesTest, ParsesBinaryAndDecimalUnits) {
  EXPECT_EQ(*ParseBytes("14GiB"), Bytes::GiB(14));
  EXPECT_EQ(*ParseBytes("4.75GiB"), Bytes::MiB(4864));
  EXPECT_EQ(*ParseBytes("2GB"), Bytes::Of(2'000'000'000));
  EXPECT_EQ(*ParseBytes("0B"), Bytes());
}

TEST(BytesTest, RefusesBareNumbersAndNonsense) {
  for (const auto* bad : {"14", "GiB", "", "-1GiB", "1 GiB", "1gib", "nanGiB", "9999999TiB"}) {
    EXPECT_EQ(ParseBytes(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(BytesTest, FormatsInTheLargestUnitNotAboveIt) {
  EXPECT_EQ(FormatBytes(Bytes::MiB(4864)), "4.75 GiB");
  EXPECT_EQ(FormatBytes(Bytes::MiB(1)), "1.00 MiB");
  EXPECT_EQ(FormatBytes(Bytes::Of(1023)), "1023 B");
}

}  // namespace
}  // namespace flexmig

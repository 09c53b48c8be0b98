#include "flexmig/nvml_abi/return_code.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace flexmig::nvml_abi {
namespace {

TEST(ReturnNameTest, EveryCodeHasANameOfItsOwn) {
  std::set<std::string> names;
  for (const Return code : kAllReturns) names.insert(std::string(ReturnName(code)));
  EXPECT_EQ(names.size(), std::size(kAllReturns));
  for (const std::string& name : names) EXPECT_TRUE(name.starts_with("NVML_")) << name;
  EXPECT_EQ(ReturnName(Return::kIrqIssue), "NVML_ERROR_IRQ_ISSUE");
  EXPECT_EQ(ReturnName(Return::kSuccess), "NVML_SUCCESS");
}

TEST(ReturnNameTest, TheListHasEveryValueOfTheHeader) {
  std::set<int> values;
  for (const Return code : kAllReturns) values.insert(static_cast<int>(code));
  for (int value = 0; value <= 30; ++value) EXPECT_TRUE(values.contains(value)) << value;
  EXPECT_TRUE(values.contains(999));
}

TEST(ReturnNameTest, ANewerDriversCodeIsNoSurprise) {
  EXPECT_EQ(ReturnName(static_cast<Return>(31)), "an NVML return code that is not known");
}

}  // namespace
}  // namespace flexmig::nvml_abi

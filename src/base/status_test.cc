#include "flexmig/base/status.h"

#include <cerrno>
#include <memory>
#include <set>

#include <gtest/gtest.h>

namespace flexmig {
namespace {

TEST(StatusTest, EveryCodeHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const StatusCode code : kAllStatusCodes) names.insert(StatusCodeName(code));
  EXPECT_EQ(names.size(), std::size(kAllStatusCodes));
  EXPECT_FALSE(names.contains("an unknown StatusCode"));
  EXPECT_EQ(StatusCodeName(StatusCode::kDataLoss), "kDataLoss");
}

TEST(StatusTest, ContextGoesInFrontAndKeepsTheCode) {
  const Status status = NotFoundError("no GPU 9").WithContext("node a");
  EXPECT_EQ(status.ToString(), "kNotFound: node a: no GPU 9");
  EXPECT_TRUE(OkStatus().WithContext("node a").ok());
}

TEST(StatusTest, ErrnoPicksTheCodeByWhatTheCallerCanDo) {
  EXPECT_EQ(ErrnoError(ENOENT, "x").code(), StatusCode::kNotFound);
  EXPECT_EQ(ErrnoError(ENOSPC, "x").code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrnoError(EPERM, "x").code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(ErrnoError(EIO, "x").code(), StatusCode::kInternal);
  EXPECT_EQ(ErrnoError(ENOENT, "x").message(), "x: No such file or directory");
}

Result<int> Half(int n) {
  if (n % 2 != 0) return InvalidArgumentError("odd");
  return n / 2;
}

Result<int> Quarter(int n) {
  FLEXMIG_ASSIGN_OR_RETURN(const int half, Half(n));
  return Half(half);
}

TEST(ResultTest, AssignOrReturnPassesTheErrorUp) {
  EXPECT_EQ(Quarter(12).value(), 3);
  EXPECT_EQ(Quarter(6).status().message(), "odd");
}

TEST(ResultTest, HoldsMoveOnlyValues) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  EXPECT_EQ(*std::move(result).value(), 7);
}

TEST(ResultDeathTest, ValueOfAnErrorIsABug) {
  EXPECT_DEATH(static_cast<void>(Half(1).value()), "check failed: ok");
}

}  // namespace
}  // namespace flexmig

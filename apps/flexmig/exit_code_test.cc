#include "exit_code.h"

#include <map>

#include <gtest/gtest.h>

namespace flexmig::app {
namespace {

TEST(ExitCodeTest, EveryCodeHasTheDocumentedExit) {
  const std::map<StatusCode, int> documented = {
      {StatusCode::kOk, 0},
      {StatusCode::kInvalidArgument, 2},
      {StatusCode::kFailedPrecondition, 3},
      {StatusCode::kResourceExhausted, 3},
      {StatusCode::kNotFound, 4},
      {StatusCode::kAlreadyExists, 4},
      {StatusCode::kUnavailable, 5},
      {StatusCode::kDeadlineExceeded, 5},
      {StatusCode::kAborted, 1},
      {StatusCode::kPermissionDenied, 6},
      {StatusCode::kUnimplemented, 2},
      {StatusCode::kDataLoss, 1},
      {StatusCode::kInternal, 1},
  };
  for (const StatusCode code : kAllStatusCodes) {
    ASSERT_TRUE(documented.contains(code)) << StatusCodeName(code);
    EXPECT_EQ(ExitCodeOf(code), documented.at(code)) << StatusCodeName(code);
  }
}

}  // namespace
}  // namespace flexmig::app

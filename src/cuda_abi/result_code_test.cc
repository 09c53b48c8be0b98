#include "flexmig/cuda_abi/result_code.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace flexmig::cuda_abi {
namespace {

TEST(ResultNameTest, EveryCodeHasANameOfItsOwn) {
  std::set<std::string> names;
  for (const ResultCode code : kAllResultCodes) names.insert(std::string(ResultName(code)));
  EXPECT_EQ(names.size(), std::size(kAllResultCodes));
  for (const std::string& name : names) EXPECT_TRUE(name.starts_with("CUDA_")) << name;
  EXPECT_EQ(ResultName(ResultCode::kSuccess), "CUDA_SUCCESS");
  EXPECT_EQ(ResultName(ResultCode::kStreamCaptureUnsupported),
            "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED");
}

TEST(ResultNameTest, ANewerDriversCodeIsNoSurprise) {
  EXPECT_EQ(ResultName(static_cast<ResultCode>(998)), "a CUDA result code that is not known");
}

TEST(IsStickyTest, OnlyErrorsOfAGpusWorkAre) {
  EXPECT_TRUE(IsSticky(ResultCode::kIllegalAddress));
  EXPECT_TRUE(IsSticky(ResultCode::kLaunchFailed));
  for (const ResultCode code : {ResultCode::kSuccess, ResultCode::kInvalidValue,
                                ResultCode::kOutOfMemory, ResultCode::kNotReady}) {
    EXPECT_FALSE(IsSticky(code)) << ResultName(code);
  }
}

}  // namespace
}  // namespace flexmig::cuda_abi

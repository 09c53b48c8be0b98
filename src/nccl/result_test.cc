#include "result.h"

#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace flexmig::nccl {
namespace {

TEST(ResultTest, EveryStatusCodeHasItsResult) {
  const std::map<StatusCode, ncclResult_t> expected = {
      {StatusCode::kOk, ncclSuccess},
      {StatusCode::kInvalidArgument, ncclInvalidArgument},
      {StatusCode::kFailedPrecondition, ncclInvalidUsage},
      {StatusCode::kResourceExhausted, ncclSystemError},
      {StatusCode::kNotFound, ncclInvalidArgument},
      {StatusCode::kAlreadyExists, ncclInvalidArgument},
      {StatusCode::kUnavailable, ncclSystemError},
      {StatusCode::kDeadlineExceeded, ncclSystemError},
      {StatusCode::kAborted, ncclRemoteError},
      {StatusCode::kPermissionDenied, ncclSystemError},
      {StatusCode::kUnimplemented, ncclInvalidUsage},
      {StatusCode::kDataLoss, ncclInternalError},
      {StatusCode::kInternal, ncclInternalError},
  };
  for (const StatusCode code : kAllStatusCodes) {
    ASSERT_EQ(expected.count(code), 1U) << StatusCodeName(code);
    EXPECT_EQ(ToResult(code), expected.at(code)) << StatusCodeName(code);
    EXPECT_EQ(ToResult(code) == ncclSuccess, code == StatusCode::kOk);
  }
}

TEST(ResultTest, EveryResultHasATextOfItsOwn) {
  std::set<std::string> texts;
  for (unsigned result = 0; result < ncclNumResults; ++result) {
    texts.insert(ResultText(static_cast<ncclResult_t>(result)));
  }
  EXPECT_EQ(texts.size(), size_t{ncclNumResults});
  EXPECT_STREQ(ResultText(ncclNumResults), "unknown result code");
  EXPECT_STREQ(ResultText(static_cast<ncclResult_t>(12345)), "unknown result code");
}

TEST(ResultTest, TypesAndReductionsThereAndBack) {
  std::set<reduce::DataType> types;
  for (unsigned type = 0; type < ncclNumTypes; ++type) {
    const auto ours = ToDataType(static_cast<ncclDataType_t>(type));
    ASSERT_TRUE(ours.ok()) << type;
    EXPECT_EQ(FromDataType(*ours), static_cast<ncclDataType_t>(type));
    types.insert(*ours);
  }
  EXPECT_EQ(types.size(), std::size(reduce::kAllDataTypes));
  for (unsigned op = 0; op < ncclNumOps; ++op) {
    const auto ours = ToReduceOp(static_cast<ncclRedOp_t>(op));
    ASSERT_TRUE(ours.ok()) << op;
    EXPECT_EQ(FromReduceOp(*ours), static_cast<ncclRedOp_t>(op));
  }
  for (const unsigned wrong : {12U, 13U, 1000U, 0xffffffffU}) {
    EXPECT_EQ(ToDataType(static_cast<ncclDataType_t>(wrong)).status().code(),
              StatusCode::kInvalidArgument);
  }
  for (const unsigned wrong : {5U, 6U, 0x7fffffffU, 0xffffffffU}) {
    EXPECT_EQ(ToReduceOp(static_cast<ncclRedOp_t>(wrong)).status().code(),
              StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace flexmig::nccl

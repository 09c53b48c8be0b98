#include "result.h"

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::nccl {

using reduce::DataType;
using reduce::ReduceOp;

ncclResult_t ToResult(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return ncclSuccess;
    case StatusCode::kInvalidArgument: return ncclInvalidArgument;
    case StatusCode::kFailedPrecondition: return ncclInvalidUsage;
    case StatusCode::kResourceExhausted: return ncclSystemError;
    case StatusCode::kNotFound: return ncclInvalidArgument;
    case StatusCode::kAlreadyExists: return ncclInvalidArgument;
    case StatusCode::kUnavailable: return ncclSystemError;
    case StatusCode::kDeadlineExceeded: return ncclSystemError;
    case StatusCode::kAborted: return ncclRemoteError;
    case StatusCode::kPermissionDenied: return ncclSystemError;
    case StatusCode::kUnimplemented: return ncclInvalidUsage;
    case StatusCode::kDataLoss: return ncclInternalError;
    case StatusCode::kInternal: return ncclInternalError;
  }
  return ncclInternalError;
}

const char* ResultText(ncclResult_t result) {
  switch (result) {
    case ncclSuccess: return "no error";
    case ncclUnhandledCudaError:
      return "unhandled cuda error (run with NCCL_DEBUG=INFO for details)";
    case ncclSystemError: return "unhandled system error (run with NCCL_DEBUG=INFO for details)";
    case ncclInternalError:
      return "internal error - please report this issue to the Flex-MIG developers";
    case ncclInvalidArgument: return "invalid argument (run with NCCL_DEBUG=WARN for details)";
    case ncclInvalidUsage: return "invalid usage (run with NCCL_DEBUG=WARN for details)";
    case ncclRemoteError: return "remote process exited or there was a network error";
    case ncclInProgress: return "NCCL operation in progress";
    case ncclNumResults: break;
  }
  return "unknown result code";
}

Result<DataType> ToDataType(ncclDataType_t type) {
  switch (type) {
    case ncclInt8: return DataType::kInt8;
    case ncclUint8: return DataType::kUint8;
    case ncclInt32: return DataType::kInt32;
    case ncclUint32: return DataType::kUint32;
    case ncclInt64: return DataType::kInt64;
    case ncclUint64: return DataType::kUint64;
    case ncclFloat16: return DataType::kFloat16;
    case ncclFloat32: return DataType::kFloat32;
    case ncclFloat64: return DataType::kFloat64;
    case ncclBfloat16: return DataType::kBfloat16;
    case ncclFloat8e4m3: return DataType::kFloat8E4m3;
    case ncclFloat8e5m2: return DataType::kFloat8E5m2;
    case ncclNumTypes: break;
  }
  return InvalidArgumentError(StrCat("data type ", static_cast<unsigned>(type), " is none"));
}

Result<ReduceOp> ToReduceOp(ncclRedOp_t op) {
  switch (op) {
    case ncclSum: return ReduceOp::kSum;
    case ncclProd: return ReduceOp::kProd;
    case ncclMax: return ReduceOp::kMax;
    case ncclMin: return ReduceOp::kMin;
    case ncclAvg: return ReduceOp::kAvg;
    case ncclNumOps:
    case ncclMaxRedOp: break;
  }
  return InvalidArgumentError(StrCat("reduction ", static_cast<unsigned>(op), " is none"));
}

ncclDataType_t FromDataType(DataType type) {
  switch (type) {
    case DataType::kInt8: return ncclInt8;
    case DataType::kUint8: return ncclUint8;
    case DataType::kInt32: return ncclInt32;
    case DataType::kUint32: return ncclUint32;
    case DataType::kInt64: return ncclInt64;
    case DataType::kUint64: return ncclUint64;
    case DataType::kFloat16: return ncclFloat16;
    case DataType::kFloat32: return ncclFloat32;
    case DataType::kFloat64: return ncclFloat64;
    case DataType::kBfloat16: return ncclBfloat16;
    case DataType::kFloat8E4m3: return ncclFloat8e4m3;
    case DataType::kFloat8E5m2: return ncclFloat8e5m2;
  }
  return ncclNumTypes;
}

ncclRedOp_t FromReduceOp(ReduceOp op) {
  switch (op) {
    case ReduceOp::kSum: return ncclSum;
    case ReduceOp::kProd: return ncclProd;
    case ReduceOp::kMax: return ncclMax;
    case ReduceOp::kMin: return ncclMin;
    case ReduceOp::kAvg: return ncclAvg;
    case ReduceOp::kPreMulSum: break;
  }
  FLEXMIG_CHECK(false);
}

}  // namespace flexmig::nccl

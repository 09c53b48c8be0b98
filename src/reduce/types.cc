#include "flexmig/reduce/types.h"

#include "flexmig/base/check.h"

namespace flexmig::reduce {

size_t ElementBytes(DataType type) {
  switch (type) {
    case DataType::kFloat64:
    case DataType::kInt64:
    case DataType::kUint64: return 8;
    case DataType::kFloat32:
    case DataType::kInt32:
    case DataType::kUint32: return 4;
    case DataType::kBfloat16:
    case DataType::kFloat16: return 2;
    case DataType::kInt8:
    case DataType::kUint8:
    case DataType::kFloat8E4m3:
    case DataType::kFloat8E5m2: return 1;
  }
  FLEXMIG_CHECK(IsValid(type));
  return 0;
}

std::string_view DataTypeName(DataType type) {
  switch (type) {
    case DataType::kFloat32: return "float32";
    case DataType::kFloat64: return "float64";
    case DataType::kInt32: return "int32";
    case DataType::kInt64: return "int64";
    case DataType::kBfloat16: return "bfloat16";
    case DataType::kFloat16: return "float16";
    case DataType::kInt8: return "int8";
    case DataType::kUint8: return "uint8";
    case DataType::kUint32: return "uint32";
    case DataType::kUint64: return "uint64";
    case DataType::kFloat8E4m3: return "float8_e4m3";
    case DataType::kFloat8E5m2: return "float8_e5m2";
  }
  return "invalid";
}

std::string_view ReduceOpName(ReduceOp op) {
  switch (op) {
    case ReduceOp::kSum: return "sum";
    case ReduceOp::kMin: return "min";
    case ReduceOp::kMax: return "max";
    case ReduceOp::kProd: return "prod";
    case ReduceOp::kAvg: return "avg";
    case ReduceOp::kPreMulSum: return "premulsum";
  }
  return "invalid";
}

}  // namespace flexmig::reduce

#include "flexmig/reduce/types.h"

#include "flexmig/base/check.h"

namespace flexmig::reduce {

size_t ElementBytes(DataType type) {
  switch (type) {
    case DataType::kFloat32:
    case DataType::kInt32: return 4;
    case DataType::kFloat64:
    case DataType::kInt64: return 8;
    case DataType::kBfloat16:
    case DataType::kFloat16: return 2;
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
  }
  return "invalid";
}

}  // namespace flexmig::reduce

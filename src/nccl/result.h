#pragma once

#include "flexmig/base/status.h"
#include "flexmig/nccl_abi/types.h"
#include "flexmig/reduce/types.h"

namespace flexmig::nccl {

// What a caller of the C interface gets for a Status.
[[nodiscard]] ncclResult_t ToResult(StatusCode code);

// NCCL's own texts of its results; "unknown result code" for anything else.
[[nodiscard]] const char* ResultText(ncclResult_t result);

// Errors: kInvalidArgument with the number that is no type.
[[nodiscard]] Result<reduce::DataType> ToDataType(ncclDataType_t type);

// Of the operations that need no communicator, below ncclNumOps. Errors: kInvalidArgument.
[[nodiscard]] Result<reduce::ReduceOp> ToReduceOp(ncclRedOp_t op);

// The other way, for the NCCL that communicators on whole GPUs may be handed to.
[[nodiscard]] ncclDataType_t FromDataType(reduce::DataType type);
// REQUIRES: op is not kPreMulSum.
[[nodiscard]] ncclRedOp_t FromReduceOp(reduce::ReduceOp op);

}  // namespace flexmig::nccl

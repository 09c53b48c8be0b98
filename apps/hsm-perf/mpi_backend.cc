// Open MPI and MPICH: the same source, compiled against each.

#include <cstdint>
#include <utility>

#include <mpi.h>

#include "flexmig/base/strings.h"

#include "peer_backend.h"

namespace flexmig::perf {

namespace {

using reduce::DataType;
using reduce::ReduceOp;

Status MpiStatus(int result, std::string_view function) {
  if (result == MPI_SUCCESS) return OkStatus();
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(result, text, &length);
  return InternalError(StrCat(function, ": ", text));
}

// MPI has no bfloat16: its elements travel as MPI_UINT16_T, and reductions use this operation of
// our own, which a user of MPI would have to write as well. In float, one rounding a step.
template <typename Combine>
void ReduceBfloat16(void* in, void* in_out, int* length, Combine combine) {
  const auto* const a = static_cast<const uint16_t*>(in);
  auto* const b = static_cast<uint16_t*>(in_out);
  const int count = *length;
  for (int i = 0; i < count; ++i) {
    b[i] = reduce::FloatToBfloat16Bits(
        combine(reduce::Bfloat16BitsToFloat(a[i]), reduce::Bfloat16BitsToFloat(b[i])));
  }
}

void SumBfloat16(void* in, void* in_out, int* length, MPI_Datatype* /*type*/) {
  ReduceBfloat16(in, in_out, length, [](float a, float b) { return a + b; });
}
void ProdBfloat16(void* in, void* in_out, int* length, MPI_Datatype* /*type*/) {
  ReduceBfloat16(in, in_out, length, [](float a, float b) { return a * b; });
}
void MinBfloat16(void* in, void* in_out, int* length, MPI_Datatype* /*type*/) {
  ReduceBfloat16(in, in_out, length, [](float a, float b) { return b < a ? b : a; });
}
void MaxBfloat16(void* in, void* in_out, int* length, MPI_Datatype* /*type*/) {
  ReduceBfloat16(in, in_out, length, [](float a, float b) { return a < b ? b : a; });
}

// MPI_DATATYPE_NULL for a type that cannot be sent at all; float16 and float8 can be, but not
// reduced.
MPI_Datatype MpiType(DataType type) {
  switch (type) {
    case DataType::kFloat32: return MPI_FLOAT;
    case DataType::kFloat64: return MPI_DOUBLE;
    case DataType::kInt32: return MPI_INT32_T;
    case DataType::kInt64: return MPI_INT64_T;
    case DataType::kInt8: return MPI_INT8_T;
    case DataType::kUint8:
    case DataType::kFloat8E4m3:
    case DataType::kFloat8E5m2: return MPI_UINT8_T;
    case DataType::kUint32: return MPI_UINT32_T;
    case DataType::kUint64: return MPI_UINT64_T;
    case DataType::kBfloat16:
    case DataType::kFloat16: return MPI_UINT16_T;
  }
  return MPI_DATATYPE_NULL;
}

MPI_User_function* Bfloat16Function(ReduceOp op) {
  if (op == ReduceOp::kSum) return SumBfloat16;
  if (op == ReduceOp::kProd) return ProdBfloat16;
  if (op == ReduceOp::kMin) return MinBfloat16;
  if (op == ReduceOp::kMax) return MaxBfloat16;
  return nullptr;
}

MPI_Op NativeOp(ReduceOp op) {
  if (op == ReduceOp::kSum) return MPI_SUM;
  if (op == ReduceOp::kProd) return MPI_PROD;
  if (op == ReduceOp::kMin) return MPI_MIN;
  if (op == ReduceOp::kMax) return MPI_MAX;
  return MPI_OP_NULL;
}

class MpiBackend final : public Backend {
 public:
  explicit MpiBackend(const GroupConfig& config) : type_(MpiType(config.type)) {
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    if (config.type == DataType::kBfloat16) {
      if (MPI_User_function* const function = Bfloat16Function(config.op)) {
        MPI_Op_create(function, /*commute=*/1, &op_);
        owns_op_ = true;
      }
    } else if (config.type != DataType::kFloat16 && config.type != DataType::kFloat8E4m3 &&
               config.type != DataType::kFloat8E5m2) {
      op_ = NativeOp(config.op);
    }
  }
  ~MpiBackend() override {
    if (owns_op_) MPI_Op_free(&op_);
    MPI_Finalize();
  }

  std::string Version() const override {
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    MPI_Get_library_version(text, &length);
    // The first line or item: MPICH's text goes on with all its configure flags.
    std::string version(text, static_cast<size_t>(length));
    version = version.substr(0, version.find_first_of("\n,"));
    for (char& c : version) {
      if (c == '\t') c = ' ';
    }
    return version;
  }

  Status Offers(const Call& call) const override {
    if (type_ == MPI_DATATYPE_NULL) {
      return UnimplementedError(StrCat("MPI has no ", reduce::DataTypeName(call.type)));
    }
    if (Reduces(call.collective) && op_ == MPI_OP_NULL) {
      return UnimplementedError(StrCat("MPI has no ", reduce::ReduceOpName(call.op), " of ",
                                       reduce::DataTypeName(call.type)));
    }
    if (call.collective == Collective::kBroadcast && !call.in_place) {
      return UnimplementedError("MPI_Bcast has one buffer: it is in place");
    }
    if (call.collective == Collective::kReduceScatter && call.in_place) {
      return UnimplementedError("MPI_Reduce_scatter_block in place leaves its result elsewhere");
    }
    if (call.count > INT32_MAX) return UnimplementedError("MPI counts in int");
    return OkStatus();
  }

  Result<std::byte*> Allocate(size_t bytes, bool registered) override {
    if (registered) return UnimplementedError("MPI has no registered buffers");
    return memory_.Allocate(bytes);
  }

  Status Run(const Call& call) override {
    const int count = static_cast<int>(call.count);
    const bool is_root = rank_ == call.root;
    const void* const send = call.in_place ? MPI_IN_PLACE : call.send;
    switch (call.collective) {
      case Collective::kAllReduce:
        return MpiStatus(MPI_Allreduce(send, call.receive, count, type_, op_, MPI_COMM_WORLD),
                         "MPI_Allreduce");
      case Collective::kReduce:
        return MpiStatus(MPI_Reduce(is_root ? send : call.send, call.receive, count, type_, op_,
                                    call.root, MPI_COMM_WORLD),
                         "MPI_Reduce");
      case Collective::kReduceScatter:
        return MpiStatus(
            MPI_Reduce_scatter_block(call.send, call.receive, count, type_, op_, MPI_COMM_WORLD),
            "MPI_Reduce_scatter_block");
      case Collective::kAllGather:
        return MpiStatus(
            MPI_Allgather(send, count, type_, call.receive, count, type_, MPI_COMM_WORLD),
            "MPI_Allgather");
      case Collective::kGather:
        return MpiStatus(MPI_Gather(is_root ? send : call.send, count, type_, call.receive, count,
                                    type_, call.root, MPI_COMM_WORLD),
                         "MPI_Gather");
      case Collective::kBroadcast:
        return MpiStatus(MPI_Bcast(call.receive, count, type_, call.root, MPI_COMM_WORLD),
                         "MPI_Bcast");
      case Collective::kScatter:
        return MpiStatus(MPI_Scatter(call.send, count, type_,
                                     call.in_place && is_root ? MPI_IN_PLACE : call.receive, count,
                                     type_, call.root, MPI_COMM_WORLD),
                         "MPI_Scatter");
      case Collective::kAllToAll:
        return MpiStatus(
            MPI_Alltoall(call.send, count, type_, call.receive, count, type_, MPI_COMM_WORLD),
            "MPI_Alltoall");
      case Collective::kBarrier: return MpiStatus(MPI_Barrier(MPI_COMM_WORLD), "MPI_Barrier");
    }
    return InternalError("no such collective");
  }

 private:
  PlainMemory memory_;
  MPI_Datatype type_;
  MPI_Op op_ = MPI_OP_NULL;
  bool owns_op_ = false;
  int rank_ = 0;
};

}  // namespace

Result<int> RankOfThisProcess(int argc, char** argv) {
  FLEXMIG_RETURN_IF_ERROR(MpiStatus(MPI_Init(&argc, &argv), "MPI_Init"));
  int rank = 0;
  FLEXMIG_RETURN_IF_ERROR(MpiStatus(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "MPI_Comm_rank"));
  return rank;
}

Result<std::unique_ptr<Backend>> MakePeerBackend(const Membership& membership,
                                                 const GroupConfig& config) {
  int ranks = 0;
  FLEXMIG_RETURN_IF_ERROR(MpiStatus(MPI_Comm_size(MPI_COMM_WORLD, &ranks), "MPI_Comm_size"));
  if (ranks != membership.ranks) {
    return InternalError(StrCat("MPI started ", ranks, " ranks instead of ", membership.ranks));
  }
  return std::unique_ptr<Backend>(std::make_unique<MpiBackend>(config));
}

}  // namespace flexmig::perf

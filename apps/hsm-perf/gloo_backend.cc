// Gloo over its TCP transport on the loopback interface, which is what Debian's package has.

#include <cstdint>
#include <exception>
#include <utility>

#include <gloo/allgather.h>
#include <gloo/allreduce.h>
#include <gloo/alltoall.h>
#include <gloo/barrier.h>
#include <gloo/broadcast.h>
#include <gloo/gather.h>
#include <gloo/math.h>
#include <gloo/reduce.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/file_store.h>
#include <gloo/rendezvous/prefix_store.h>
#include <gloo/scatter.h>
#include <gloo/transport/tcp/device.h>

#include "flexmig/base/strings.h"

#include "peer_backend.h"

namespace flexmig::perf {

namespace {

using reduce::DataType;
using reduce::ReduceOp;
using Function = void (*)(void*, const void*, const void*, size_t);

template <typename T>
Function FunctionOf(ReduceOp op) {
  if (op == ReduceOp::kSum) return gloo::sum<T>;
  if (op == ReduceOp::kProd) return gloo::product<T>;
  if (op == ReduceOp::kMin) return gloo::min<T>;
  if (op == ReduceOp::kMax) return gloo::max<T>;
  return nullptr;
}

// Gloo has no bfloat16; as with MPI, the sum is ours: in float, one rounding a step.
void SumBfloat16(void* to, const void* left, const void* right, size_t count) {
  auto* const c = static_cast<uint16_t*>(to);
  const auto* const a = static_cast<const uint16_t*>(left);
  const auto* const b = static_cast<const uint16_t*>(right);
  for (size_t i = 0; i < count; ++i) {
    c[i] = reduce::FloatToBfloat16Bits(reduce::Bfloat16BitsToFloat(a[i]) +
                                       reduce::Bfloat16BitsToFloat(b[i]));
  }
}

// nullptr if there is none.
Function FindFunction(DataType type, ReduceOp op) {
  if (type == DataType::kFloat32) return FunctionOf<float>(op);
  if (type == DataType::kFloat64) return FunctionOf<double>(op);
  if (type == DataType::kInt32) return FunctionOf<int32_t>(op);
  if (type == DataType::kInt64) return FunctionOf<int64_t>(op);
  if (type == DataType::kInt8) return FunctionOf<int8_t>(op);
  if (type == DataType::kUint8) return FunctionOf<uint8_t>(op);
  if (type == DataType::kUint32) return FunctionOf<uint32_t>(op);
  if (type == DataType::kUint64) return FunctionOf<uint64_t>(op);
  if (type == DataType::kBfloat16 && op == ReduceOp::kSum) return SumBfloat16;
  return nullptr;
}

class GlooBackend final : public Backend {
 public:
  GlooBackend(std::shared_ptr<gloo::Context> context, const GroupConfig& config)
      : context_(std::move(context)), function_(FindFunction(config.type, config.op)) {}

  std::string Version() const override { return "Gloo of Debian, TCP over loopback"; }

  Status Offers(const Call& call) const override {
    if (call.collective == Collective::kReduceScatter) {
      return UnimplementedError("Gloo has no reduce_scatter of its present interface");
    }
    if (Reduces(call.collective) && function_ == nullptr) {
      return UnimplementedError(StrCat("Gloo has no ", reduce::ReduceOpName(call.op), " of ",
                                       reduce::DataTypeName(call.type)));
    }
    if (call.in_place && call.collective != Collective::kAllReduce &&
        call.collective != Collective::kBroadcast) {
      return UnimplementedError(
          StrCat("Gloo has no ", CollectiveName(call.collective), " in place"));
    }
    return OkStatus();
  }

  Result<std::byte*> Allocate(size_t bytes, bool registered) override {
    if (registered) return UnimplementedError("Gloo has no registered buffers");
    return memory_.Allocate(bytes);
  }

  Status Run(const Call& call) override {
    try {
      switch (reduce::ElementBytes(call.type)) {
        case 1: return RunAs<uint8_t>(call);
        case 2: return RunAs<uint16_t>(call);
        case 4: return RunAs<uint32_t>(call);
        default: return RunAs<uint64_t>(call);
      }
    } catch (const std::exception& error) {
      return InternalError(StrCat("Gloo: ", error.what()));
    }
  }

 private:
  // T has the size of an element; the function knows what it is.
  template <typename T>
  Status RunAs(const Call& call);

  PlainMemory memory_;
  std::shared_ptr<gloo::Context> context_;
  Function function_;
};

template <typename T>
Status GlooBackend::RunAs(const Call& call) {
  // Gloo's inputs are not const, but it only reads them.
  T* const send = static_cast<T*>(const_cast<void*>(call.send));
  T* const receive = static_cast<T*>(call.receive);
  const auto ranks = static_cast<size_t>(context_->size);
  const bool is_root = context_->rank == call.root;
  switch (call.collective) {
    case Collective::kAllReduce: {
      gloo::AllreduceOptions options(context_);
      if (!call.in_place) options.setInput(send, call.count);
      options.setOutput(receive, call.count);
      options.setReduceFunction(function_);
      gloo::allreduce(options);
      return OkStatus();
    }
    case Collective::kReduce: {
      gloo::ReduceOptions options(context_);
      options.setInput(send, call.count);
      options.setOutput(receive, call.count);  // on every rank: others keep partial sums there
      options.setRoot(call.root);
      options.setReduceFunction(function_);
      gloo::reduce(options);
      return OkStatus();
    }
    case Collective::kAllGather: {
      gloo::AllgatherOptions options(context_);
      options.setInput(send, call.count);
      options.setOutput(receive, call.count * ranks);
      gloo::allgather(options);
      return OkStatus();
    }
    case Collective::kGather: {
      gloo::GatherOptions options(context_);
      options.setInput(send, call.count);
      if (is_root) options.setOutput(receive, call.count * ranks);
      options.setRoot(call.root);
      gloo::gather(options);
      return OkStatus();
    }
    case Collective::kBroadcast: {
      gloo::BroadcastOptions options(context_);
      if (is_root && !call.in_place) options.setInput(send, call.count);
      options.setOutput(receive, call.count);
      options.setRoot(call.root);
      gloo::broadcast(options);
      return OkStatus();
    }
    case Collective::kScatter: {
      gloo::ScatterOptions options(context_);
      if (is_root) {
        std::vector<T*> parts;
        for (size_t rank = 0; rank < ranks; ++rank) parts.push_back(send + rank * call.count);
        options.setInputs(parts, call.count);
      }
      options.setOutput(receive, call.count);
      options.setRoot(call.root);
      gloo::scatter(options);
      return OkStatus();
    }
    case Collective::kAllToAll: {
      gloo::AlltoallOptions options(context_);
      options.setInput(send, call.count * ranks);
      options.setOutput(receive, call.count * ranks);
      gloo::alltoall(options);
      return OkStatus();
    }
    case Collective::kBarrier: {
      gloo::BarrierOptions options(context_);
      gloo::barrier(options);
      return OkStatus();
    }
    case Collective::kReduceScatter: break;
  }
  return Offers(call);
}

}  // namespace

Result<int> RankOfThisProcess(int argc, char** argv) {
  if (argc != 3) return InvalidArgumentError("Gloo's ranks are given their number");
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t rank, ParseInt(argv[2], 0, Board::kMaxRanks - 1));
  return static_cast<int>(rank);
}

Result<std::unique_ptr<Backend>> MakePeerBackend(const Membership& membership,
                                                 const GroupConfig& config) {
  try {
    gloo::transport::tcp::attr attributes;
    attributes.iface = "lo";
    auto device = gloo::transport::tcp::CreateDevice(attributes);
    gloo::rendezvous::FileStore files(membership.folder);
    gloo::rendezvous::PrefixStore store(membership.rendezvous, files);
    auto context = std::make_shared<gloo::rendezvous::Context>(membership.rank, membership.ranks);
    context->setTimeout(std::chrono::duration_cast<std::chrono::milliseconds>(config.patience));
    context->connectFullMesh(store, device);
    return std::unique_ptr<Backend>(std::make_unique<GlooBackend>(std::move(context), config));
  } catch (const std::exception& error) {
    return InternalError(StrCat("Gloo: ", error.what()));
  }
}

}  // namespace flexmig::perf

#include "flexmig/coll/c_api.h"

#include <cstring>
#include <exception>
#include <iterator>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "flexmig/base/strings.h"
#include "flexmig/coll/communicator.h"

struct flexmig_communicator {
  std::unique_ptr<flexmig::coll::Communicator> object;
};

namespace {

using flexmig::InvalidArgumentError;
using flexmig::Result;
using flexmig::Status;
using flexmig::StatusCode;
using flexmig::coll::Communicator;
using flexmig::coll::CommunicatorOptions;
using flexmig::coll::DataType;
using flexmig::coll::ReduceOp;
using flexmig::coll::Reduction;
using flexmig::coll::Transfer;
using flexmig::coll::VectorLayout;

static_assert(FLEXMIG_OK == static_cast<int>(StatusCode::kOk));
static_assert(FLEXMIG_INVALID_ARGUMENT == static_cast<int>(StatusCode::kInvalidArgument));
static_assert(FLEXMIG_FAILED_PRECONDITION == static_cast<int>(StatusCode::kFailedPrecondition));
static_assert(FLEXMIG_RESOURCE_EXHAUSTED == static_cast<int>(StatusCode::kResourceExhausted));
static_assert(FLEXMIG_NOT_FOUND == static_cast<int>(StatusCode::kNotFound));
static_assert(FLEXMIG_ALREADY_EXISTS == static_cast<int>(StatusCode::kAlreadyExists));
static_assert(FLEXMIG_UNAVAILABLE == static_cast<int>(StatusCode::kUnavailable));
static_assert(FLEXMIG_DEADLINE_EXCEEDED == static_cast<int>(StatusCode::kDeadlineExceeded));
static_assert(FLEXMIG_ABORTED == static_cast<int>(StatusCode::kAborted));
static_assert(FLEXMIG_PERMISSION_DENIED == static_cast<int>(StatusCode::kPermissionDenied));
static_assert(FLEXMIG_UNIMPLEMENTED == static_cast<int>(StatusCode::kUnimplemented));
static_assert(FLEXMIG_DATA_LOSS == static_cast<int>(StatusCode::kDataLoss));
static_assert(FLEXMIG_INTERNAL == static_cast<int>(StatusCode::kInternal));
static_assert(std::size(flexmig::kAllStatusCodes) == 13);

static_assert(FLEXMIG_FLOAT32 == static_cast<int>(DataType::kFloat32));
static_assert(FLEXMIG_FLOAT64 == static_cast<int>(DataType::kFloat64));
static_assert(FLEXMIG_INT32 == static_cast<int>(DataType::kInt32));
static_assert(FLEXMIG_INT64 == static_cast<int>(DataType::kInt64));
static_assert(FLEXMIG_BFLOAT16 == static_cast<int>(DataType::kBfloat16));
static_assert(FLEXMIG_FLOAT16 == static_cast<int>(DataType::kFloat16));
static_assert(FLEXMIG_INT8 == static_cast<int>(DataType::kInt8));
static_assert(FLEXMIG_UINT8 == static_cast<int>(DataType::kUint8));
static_assert(FLEXMIG_UINT32 == static_cast<int>(DataType::kUint32));
static_assert(FLEXMIG_UINT64 == static_cast<int>(DataType::kUint64));
static_assert(FLEXMIG_FLOAT8_E4M3 == static_cast<int>(DataType::kFloat8E4m3));
static_assert(FLEXMIG_FLOAT8_E5M2 == static_cast<int>(DataType::kFloat8E5m2));
static_assert(std::size(flexmig::reduce::kAllDataTypes) == 12);

static_assert(FLEXMIG_SUM == static_cast<int>(ReduceOp::kSum));
static_assert(FLEXMIG_MIN == static_cast<int>(ReduceOp::kMin));
static_assert(FLEXMIG_MAX == static_cast<int>(ReduceOp::kMax));
static_assert(FLEXMIG_PROD == static_cast<int>(ReduceOp::kProd));
static_assert(FLEXMIG_AVG == static_cast<int>(ReduceOp::kAvg));
static_assert(FLEXMIG_PREMUL_SUM == static_cast<int>(ReduceOp::kPreMulSum));
static_assert(std::size(flexmig::reduce::kAllReduceOps) == 6);

thread_local std::string last_error;

flexmig_status Report(const Status& status) {
  if (status.ok()) return FLEXMIG_OK;
  last_error = status.message();
  return static_cast<flexmig_status>(status.code());
}

// For what is thrown: a text that fits where every string has room.
flexmig_status ReportThrown(const char* text, flexmig_status status) noexcept {
  last_error = text;
  return status;
}

// Runs `body` at the border that no exception may pass. Only a lack of memory is expected to throw.
template <typename Body>
flexmig_status Guarded(const Body& body) noexcept {
  try {
    return Report(body());
  } catch (const std::bad_alloc&) {
    return ReportThrown("out of memory", FLEXMIG_RESOURCE_EXHAUSTED);
  } catch (const std::length_error&) {  // of a vector that no memory could hold
    return ReportThrown("out of memory", FLEXMIG_RESOURCE_EXHAUSTED);
  } catch (...) {
    return ReportThrown("internal error", FLEXMIG_INTERNAL);
  }
}

template <typename Body>
flexmig_status OnCommunicator(flexmig_communicator* communicator, const Body& body) noexcept {
  return Guarded([&]() -> Status {
    if (communicator == nullptr) return InvalidArgumentError("the communicator is null");
    return body(*communicator->object);
  });
}

// Hands over what `result` holds, null for a rank that is left out.
Status HandOver(Result<std::unique_ptr<Communicator>> result, flexmig_communicator** out) {
  if (!result.ok()) return result.status();
  std::unique_ptr<Communicator> object = *std::move(result);
  *out = object == nullptr ? nullptr : new flexmig_communicator{std::move(object)};
  return flexmig::OkStatus();
}

// Numbers that do not fit into a byte stay numbers of nothing.
uint8_t ByteOf(int number) {
  return number >= 0 && number < 255 ? static_cast<uint8_t>(number) : uint8_t{255};
}

DataType TypeOf(flexmig_type type) { return static_cast<DataType>(ByteOf(type)); }

Result<Reduction> ReductionOf(const flexmig_reduction& reduction, flexmig_type type) {
  Reduction result(static_cast<ReduceOp>(ByteOf(reduction.op)));
  if (result.op != ReduceOp::kPreMulSum) return result;
  if (reduction.factor == nullptr || !flexmig::reduce::IsValid(TypeOf(type))) {
    return InvalidArgumentError("FLEXMIG_PREMUL_SUM needs a factor and a valid type");
  }
  std::memcpy(result.scalar.bytes, reduction.factor, flexmig::reduce::ElementBytes(TypeOf(type)));
  return result;
}

Transfer TransferOf(const flexmig_transfer& transfer) {
  using Direction = Transfer::Direction;
  return {transfer.is_send != 0 ? Direction::kSend : Direction::kReceive, transfer.peer,
          transfer.data, transfer.count, TypeOf(transfer.type)};
}

}  // namespace

flexmig_status flexmig_create(const flexmig_options* options, flexmig_communicator** communicator) {
  return Guarded([&]() -> Status {
    if (options == nullptr || communicator == nullptr) {
      return InvalidArgumentError("options or communicator is null");
    }
    if (options->size != sizeof *options) {
      return InvalidArgumentError(flexmig::StrCat("flexmig_options of ", options->size,
                                                  " bytes, this library knows ", sizeof *options));
    }
    CommunicatorOptions own;
    if (options->rendezvous != nullptr) own.rendezvous = options->rendezvous;
    if (options->leaf != nullptr) own.leaf = options->leaf;
    own.rank = flexmig::Rank(options->rank);
    own.world_size = options->world_size;
    using std::chrono::milliseconds;
    if (options->connect_timeout_ms != 0) {
      own.connect_timeout = milliseconds(options->connect_timeout_ms);
    }
    if (options->timeout_ms != 0) own.timeout = milliseconds(options->timeout_ms);
    return HandOver(Communicator::Create(own), communicator);
  });
}

flexmig_status flexmig_create_from_environment(const char* tag,
                                               flexmig_communicator** communicator) {
  return Guarded([&]() -> Status {
    if (communicator == nullptr) return InvalidArgumentError("communicator is null");
    return HandOver(Communicator::FromEnvironment(tag == nullptr ? "world" : tag), communicator);
  });
}

flexmig_status flexmig_split(flexmig_communicator* communicator, int color, int key,
                             flexmig_communicator** part) {
  return OnCommunicator(communicator, [&](Communicator& object) -> Status {
    if (part == nullptr) return InvalidArgumentError("part is null");
    return HandOver(object.Split(color, key), part);
  });
}

flexmig_status flexmig_shrink(flexmig_communicator* communicator, const int* excluded,
                              size_t excluded_count, flexmig_communicator** rest) {
  return OnCommunicator(communicator, [&](Communicator& object) -> Status {
    if (rest == nullptr || (excluded == nullptr && excluded_count > 0)) {
      return InvalidArgumentError("rest or excluded is null");
    }
    return HandOver(object.Shrink({excluded, excluded_count}), rest);
  });
}

flexmig_status flexmig_all_reduce(flexmig_communicator* communicator, const void* send,
                                  void* receive, size_t count, flexmig_type type,
                                  flexmig_reduction reduction) {
  return OnCommunicator(communicator, [&](Communicator& object) -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const Reduction own, ReductionOf(reduction, type));
    return object.AllReduce(send, receive, count, TypeOf(type), own);
  });
}

flexmig_status flexmig_reduce(flexmig_communicator* communicator, const void* send, void* receive,
                              size_t count, flexmig_type type, flexmig_reduction reduction,
                              int root) {
  return OnCommunicator(communicator, [&](Communicator& object) -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const Reduction own, ReductionOf(reduction, type));
    return object.Reduce(send, receive, count, TypeOf(type), own, root);
  });
}

flexmig_status flexmig_reduce_scatter(flexmig_communicator* communicator, const void* send,
                                      void* receive, size_t count, flexmig_type type,
                                      flexmig_reduction reduction) {
  return OnCommunicator(communicator, [&](Communicator& object) -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const Reduction own, ReductionOf(reduction, type));
    return object.ReduceScatter(send, receive, count, TypeOf(type), own);
  });
}

flexmig_status flexmig_all_gather(flexmig_communicator* communicator, const void* send,
                                  void* receive, size_t count, flexmig_type type) {
  return OnCommunicator(communicator, [&](Communicator& object) {
    return object.AllGather(send, receive, count, TypeOf(type));
  });
}

flexmig_status flexmig_gather(flexmig_communicator* communicator, const void* send, void* receive,
                              size_t count, flexmig_type type, int root) {
  return OnCommunicator(communicator, [&](Communicator& object) {
    return object.Gather(send, receive, count, TypeOf(type), root);
  });
}

flexmig_status flexmig_broadcast(flexmig_communicator* communicator, const void* send,
                                 void* receive, size_t count, flexmig_type type, int root) {
  return OnCommunicator(communicator, [&](Communicator& object) {
    return object.Broadcast(send, receive, count, TypeOf(type), root);
  });
}

flexmig_status flexmig_scatter(flexmig_communicator* communicator, const void* send, void* receive,
                               size_t count, flexmig_type type, int root) {
  return OnCommunicator(communicator, [&](Communicator& object) {
    return object.Scatter(send, receive, count, TypeOf(type), root);
  });
}

flexmig_status flexmig_all_to_all(flexmig_communicator* communicator, const void* send,
                                  void* receive, size_t count, flexmig_type type) {
  return OnCommunicator(communicator, [&](Communicator& object) {
    return object.AllToAll(send, receive, count, TypeOf(type));
  });
}

flexmig_status flexmig_all_to_all_v(flexmig_communicator* communicator, const void* send,
                                    const size_t* send_counts, const size_t* send_offsets,
                                    void* receive, const size_t* receive_counts,
                                    const size_t* receive_offsets, flexmig_type type) {
  return OnCommunicator(communicator, [&](Communicator& object) -> Status {
    for (const size_t* list : {send_counts, send_offsets, receive_counts, receive_offsets}) {
      if (list == nullptr) return InvalidArgumentError("counts or offsets are null");
    }
    const auto ranks = static_cast<size_t>(object.world_size());
    const VectorLayout sends{{send_counts, ranks}, {send_offsets, ranks}};
    const VectorLayout receives{{receive_counts, ranks}, {receive_offsets, ranks}};
    return object.AllToAllV(send, sends, receive, receives, TypeOf(type));
  });
}

flexmig_status flexmig_barrier(flexmig_communicator* communicator) {
  return OnCommunicator(communicator, [](Communicator& object) { return object.Barrier(); });
}

flexmig_status flexmig_exchange(flexmig_communicator* communicator,
                                const flexmig_transfer* transfers, size_t transfer_count) {
  return OnCommunicator(communicator, [&](Communicator& object) -> Status {
    if (transfers == nullptr && transfer_count > 0) {
      return InvalidArgumentError("transfers is null");
    }
    std::vector<Transfer> own;
    own.reserve(transfer_count);
    for (size_t i = 0; i < transfer_count; ++i) own.push_back(TransferOf(transfers[i]));
    return object.Exchange(own);
  });
}

flexmig_status flexmig_send(flexmig_communicator* communicator, const void* data, size_t count,
                            flexmig_type type, int to) {
  return OnCommunicator(communicator, [&](Communicator& object) {
    return object.Send(data, count, TypeOf(type), to);
  });
}

flexmig_status flexmig_receive(flexmig_communicator* communicator, void* data, size_t count,
                               flexmig_type type, int from) {
  return OnCommunicator(communicator, [&](Communicator& object) {
    return object.Receive(data, count, TypeOf(type), from);
  });
}

flexmig_status flexmig_allocate_shared(flexmig_communicator* communicator, size_t bytes,
                                       void** memory) {
  return OnCommunicator(communicator, [&](Communicator& object) -> Status {
    if (memory == nullptr) return InvalidArgumentError("memory is null");
    FLEXMIG_ASSIGN_OR_RETURN(const std::span<std::byte> part, object.AllocateShared(bytes));
    *memory = part.data();
    return flexmig::OkStatus();
  });
}

flexmig_status flexmig_free_shared(flexmig_communicator* communicator, void* memory, size_t bytes) {
  return OnCommunicator(communicator, [&](Communicator& object) {
    return object.FreeShared({static_cast<std::byte*>(memory), bytes});
  });
}

flexmig_status flexmig_get_status(flexmig_communicator* communicator) {
  return OnCommunicator(communicator, [](Communicator& object) { return object.status(); });
}

flexmig_status flexmig_abort(flexmig_communicator* communicator, const char* reason) {
  return OnCommunicator(communicator, [&](Communicator& object) {
    object.Abort(reason == nullptr ? "no reason given" : reason);
    return flexmig::OkStatus();
  });
}

int flexmig_rank(const flexmig_communicator* communicator) {
  return communicator == nullptr ? -1 : communicator->object->rank();
}

int flexmig_world_size(const flexmig_communicator* communicator) {
  return communicator == nullptr ? -1 : communicator->object->world_size();
}

void flexmig_destroy(flexmig_communicator* communicator) { delete communicator; }

const char* flexmig_last_error(void) { return last_error.c_str(); }

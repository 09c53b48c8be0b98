#include "nccl_library.h"

#include <cstdlib>

#include <dlfcn.h>

#include "flexmig/base/strings.h"

namespace flexmig::nccl_perf {
namespace {

using perf::Collective;
using reduce::DataType;
using reduce::ReduceOp;

// ncclDataType_t.
int NumberOf(DataType type) {
  switch (type) {
    case DataType::kInt8: return 0;
    case DataType::kUint8: return 1;
    case DataType::kInt32: return 2;
    case DataType::kUint32: return 3;
    case DataType::kInt64: return 4;
    case DataType::kUint64: return 5;
    case DataType::kFloat16: return 6;
    case DataType::kFloat32: return 7;
    case DataType::kFloat64: return 8;
    case DataType::kBfloat16: return 9;
    case DataType::kFloat8E4m3: return 10;
    case DataType::kFloat8E5m2: return 11;
  }
  return -1;
}

// ncclRedOp_t.
int NumberOf(ReduceOp op) {
  switch (op) {
    case ReduceOp::kSum: return 0;
    case ReduceOp::kProd: return 1;
    case ReduceOp::kMax: return 2;
    case ReduceOp::kMin: return 3;
    case ReduceOp::kAvg: return 4;
    case ReduceOp::kPreMulSum: return -1;  // needs a call of its own
  }
  return -1;
}

template <typename Function>
Status Find(void* library, const char* name, Function& function) {
  void* const symbol = ::dlsym(library, name);
  if (symbol == nullptr) return UnavailableError(StrCat("has no function ", name));
  function = reinterpret_cast<Function>(symbol);
  return OkStatus();
}

Result<NcclFunctions> Load(const std::string& path) {
  // The same names of several libraries must not meet: not those of a library beside it (local),
  // nor of one that is preloaded (deep), which AddressSanitizer does not allow.
#ifdef __SANITIZE_ADDRESS__
  constexpr int kApart = RTLD_LOCAL;
#else
  constexpr int kApart = RTLD_LOCAL | RTLD_DEEPBIND;
#endif
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | kApart);
  if (library == nullptr) return UnavailableError(::dlerror());
  NcclFunctions f{};
  FLEXMIG_RETURN_IF_ERROR(Find(library, "ncclGetVersion", f.get_version));
  FLEXMIG_RETURN_IF_ERROR(Find(library, "ncclGetUniqueId", f.get_unique_id));
  FLEXMIG_RETURN_IF_ERROR(Find(library, "ncclCommInitRank", f.init_rank));
  FLEXMIG_RETURN_IF_ERROR(Find(library, "ncclCommDestroy", f.destroy));
  FLEXMIG_RETURN_IF_ERROR(Find(library, "ncclCommAbort", f.abort));
  FLEXMIG_RETURN_IF_ERROR(Find(library, "ncclCommGetAsyncError", f.async_error));
  FLEXMIG_RETURN_IF_ERROR(Find(library, "ncclGetErrorString", f.error_string));
  FLEXMIG_RETURN_IF_ERROR(Find(library, "ncclAllReduce", f.all_reduce));
  FLEXMIG_RETURN_IF_ERROR(Find(library, "ncclReduce", f.reduce));
  FLEXMIG_RETURN_IF_ERROR(Find(library, "ncclReduceScatter", f.reduce_scatter));
  FLEXMIG_RETURN_IF_ERROR(Find(library, "ncclAllGather", f.all_gather));
  FLEXMIG_RETURN_IF_ERROR(Find(library, "ncclBroadcast", f.broadcast));
  FLEXMIG_RETURN_IF_ERROR(Find(library, "ncclSend", f.send));
  FLEXMIG_RETURN_IF_ERROR(Find(library, "ncclRecv", f.receive));
  FLEXMIG_RETURN_IF_ERROR(Find(library, "ncclGroupStart", f.group_start));
  FLEXMIG_RETURN_IF_ERROR(Find(library, "ncclGroupEnd", f.group_end));
  if (!Find(library, "ncclGetLastError", f.last_error).ok()) f.last_error = nullptr;
  return f;
}

}  // namespace

Result<LibrarySpec> ParseLibrarySpec(std::string_view text) {
  LibrarySpec spec;
  for (const std::string_view item : StrSplit(text, ',')) {
    const size_t equals = item.find('=');
    if (equals == 0 || equals == std::string_view::npos) {
      return InvalidArgumentError(
          StrCat("'", text, "' is not NAME=FILE[,VARIABLE=VALUE...]; look at '", item, "'"));
    }
    const std::string name(item.substr(0, equals));
    const std::string value(item.substr(equals + 1));
    if (spec.name.empty()) {
      spec.name = name;
      spec.path = value;
    } else {
      spec.variables[name] = value;
    }
  }
  // A path, so that the linker does not take a library of this soname that is there already.
  if (spec.path.find('/') == std::string::npos) {
    return InvalidArgumentError(StrCat("'", spec.path, "' is no path: write ./", spec.path));
  }
  return spec;
}

std::string Expand(std::string_view value, int rank) {
  std::string text;
  for (size_t i = 0; i < value.size(); ++i) {
    const char next = value[i] == '%' && i + 1 < value.size() ? value[i + 1] : '\0';
    if (next == 'r') {
      text += StrCat(rank);
      ++i;
    } else if (next == '%') {
      text += '%';
      ++i;
    } else {
      text += value[i];
    }
  }
  return text;
}

Result<NcclLibrary> NcclLibrary::Open(const LibrarySpec& spec, coll::Communicator& host) {
  const int rank = host.rank();
  auto functions = Load(spec.path);
  if (!functions.ok()) return functions.status().WithContext(spec.name);
  NcclLibrary library(spec, *functions, rank, host.world_size());
  library.Enter();
  NcclUniqueId id{};
  Status met =
      rank == 0 ? library.Check(functions->get_unique_id(&id), "ncclGetUniqueId") : OkStatus();
  FLEXMIG_RETURN_IF_ERROR(met);
  FLEXMIG_RETURN_IF_ERROR(host.Broadcast(id.bytes, id.bytes, sizeof id, DataType::kUint8, 0));
  met = library.Check(functions->init_rank(&library.comm_, library.ranks_, id, rank),
                      "ncclCommInitRank");
  library.Leave();
  FLEXMIG_RETURN_IF_ERROR(met);
  return library;
}

std::string NcclLibrary::Version() const {
  int code = 0;
  if (functions_.get_version(&code) != 0) return "unknown";
  // NCCL_VERSION: 2304 for 2.3.4, from 2.9 on 20904 for 2.9.4.
  return code < 10000 ? StrCat(code / 1000, ".", code / 100 % 10, ".", code % 100)
                      : StrCat(code / 10000, ".", code / 100 % 100, ".", code % 100);
}

void NcclLibrary::Enter() const {
  for (const auto& [name, value] : spec_.variables) {
    ::setenv(name.c_str(), Expand(value, rank_).c_str(), 1);
  }
}

void NcclLibrary::Leave() const {
  for (const auto& [name, value] : spec_.variables) ::unsetenv(name.c_str());
}

Status NcclLibrary::Check(int result, const char* call) const {
  if (result == 0) return OkStatus();
  const char* const detail = functions_.last_error != nullptr ? functions_.last_error(nullptr) : "";
  return UnavailableError(StrCat(spec_.name, ": ", call, ": ", functions_.error_string(result),
                                 detail != nullptr && *detail != '\0' ? ": " : "",
                                 detail != nullptr ? detail : ""));
}

Status NcclLibrary::Run(const perf::Call& call, cuda::Stream stream) const {
  const int type = NumberOf(call.type);
  const int op = NumberOf(call.op);
  const auto& f = functions_;
  switch (call.collective) {
    case Collective::kAllReduce:
      return Check(f.all_reduce(call.send, call.receive, call.count, type, op, comm_, stream),
                   "ncclAllReduce");
    case Collective::kReduce:
      return Check(
          f.reduce(call.send, call.receive, call.count, type, op, call.root, comm_, stream),
          "ncclReduce");
    case Collective::kReduceScatter:
      return Check(f.reduce_scatter(call.send, call.receive, call.count, type, op, comm_, stream),
                   "ncclReduceScatter");
    case Collective::kAllGather:
      return Check(f.all_gather(call.send, call.receive, call.count, type, comm_, stream),
                   "ncclAllGather");
    case Collective::kBroadcast:
      return Check(f.broadcast(call.send, call.receive, call.count, type, call.root, comm_, stream),
                   "ncclBroadcast");
    case Collective::kAllToAll: {
      // As PyTorch does it, and all before 2.28 that has a function for it.
      const size_t part = call.count * reduce::ElementBytes(call.type);
      Status status = Check(f.group_start(), "ncclGroupStart");
      for (int peer = 0; status.ok() && peer < ranks_; ++peer) {
        const size_t at = static_cast<size_t>(peer) * part;
        status = Check(
            f.send(static_cast<const char*>(call.send) + at, call.count, type, peer, comm_, stream),
            "ncclSend");
        if (!status.ok()) break;
        status = Check(
            f.receive(static_cast<char*>(call.receive) + at, call.count, type, peer, comm_, stream),
            "ncclRecv");
      }
      const Status ended = Check(f.group_end(), "ncclGroupEnd");
      return status.ok() ? ended : status;
    }
    case Collective::kGather:
    case Collective::kScatter:
    case Collective::kBarrier: break;
  }
  return UnimplementedError(StrCat(perf::CollectiveName(call.collective), " is not measured here"));
}

Status NcclLibrary::AsyncError() const {
  int result = 0;
  FLEXMIG_RETURN_IF_ERROR(Check(functions_.async_error(comm_, &result), "ncclCommGetAsyncError"));
  return Check(result, "an operation");
}

void NcclLibrary::Abort() const { functions_.abort(comm_); }

Status NcclLibrary::Finish() const {
  Enter();
  const Status status = Check(functions_.destroy(comm_), "ncclCommDestroy");
  Leave();
  return status;
}

}  // namespace flexmig::nccl_perf

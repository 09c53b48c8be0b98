#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/coll/communicator.h"
#include "flexmig/cuda/driver.h"

#include "backend.h"

namespace flexmig::nccl_perf {

// One NCCL to measure, as the command line names it: "ours=/x/libnccl.so.2,NCCL_HOSTID=%r". The
// variables are set in a rank while this library is in use, and not while another is; %r is the
// rank, %% a percent sign.
struct LibrarySpec {
  std::string name;
  std::string path;
  std::map<std::string, std::string> variables;
};
// Errors: kInvalidArgument.
Result<LibrarySpec> ParseLibrarySpec(std::string_view text);
[[nodiscard]] std::string Expand(std::string_view value, int rank);

// The declarations below are NCCL's ABI of 2.x (nccl.h of 2.28.9), written anew.
struct NcclUniqueId {
  char bytes[128];
};
struct NcclFunctions {
  int (*get_version)(int*);
  int (*get_unique_id)(NcclUniqueId*);
  int (*init_rank)(void** comm, int ranks, NcclUniqueId, int rank);
  int (*destroy)(void* comm);
  int (*abort)(void* comm);
  int (*async_error)(void* comm, int* result);
  const char* (*error_string)(int);
  const char* (*last_error)(void* comm);  // null before 2.13
  int (*all_reduce)(const void*, void*, size_t, int type, int op, void* comm, cuda::Stream);
  int (*reduce)(const void*, void*, size_t, int type, int op, int root, void* comm, cuda::Stream);
  int (*reduce_scatter)(const void*, void*, size_t, int type, int op, void* comm, cuda::Stream);
  int (*all_gather)(const void*, void*, size_t, int type, void* comm, cuda::Stream);
  int (*broadcast)(const void*, void*, size_t, int type, int root, void* comm, cuda::Stream);
  int (*send)(const void*, size_t, int type, int peer, void* comm, cuda::Stream);
  int (*receive)(void*, size_t, int type, int peer, void* comm, cuda::Stream);
  int (*group_start)();
  int (*group_end)();
};

// A loaded NCCL with one communicator of all ranks. Libraries beside each other do not see each
// other's symbols. Threading: one thread.
class NcclLibrary {
 public:
  // Loads it and meets the other ranks, the unique id going over `host`. All ranks call it.
  // Errors: kUnavailable with the linker's or the library's words.
  static Result<NcclLibrary> Open(const LibrarySpec& spec, coll::Communicator& host);
  // Without destroying the communicator: peers may be gone. Finish does.
  ~NcclLibrary() = default;
  NcclLibrary(NcclLibrary&&) = default;
  NcclLibrary(const NcclLibrary&) = delete;
  NcclLibrary& operator=(const NcclLibrary&) = delete;

  [[nodiscard]] const std::string& name() const { return spec_.name; }
  [[nodiscard]] std::string Version() const;  // "2.28.9"

  // Sets, and takes away, the library's variables.
  void Enter() const;
  void Leave() const;

  // Puts one call into the stream. `send` and `receive` are device memory.
  Status Run(const perf::Call& call, cuda::Stream stream) const;
  // OK, or what the communicator has died of.
  [[nodiscard]] Status AsyncError() const;
  void Abort() const;
  // Destroys the communicator; all ranks call it.
  Status Finish() const;

 private:
  NcclLibrary(LibrarySpec spec, NcclFunctions functions, int rank, int ranks)
      : spec_(std::move(spec)), functions_(functions), rank_(rank), ranks_(ranks) {}
  [[nodiscard]] Status Check(int result, const char* call) const;

  LibrarySpec spec_;
  NcclFunctions functions_;
  int rank_;
  int ranks_;
  void* comm_ = nullptr;
};

}  // namespace flexmig::nccl_perf

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/reduce/types.h"

#include "collective.h"

namespace flexmig::perf {

// One call of a collective, with the arguments of coll::Communicator's function of that name.
struct Call {
  Collective collective = Collective::kBarrier;
  const void* send = nullptr;
  void* receive = nullptr;
  size_t count = 0;
  reduce::DataType type = reduce::DataType::kFloat32;
  reduce::ReduceOp op = reduce::ReduceOp::kSum;
  int root = 0;
  bool in_place = false;  // the buffers lie as communicator.h says under "In place"
};

// How a rank meets the others of its group.
struct Membership {
  int rank = 0;
  int ranks = 1;
  std::string rendezvous;  // equal on all ranks, unlike any other group's
  std::string folder;      // private to the group, empty at first; some libraries meet in files
};

// A library of collectives as the benchmark sees it: everything that is measured, of whichever
// library, goes through here. One thread uses it.
class Backend {
 public:
  virtual ~Backend() = default;
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  // "Open MPI 4.1.4".
  [[nodiscard]] virtual std::string Version() const = 0;

  // OK if Run can do such a call, which is for any count and any buffers;
  // else kUnimplemented, the same on all ranks.
  virtual Status Offers(const Call& call) const = 0;

  // `bytes` of page-aligned memory, which the backend owns. With `registered`, memory that the
  // library can use without staging; kUnimplemented if it knows of no such thing. All ranks call
  // it in the same order.
  virtual Result<std::byte*> Allocate(size_t bytes, bool registered) = 0;

  // Returns as the library's function does. REQUIRES: Offers(call).
  virtual Status Run(const Call& call) = 0;
};

// Plain memory for a Backend's Allocate: page-aligned, every page touched, zero.
class PlainMemory {
 public:
  // Errors: kResourceExhausted.
  Result<std::byte*> Allocate(size_t bytes);

  PlainMemory() = default;
  PlainMemory(const PlainMemory&) = delete;
  PlainMemory& operator=(const PlainMemory&) = delete;
  ~PlainMemory();

 private:
  struct Mapping {
    void* address;
    size_t bytes;
  };
  std::vector<Mapping> mappings_;
};

}  // namespace flexmig::perf

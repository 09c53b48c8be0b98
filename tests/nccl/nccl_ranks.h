#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "flexmig/base/deadline.h"

#include "leaf_ranks.h"
#include "library.h"

// Ranks that are processes on leaves of a simulated node and use the library as programs do.
namespace flexmig::nccl_test {

using device::DeviceBuffer;
using device::UserStream;
using multiproc::LeafNode;
using multiproc::RankProcesses;
using multiproc::RankReport;
using multiproc::SetVariables;
using multiproc::Variables;

// An id that this process makes for the ranks that it forks: its maker is none of them.
inline ncclUniqueId NewId() {
  ncclUniqueId id;
  EXPECT_NCCL(Nccl().GetUniqueId(&id));
  return id;
}

inline cudaStream_t StreamOf(const UserStream& stream) {
  return reinterpret_cast<cudaStream_t>(stream.get());
}

// The environment of a rank; then its device is the leaf.
inline void BecomeRank(const LeafNode& node, int leaf, const Variables& variables = {}) {
  SetVariables(node.VariablesFor(leaf));
  ::setenv("FLEXMIG_CUDA_PATH", FLEXMIG_CUDA_SIM, 1);
  ::setenv("FLEXMIG_TIMEOUT", "60s", 1);
  SetVariables(variables);
}

// The result once it is no longer in progress, within 60 s.
inline ncclResult_t Settled(ncclComm_t comm) {
  const Deadline deadline = Deadline::After(std::chrono::seconds(60));
  ncclResult_t result = ncclInProgress;
  while (result == ncclInProgress && !deadline.HasPassed()) {
    EXPECT_NCCL(Nccl().CommGetAsyncError(comm, &result));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return result;
}

using NcclBody = std::function<void(ncclComm_t comm, int rank)>;

// Runs `body` with a communicator on every rank, which it may not destroy; expects all to succeed.
inline void RunNcclRanks(const LeafNode& node, int ranks, const NcclBody& body,
                         const Variables& variables = {}) {
  const ncclUniqueId id = NewId();
  RankProcesses processes(ranks, [&](int rank, RankReport&) {
    BecomeRank(node, rank, variables);
    ncclComm_t comm = nullptr;
    ASSERT_NCCL(Nccl().CommInitRank(&comm, ranks, id, rank));
    body(comm, rank);
    EXPECT_NCCL(Nccl().CommDestroy(comm));
  });
  for (int rank = 0; rank < ranks; ++rank) EXPECT_TRUE(processes.Succeeded(rank)) << rank;
}

// Device memory of a few int32.
class Ints {
 public:
  explicit Ints(const std::vector<int32_t>& values)
      : buffer_(std::as_bytes(std::span(values))), count_(values.size()) {}
  explicit Ints(size_t count) : Ints(std::vector<int32_t>(count, -1)) {}

  [[nodiscard]] int32_t* data() const {
    return static_cast<int32_t*>(static_cast<void*>(buffer_.data()));
  }
  // Waits for the device, so call it after the stream.
  [[nodiscard]] std::vector<int32_t> Read() const {
    const std::vector<std::byte> bytes = buffer_.Read();
    std::vector<int32_t> values(count_);
    if (count_ > 0) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }

 private:
  DeviceBuffer buffer_;
  size_t count_;
};

// Element i of rank r's data: tells both.
inline int32_t ValueOf(int rank, size_t i) {
  return (rank + 1) * 1000 + static_cast<int32_t>(i % 977);
}
inline std::vector<int32_t> ValuesOf(int rank, size_t count, size_t first = 0) {
  std::vector<int32_t> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = ValueOf(rank, first + i);
  return values;
}
inline std::vector<int32_t> SumOfAll(int ranks, size_t count, size_t first = 0) {
  std::vector<int32_t> values(count, 0);
  for (int rank = 0; rank < ranks; ++rank) {
    for (size_t i = 0; i < count; ++i) values[i] += ValueOf(rank, first + i);
  }
  return values;
}

}  // namespace flexmig::nccl_test

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "host_communicator.h"

namespace flexmig::coll {

// Communicators of all ranks over one mapping of one segment, without a meeting and without
// watchers: a thread that ends is no process that ends.
inline std::vector<std::unique_ptr<HostCommunicator>> MakeThreadRanks(
    int world_size, uint64_t slot_bytes,
    std::chrono::milliseconds timeout = std::chrono::seconds(60)) {
  auto segment = shm::Segment::Create({world_size, 4, slot_bytes});
  EXPECT_TRUE(segment.ok()) << segment.status().ToString();
  const std::shared_ptr<shm::Segment> shared = *std::move(segment);
  std::vector<std::unique_ptr<HostCommunicator>> ranks;
  for (int rank = 0; rank < world_size; ++rank) {
    auto communicator = HostCommunicator::Create(shared, rank, {}, timeout);
    EXPECT_TRUE(communicator.ok()) << communicator.status().ToString();
    ranks.push_back(*std::move(communicator));
  }
  return ranks;
}

// Runs `body` for every rank in a thread of its own. A rank that fails an ASSERT leaves, and its
// peers with an error that names it.
inline void RunThreadRanks(int world_size, uint64_t slot_bytes,
                           const std::function<void(HostCommunicator&)>& body) {
  auto communicators = MakeThreadRanks(world_size, slot_bytes);
  std::vector<std::thread> threads;
  threads.reserve(communicators.size());
  for (auto& communicator : communicators) {
    threads.emplace_back([&body, own = std::move(communicator)] { body(*own); });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace flexmig::coll

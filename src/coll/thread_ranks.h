#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"

#include "host_communicator.h"

namespace flexmig::coll {

// Communicators of all ranks over one mapping of one segment, without a meeting and without
// watchers: a thread that ends is no process that ends.
inline std::vector<std::unique_ptr<HostCommunicator>> MakeThreadRanks(
    int world_size, uint64_t slot_bytes,
    std::chrono::milliseconds timeout = std::chrono::seconds(60)) {
  const Selection settings = DefaultSelection(world_size);
  auto memory = shm::Segment::Format({world_size, 4, slot_bytes, 256},
                                     std::as_bytes(std::span(&settings, 1)));
  EXPECT_TRUE(memory.ok()) << memory.status().ToString();
  auto segment = shm::Segment::Attach(*std::move(memory));
  EXPECT_TRUE(segment.ok()) << segment.status().ToString();
  const std::shared_ptr<shm::Segment> shared = *std::move(segment);
  CommunicatorOptions options;
  options.world_size = world_size;
  options.timeout = timeout;
  std::vector<std::unique_ptr<HostCommunicator>> ranks;
  for (int rank = 0; rank < world_size; ++rank) {
    options.rank = Rank(rank);
    auto communicator = HostCommunicator::Create(shared, options, {});
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

// The same with communicators that have met, each with its own mapping and its watcher, of the
// geometry that users get.
inline void RunMetRanks(int world_size, CommunicatorOptions options,
                        const std::function<void(HostCommunicator&)>& body) {
  options.rendezvous = RandomHex(16);
  options.world_size = world_size;
  options.connect_timeout = options.timeout = std::chrono::seconds(60);
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(world_size));
  for (int rank = 0; rank < world_size; ++rank) {
    options.rank = Rank(rank);
    threads.emplace_back([&body, options] {
      auto communicator = Communicator::Create(options);
      ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
      body(static_cast<HostCommunicator&>(**communicator));
    });
  }
  for (std::thread& thread : threads) thread.join();
}
inline void RunMetRanks(int world_size, const std::function<void(HostCommunicator&)>& body) {
  RunMetRanks(world_size, CommunicatorOptions(), body);
}

}  // namespace flexmig::coll

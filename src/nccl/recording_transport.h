#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "flexmig/base/strings.h"

#include "comm.h"
#include "operations.h"
#include "transport.h"

// A transport for tests that writes down what it is told, and does nothing.
namespace flexmig::nccl {

// What all transports of a test wrote down, in order. Outlives them. Thread-safe.
class Record {
 public:
  void Add(std::string line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }
  [[nodiscard]] std::vector<std::string> Lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

class RecordingTransport final : public Transport {
 public:
  RecordingTransport(std::string name, Record& record, int rank, int world_size)
      : name_(std::move(name)), record_(record), rank_(rank), world_size_(world_size) {}

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int world_size() const override { return world_size_; }

  // "a: AllReduce 5 @7" for a count of 5 in stream 7; "a: SendRecv >1:5 <0:3 @7" for an exchange.
  Status Enqueue(const device::Operation& operation, cuda::Stream stream) override {
    FLEXMIG_RETURN_IF_ERROR(status());
    std::string line = StrCat(name_, ": ", KindName(operation.kind));
    if (operation.kind != device::Operation::Kind::kExchange) line += StrCat(" ", operation.count);
    for (const coll::Transfer& transfer : operation.transfers) {
      const bool is_send = transfer.direction == coll::Transfer::Direction::kSend;
      line += StrCat(is_send ? " >" : " <", transfer.peer, ":", transfer.count);
    }
    record_.Add(StrCat(line, " @", static_cast<uintptr_t>(stream)));
    return OkStatus();
  }
  // Until ReleaseDrain, an abort, or the deadline.
  Status Drain(Deadline deadline) override {
    std::unique_lock lock(mutex_);
    record_.Add(StrCat(name_, ": drain"));
    const bool ended =
        changed_.wait_until(lock, deadline.when(), [&] { return drains_ || !status_.ok(); });
    return ended ? status_ : DeadlineExceededError("not drained");
  }

  Result<std::unique_ptr<Transport>> Split(int color, int key) override {
    record_.Add(StrCat(name_, ": split ", color, " ", key));
    FLEXMIG_RETURN_IF_ERROR(status());
    if (color < 0) return std::unique_ptr<Transport>();
    return Child(StrCat(name_, ".", color), world_size_);
  }
  Result<std::unique_ptr<Transport>> Shrink(std::span<const int> excluded) override {
    record_.Add(StrCat(name_, ": shrink by ", excluded.size()));
    return Child(name_ + "-", world_size_ - static_cast<int>(excluded.size()));
  }

  void Abort(const std::string& reason) override {
    record_.Add(StrCat(name_, ": abort"));
    Die(AbortedError(reason));
  }
  [[nodiscard]] Status status() const override {
    const std::lock_guard lock(mutex_);
    return status_;
  }

  void Die(Status status) {
    const std::lock_guard lock(mutex_);
    if (status_.ok()) status_ = std::move(status);
    changed_.notify_all();
  }
  void HoldDrain() {
    const std::lock_guard lock(mutex_);
    drains_ = false;
  }

 private:
  [[nodiscard]] std::unique_ptr<Transport> Child(std::string name, int world_size) {
    return std::make_unique<RecordingTransport>(std::move(name), record_,
                                                std::min(rank_, world_size - 1), world_size);
  }

  const std::string name_;
  Record& record_;
  const int rank_;
  const int world_size_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Status status_;
  bool drains_ = true;
};

// A communicator that is ready, over such a transport, which it owns.
inline std::shared_ptr<Comm> ReadyComm(const std::string& lineage, Record& record,
                                       RecordingTransport** transport = nullptr, int rank = 0,
                                       int world_size = 4) {
  Settings settings;
  settings.timeout = std::chrono::seconds(20);
  auto comm = std::make_shared<Comm>(Config{}, settings, lineage, rank, world_size, 0);
  auto made = std::make_unique<RecordingTransport>(lineage, record, rank, world_size);
  if (transport != nullptr) *transport = made.get();
  comm->EndInit(MadeTransport{std::move(made), Home{}});
  return comm;
}

}  // namespace flexmig::nccl

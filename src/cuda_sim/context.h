#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "devices.h"
#include "memory.h"
#include "stream.h"

namespace flexmig::cuda_sim {

// A visible device with its memory, which all contexts on it share.
struct Device {
  int ordinal = 0;
  DeviceInfo info;
  std::unique_ptr<DeviceMemory> memory;
};

// A context on a device: its streams, and the error that it has died of. It is never freed.
// Threading: thread-safe.
class Context {
 public:
  Context(Device& device, uint32_t flags, const Delays& delays);

  Device& device() const { return device_; }
  [[nodiscard]] uint32_t flags() const { return flags_; }
  std::atomic<bool> destroyed = false;

  [[nodiscard]] ResultCode error() const { return error_.load(std::memory_order_acquire); }
  // The first error stays. Pairs with error().
  void Fail(ResultCode code);

  std::shared_ptr<Stream> CreateStream(uint32_t flags, int priority);
  // Forgets a stream of CreateStream; its thread ends when its work is done.
  void DropStream(const std::shared_ptr<Stream>& stream);
  // The legacy default stream, and that of the calling thread.
  std::shared_ptr<Stream> legacy_stream() { return legacy_; }
  std::shared_ptr<Stream> ThreadStream();

  // Puts work into one of its streams, in the order that the default stream makes.
  Mark Submit(const std::shared_ptr<Stream>& stream, std::vector<Mark> after, Body body);
  // The last work of every stream; of the blocking ones only, if so wanted.
  std::vector<Mark> LastOfStreams(bool only_blocking);
  // Waits until everything is done.
  void Synchronize();

 private:
  std::vector<Mark> LastOfStreamsLocked(bool only_blocking);

  Device& device_;
  const uint32_t flags_;
  const Delays delays_;
  std::atomic<ResultCode> error_ = ResultCode::kSuccess;

  std::mutex mutex_;                              // guards the rest, and the order of submissions
  std::vector<std::shared_ptr<Stream>> streams_;  // all that exist
  std::vector<Mark> dropped_;                     // of streams that are gone with work to do
  std::map<std::thread::id, std::shared_ptr<Stream>> thread_streams_;
  std::shared_ptr<Stream> legacy_;
};

}  // namespace flexmig::cuda_sim

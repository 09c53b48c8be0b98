#include "context.h"

#include <algorithm>

namespace flexmig::cuda_sim {
namespace {

uint64_t NextStreamNumber() {
  static std::atomic<uint64_t> number{0};
  return number.fetch_add(1, std::memory_order_relaxed);
}

// Ranks with one seed, each on a leaf of its own, rest differently.
Delays OfDevice(Delays delays, const DeviceInfo& info) {
  for (const uint8_t byte : info.uuid_bytes) delays.seed = (delays.seed ^ byte) * 0x100000001b3;
  return delays;
}

}  // namespace

Context::Context(Device& device, uint32_t flags, const Delays& delays)
    : device_(device), flags_(flags), delays_(OfDevice(delays, device.info)) {
  legacy_ = CreateStream(0, 0);
}

void Context::Fail(ResultCode code) {
  auto none = ResultCode::kSuccess;
  error_.compare_exchange_strong(none, code, std::memory_order_acq_rel);
}

std::shared_ptr<Stream> Context::CreateStream(uint32_t flags, int priority) {
  auto stream = std::make_shared<Stream>(*this, flags, priority, NextStreamNumber(), delays_);
  const std::lock_guard lock(mutex_);
  streams_.push_back(stream);
  return stream;
}

void Context::DropStream(const std::shared_ptr<Stream>& stream) {
  const std::lock_guard lock(mutex_);
  std::erase(streams_, stream);
  std::erase_if(dropped_, [](const Mark& mark) { return mark.IsDone(); });
  if (Mark last = stream->Last(); !last.IsDone()) dropped_.push_back(std::move(last));
  stream->Close();
}

std::shared_ptr<Stream> Context::ThreadStream() {
  {
    const std::lock_guard lock(mutex_);
    const auto found = thread_streams_.find(std::this_thread::get_id());
    if (found != thread_streams_.end()) return found->second;
  }
  auto stream = CreateStream(0, 0);
  const std::lock_guard lock(mutex_);
  thread_streams_[std::this_thread::get_id()] = stream;
  return stream;
}

std::vector<Mark> Context::LastOfStreamsLocked(bool only_blocking) {
  std::vector<Mark> marks;
  for (const auto& stream : streams_) {
    if (only_blocking && !stream->is_blocking()) continue;
    if (Mark last = stream->Last(); !last.IsDone()) marks.push_back(std::move(last));
  }
  for (const Mark& mark : dropped_) {
    if (only_blocking && !mark.stream->is_blocking()) continue;
    if (!mark.IsDone()) marks.push_back(mark);
  }
  return marks;
}

std::vector<Mark> Context::LastOfStreams(bool only_blocking) {
  const std::lock_guard lock(mutex_);
  return LastOfStreamsLocked(only_blocking);
}

Mark Context::Submit(const std::shared_ptr<Stream>& stream, std::vector<Mark> after, Body body) {
  const std::lock_guard lock(mutex_);
  if (stream == legacy_) {
    for (Mark& mark : LastOfStreamsLocked(true)) {
      if (mark.stream != legacy_) after.push_back(std::move(mark));
    }
  } else if (stream->is_blocking()) {
    after.push_back(legacy_->Last());
  }
  return stream->Push(std::move(after), std::move(body));
}

void Context::Synchronize() {
  for (const Mark& mark : LastOfStreams(false)) mark.Await();
}

}  // namespace flexmig::cuda_sim

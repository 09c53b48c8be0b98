// Streams, events, and the words that streams write and wait for.

#include <atomic>

#include "calls.h"
#include "transfer.h"

namespace flexmig::cuda_abi {

using cuda_sim::CheckNotCaptured;
using cuda_sim::Process;
using cuda_sim::WithContext;
using cuda_sim::WithStream;
using SimContext = cuda_sim::Context;
using SimEvent = cuda_sim::Event;
using SimStream = std::shared_ptr<cuda_sim::Stream>;

namespace {

// Whether the stream is being captured; the capture is invalid then.
bool SpoilsCapture(const SimStream& stream) {
  const std::lock_guard lock(cuda_sim::CaptureMutex());
  if (stream->capture == nullptr) return false;
  stream->capture->is_invalid = true;
  return true;
}

// A stream's state may be asked and waited for only outside of captures.
ResultCode CheckMayWait(const SimStream& stream) {
  if (SpoilsCapture(stream)) return ResultCode::kStreamCaptureUnsupported;
  return CheckNotCaptured();
}

// The word at `address`, as a device and the host both see it.
template <typename Word>
ResultCode WordAt(uint64_t address, Word** word) {
  cuda_sim::Place place;
  if (address == 0 || address % sizeof(Word) != 0) return ResultCode::kInvalidValue;
  if (cuda_sim::LocateForDevice(address, sizeof(Word), &place) != ResultCode::kSuccess) {
    return ResultCode::kInvalidValue;
  }
  *word = reinterpret_cast<Word*>(place.bytes);
  return ResultCode::kSuccess;
}

template <typename Word>
ResultCode WriteValue(Stream stream, uint64_t address, Word value, uint32_t flags) {
  if ((flags & ~kWriteValueNoMemoryBarrier) != 0) return ResultCode::kInvalidValue;
  return WithStream(stream, [&](Process&, const SimStream& found) {
    Word* word = nullptr;
    if (const auto code = WordAt(address, &word); code != ResultCode::kSuccess) return code;
    return cuda_sim::Submit(found, [word, value] {
      std::atomic_ref<Word>(*word).store(value, std::memory_order_release);
      return ResultCode::kSuccess;
    });
  });
}

template <typename Word>
bool Holds(Word word, Word value, uint32_t comparison) {
  switch (comparison) {
    case kWaitValueGreaterOrEqual: return static_cast<std::make_signed_t<Word>>(word - value) >= 0;
    case kWaitValueEqual: return word == value;
    case kWaitValueAnd: return (word & value) != 0;
    case kWaitValueNor: return ~(word | value) != 0;
    default: return true;
  }
}

template <typename Word>
ResultCode WaitValue(Stream stream, uint64_t address, Word value, uint32_t flags) {
  const uint32_t comparison = flags & ~kWaitValueFlush;
  if (comparison > kWaitValueNor) return ResultCode::kInvalidValue;
  // Remote writes are seen at once here, but boards offer the flag only where links do that.
  if ((flags & kWaitValueFlush) != 0) return ResultCode::kNotSupported;
  return WithStream(stream, [&](Process&, const SimStream& found) {
    Word* word = nullptr;
    if (const auto code = WordAt(address, &word); code != ResultCode::kSuccess) return code;
    return cuda_sim::Submit(found, [word, value, comparison, &context = found->context()] {
      const std::atomic_ref<Word> shared(*word);
      for (cuda_sim::Backoff backoff;
           !Holds(shared.load(std::memory_order_acquire), value, comparison); backoff.Pause()) {
        if (context.error() != ResultCode::kSuccess) return context.error();
      }
      return ResultCode::kSuccess;
    });
  });
}

// `body(event)` with an event of the calling process.
template <typename Body>
ResultCode WithEvent(Event handle, const Body& body) {
  return WithContext([&](Process& process, SimContext& context) {
    const auto event = process.events.Find(handle);
    return event == nullptr ? ResultCode::kInvalidHandle : body(*event, context);
  });
}

// The event's last record; kCapturedEvent if that was captured.
ResultCode LastRecord(const SimEvent& event, cuda_sim::Mark* mark) {
  const std::lock_guard lock(cuda_sim::CaptureMutex());
  if (event.capture != nullptr) {
    if (!event.capture->is_over) event.capture->is_invalid = true;
    return ResultCode::kCapturedEvent;
  }
  if (event.mark) *mark = *event.mark;
  return ResultCode::kSuccess;
}

}  // namespace

extern "C" {

ResultCode cuStreamCreateWithPriority(Stream* stream, uint32_t flags, int32_t priority) noexcept {
  if (stream == nullptr || (flags & ~kStreamNonBlocking) != 0) return ResultCode::kInvalidValue;
  return WithContext([&](Process& process, SimContext& context) {
    const int32_t clamped = priority > 0 ? 0 : priority < -5 ? -5 : priority;
    *stream = process.streams.Add(context.CreateStream(flags, clamped));
    return ResultCode::kSuccess;
  });
}

ResultCode cuStreamCreate(Stream* stream, uint32_t flags) noexcept {
  return cuStreamCreateWithPriority(stream, flags, 0);
}

// Work that is there goes on, and the stream ends behind it.
ResultCode cuStreamDestroy_v2(Stream stream) noexcept {
  return WithContext([&](Process& process, SimContext&) {
    const auto found = process.streams.Remove(stream);
    if (found == nullptr) return ResultCode::kInvalidHandle;
    cuda_sim::ForgetStream(found);
    found->context().DropStream(found);
    return ResultCode::kSuccess;
  });
}

ResultCode cuStreamSynchronize(Stream stream) noexcept {
  return WithStream(stream, [](Process&, const SimStream& found) {
    if (const auto code = CheckMayWait(found); code != ResultCode::kSuccess) return code;
    SimContext& context = found->context();
    found->Last().Await();
    // The default stream's work is behind that of the blocking streams.
    if (found == context.legacy_stream()) {
      for (const auto& mark : context.LastOfStreams(true)) mark.Await();
    }
    return context.error();
  });
}

ResultCode cuStreamQuery(Stream stream) noexcept {
  return WithStream(stream, [](Process&, const SimStream& found) {
    if (const auto code = CheckMayWait(found); code != ResultCode::kSuccess) return code;
    SimContext& context = found->context();
    bool is_done = found->Last().IsDone();
    if (found == context.legacy_stream()) is_done = context.LastOfStreams(true).empty();
    if (!is_done) return ResultCode::kNotReady;
    return context.error();
  });
}

ResultCode cuStreamGetCtx(Stream stream, Context* context) noexcept {
  if (context == nullptr) return ResultCode::kInvalidValue;
  return WithStream(stream, [&](Process&, const SimStream& found) {
    *context = reinterpret_cast<Context>(&found->context());
    return ResultCode::kSuccess;
  });
}

ResultCode cuStreamGetFlags(Stream stream, uint32_t* flags) noexcept {
  if (flags == nullptr) return ResultCode::kInvalidValue;
  return WithStream(stream, [&](Process&, const SimStream& found) {
    *flags = found->flags();
    return ResultCode::kSuccess;
  });
}

ResultCode cuStreamGetPriority(Stream stream, int32_t* priority) noexcept {
  if (priority == nullptr) return ResultCode::kInvalidValue;
  return WithStream(stream, [&](Process&, const SimStream& found) {
    *priority = found->priority();
    return ResultCode::kSuccess;
  });
}

ResultCode cuStreamWriteValue32_v2(Stream stream, DevicePointer address, uint32_t value,
                                   uint32_t flags) noexcept {
  return WriteValue(stream, address, value, flags);
}
ResultCode cuStreamWriteValue64_v2(Stream stream, DevicePointer address, uint64_t value,
                                   uint32_t flags) noexcept {
  return WriteValue(stream, address, value, flags);
}
ResultCode cuStreamWriteValue64(Stream stream, DevicePointer address, uint64_t value,
                                uint32_t flags) noexcept {
  return WriteValue(stream, address, value, flags);
}
ResultCode cuStreamWaitValue32_v2(Stream stream, DevicePointer address, uint32_t value,
                                  uint32_t flags) noexcept {
  return WaitValue(stream, address, value, flags);
}
ResultCode cuStreamWaitValue64_v2(Stream stream, DevicePointer address, uint64_t value,
                                  uint32_t flags) noexcept {
  return WaitValue(stream, address, value, flags);
}
ResultCode cuStreamWaitValue64(Stream stream, DevicePointer address, uint64_t value,
                               uint32_t flags) noexcept {
  return WaitValue(stream, address, value, flags);
}

ResultCode cuLaunchHostFunc(Stream stream, HostFunction function, void* user_data) noexcept {
  if (function == nullptr) return ResultCode::kInvalidValue;
  return WithStream(stream, [&](Process&, const SimStream& found) {
    return cuda_sim::Submit(found, [function, user_data] {
      function(user_data);
      return ResultCode::kSuccess;
    });
  });
}

ResultCode cuEventCreate(Event* event, uint32_t flags) noexcept {
  constexpr uint32_t kAll = kEventBlockingSync | kEventDisableTiming | kEventInterprocess;
  if (event == nullptr || (flags & ~kAll) != 0) return ResultCode::kInvalidValue;
  if ((flags & kEventInterprocess) != 0) return ResultCode::kNotSupported;
  return WithContext([&](Process& process, SimContext&) {
    *event = process.events.Add(std::make_shared<SimEvent>(flags));
    return ResultCode::kSuccess;
  });
}

ResultCode cuEventDestroy_v2(Event event) noexcept {
  return WithContext([&](Process& process, SimContext&) {
    return process.events.Remove(event) == nullptr ? ResultCode::kInvalidHandle
                                                   : ResultCode::kSuccess;
  });
}

ResultCode cuEventRecordWithFlags(Event event, Stream stream, uint32_t flags) noexcept {
  if (flags > 1) return ResultCode::kInvalidValue;
  return WithStream(stream, [&](Process& process, const SimStream& found) {
    const auto recorded = process.events.Find(event);
    if (recorded == nullptr) return ResultCode::kInvalidHandle;
    // An event node in a graph, which the simulation does not have.
    if (flags == 1 && SpoilsCapture(found)) return ResultCode::kNotSupported;
    return cuda_sim::RecordEvent(*recorded, found);
  });
}

ResultCode cuEventRecord(Event event, Stream stream) noexcept {
  return cuEventRecordWithFlags(event, stream, 0);
}

ResultCode cuStreamWaitEvent(Stream stream, Event event, uint32_t flags) noexcept {
  if (flags > 1) return ResultCode::kInvalidValue;
  return WithStream(stream, [&](Process& process, const SimStream& found) {
    const auto awaited = process.events.Find(event);
    if (awaited == nullptr) return ResultCode::kInvalidHandle;
    if (flags == 1 && SpoilsCapture(found)) return ResultCode::kNotSupported;
    return cuda_sim::WaitEvent(found, *awaited);
  });
}

ResultCode cuEventQuery(Event event) noexcept {
  return WithEvent(event, [](const SimEvent& found, SimContext& context) {
    if (const auto code = CheckNotCaptured(); code != ResultCode::kSuccess) return code;
    cuda_sim::Mark mark;
    if (const auto code = LastRecord(found, &mark); code != ResultCode::kSuccess) return code;
    return mark.IsDone() ? context.error() : ResultCode::kNotReady;
  });
}

ResultCode cuEventSynchronize(Event event) noexcept {
  return WithEvent(event, [](const SimEvent& found, SimContext& context) {
    if (const auto code = CheckNotCaptured(); code != ResultCode::kSuccess) return code;
    cuda_sim::Mark mark;
    if (const auto code = LastRecord(found, &mark); code != ResultCode::kSuccess) return code;
    mark.Await();
    return context.error();
  });
}

ResultCode cuEventElapsedTime_v2(float* milliseconds, Event start, Event end) noexcept {
  if (milliseconds == nullptr) return ResultCode::kInvalidValue;
  return WithContext([&](Process& process, SimContext&) {
    int64_t ns[2] = {};
    int i = 0;
    for (const Event handle : {start, end}) {
      const auto event = process.events.Find(handle);
      if (event == nullptr || (event->flags & kEventDisableTiming) != 0) {
        return ResultCode::kInvalidHandle;
      }
      cuda_sim::Mark mark;
      if (const auto code = LastRecord(*event, &mark); code != ResultCode::kSuccess) return code;
      const std::lock_guard lock(cuda_sim::CaptureMutex());
      if (event->times == nullptr) return ResultCode::kInvalidHandle;
      if (!mark.IsDone()) return ResultCode::kNotReady;
      ns[i++] = event->times->ns;
    }
    *milliseconds = static_cast<float>(ns[1] - ns[0]) / 1e6F;
    return ResultCode::kSuccess;
  });
}
ResultCode cuEventElapsedTime(float* milliseconds, Event start, Event end) noexcept {
  return cuEventElapsedTime_v2(milliseconds, start, end);
}

}  // extern "C"
}  // namespace flexmig::cuda_abi

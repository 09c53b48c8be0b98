#pragma once

#include <new>
#include <string_view>

#include "capture.h"
#include "process.h"

namespace flexmig::cuda_sim {

// What every call of the library begins with.

// Runs `body`; no exception leaves.
template <typename Body>
ResultCode Guarded(const Body& body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return ResultCode::kOutOfMemory;
  } catch (...) {
    return ResultCode::kUnknown;
  }
}

// `body(process)` after cuInit.
template <typename Body>
ResultCode WithDriver(const Body& body) noexcept {
  return Guarded([&] {
    Process& process = Process::Instance();
    const ResultCode state = process.state();
    return state == ResultCode::kSuccess ? body(process) : state;
  });
}

// `body(process, context)` with the calling thread's context, if it is well.
template <typename Body>
ResultCode WithContext(const Body& body) noexcept {
  return WithDriver([&](Process& process) {
    Context* const context = ContextStack().empty() ? nullptr : ContextStack().back();
    if (context == nullptr) return ResultCode::kInvalidContext;
    if (context->destroyed) return ResultCode::kContextIsDestroyed;
    if (const ResultCode error = context->error(); error != ResultCode::kSuccess) return error;
    return body(process, *context);
  });
}

// `body(process, stream)` with a stream of the calling thread's context, or of another one.
template <typename Body>
ResultCode WithStream(cuda_abi::Stream handle, const Body& body) noexcept {
  return WithContext([&](Process& process, Context& context) {
    const auto number = reinterpret_cast<uintptr_t>(handle);
    std::shared_ptr<Stream> stream;
    if (number == 0 || number == cuda_abi::kLegacyStream) {
      stream = context.legacy_stream();
    } else if (number == cuda_abi::kPerThreadStream) {
      stream = context.ThreadStream();
    } else {
      stream = process.streams.Find(handle);
    }
    if (stream == nullptr) return ResultCode::kInvalidHandle;
    const ResultCode error = stream->context().error();
    return error == ResultCode::kSuccess ? body(process, stream) : error;
  });
}

// `body(device)` with a visible device.
template <typename Body>
ResultCode WithDevice(cuda_abi::Device number, const Body& body) noexcept {
  return WithDriver([&](Process& process) {
    Device* const device = process.FindDevice(number);
    return device == nullptr ? ResultCode::kInvalidDevice : body(*device);
  });
}

// Copies text, cut off to fit, with its final null. REQUIRES: length > 0.
void CopyText(std::string_view text, char* out, int32_t length);

}  // namespace flexmig::cuda_sim

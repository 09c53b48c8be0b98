// Copies and fills.

#include <cstring>

#include "calls.h"
#include "transfer.h"

namespace flexmig::cuda_abi {

using cuda_sim::CheckNotCaptured;
using cuda_sim::Locate;
using cuda_sim::Place;
using cuda_sim::Process;
using cuda_sim::WithStream;
using SimStream = std::shared_ptr<cuda_sim::Stream>;

namespace {

bool IsPageable(const Place& place) { return place.device == nullptr && !place.is_pinned; }

bool IsCaptured(const SimStream& stream) {
  const std::lock_guard lock(cuda_sim::CaptureMutex());
  return stream->capture != nullptr;
}

// `waits`: the call returns when the work is done, which captures forbid.
ResultCode Put(const SimStream& stream, bool waits, cuda_sim::Body body) {
  if (waits) {
    if (const auto code = CheckNotCaptured(); code != ResultCode::kSuccess) return code;
  }
  cuda_sim::Mark end;
  const ResultCode code = cuda_sim::Submit(stream, std::move(body), {}, &end);
  if (code != ResultCode::kSuccess || !waits) return code;
  end.Await();
  return stream->context().error();
}

// `rows` pieces of `row_bytes`, at these distances.
struct Rows {
  size_t row_bytes = 0;
  size_t rows = 1;
  size_t to_pitch = 0;
  size_t from_pitch = 0;
};
size_t Extent(const Rows& rows, size_t pitch) { return (rows.rows - 1) * pitch + rows.row_bytes; }

ResultCode CopyRows(uint64_t to, uint64_t from, const Rows& rows, Stream stream, bool waits) {
  return WithStream(stream, [&](Process&, const SimStream& found) {
    if (rows.row_bytes == 0 || rows.rows == 0) return ResultCode::kSuccess;
    Place target;
    Place source;
    if (const auto code = Locate(to, Extent(rows, rows.to_pitch), &target);
        code != ResultCode::kSuccess) {
      return code;
    }
    if (const auto code = Locate(from, Extent(rows, rows.from_pitch), &source);
        code != ResultCode::kSuccess) {
      return code;
    }
    // A copy engine reaches pinned memory only; the driver itself carries what is not, before it
    // returns. In a graph it does so at every launch.
    const bool by_driver = (IsPageable(target) || IsPageable(source)) && !IsCaptured(found);
    return Put(found, waits || by_driver, [target, source, rows] {
      for (size_t row = 0; row < rows.rows; ++row) {
        Place row_target = target;
        Place row_source = source;
        row_target.bytes += row * rows.to_pitch;
        row_source.bytes += row * rows.from_pitch;
        cuda_sim::Move(row_target, row_source, rows.row_bytes);
      }
      return ResultCode::kSuccess;
    });
  });
}

ResultCode Copy(uint64_t to, uint64_t from, size_t bytes, Stream stream, bool waits) {
  return CopyRows(to, from, {bytes, 1, bytes, bytes}, stream, waits);
}

uint64_t Address(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

// nullopt for a kind of memory that is not there.
std::optional<uint64_t> AddressOf(MemoryType type, const void* host, DevicePointer device) {
  switch (type) {
    case MemoryType::kHost: return Address(host);
    case MemoryType::kDevice:
    case MemoryType::kUnified: return device;
    case MemoryType::kArray: break;
  }
  return std::nullopt;
}

ResultCode Copy2D(const Memcpy2D* copy, Stream stream, bool waits) {
  if (copy == nullptr) return ResultCode::kInvalidValue;
  return cuda_sim::Guarded([&] {
    const auto from = AddressOf(copy->source_type, copy->source_host, copy->source_device);
    const auto to = AddressOf(copy->target_type, copy->target_host, copy->target_device);
    if (!from || !to) return ResultCode::kInvalidValue;
    constexpr size_t kMaxPitch = 0x7fffffff;
    Rows rows{copy->width_bytes, copy->height, copy->target_pitch, copy->source_pitch};
    if (rows.to_pitch == 0) rows.to_pitch = rows.row_bytes;
    if (rows.from_pitch == 0) rows.from_pitch = rows.row_bytes;
    if (copy->height > 1 && (rows.row_bytes + copy->source_x_bytes > rows.from_pitch ||
                             rows.row_bytes + copy->target_x_bytes > rows.to_pitch ||
                             rows.from_pitch > kMaxPitch || rows.to_pitch > kMaxPitch)) {
      return ResultCode::kInvalidValue;
    }
    return CopyRows(*to + copy->target_y * rows.to_pitch + copy->target_x_bytes,
                    *from + copy->source_y * rows.from_pitch + copy->source_x_bytes, rows, stream,
                    waits);
  });
}

// Memory that a device fills: its own, or pinned.
template <typename Value>
ResultCode FillWith(uint64_t to, Value value, size_t count, Stream stream, bool waits) {
  return WithStream(stream, [&](Process&, const SimStream& found) {
    if (count == 0) return ResultCode::kSuccess;
    if (count > SIZE_MAX / sizeof(Value) || to % sizeof(Value) != 0) {
      return ResultCode::kInvalidValue;
    }
    Place place;
    const ResultCode code = Locate(to, count * sizeof(Value), &place);
    if (code != ResultCode::kSuccess) return code;
    if (IsPageable(place)) return ResultCode::kInvalidValue;
    return Put(found, waits, [place, value, count] {
      std::byte* at = place.bytes;
      for (size_t i = 0; i < count; ++i, at += sizeof value) std::memcpy(at, &value, sizeof value);
      return ResultCode::kSuccess;
    });
  });
}

}  // namespace

extern "C" {

ResultCode cuMemcpy(DevicePointer to, DevicePointer from, size_t bytes) noexcept {
  return Copy(to, from, bytes, nullptr, true);
}
ResultCode cuMemcpyHtoD_v2(DevicePointer to, const void* from, size_t bytes) noexcept {
  return Copy(to, Address(from), bytes, nullptr, true);
}
ResultCode cuMemcpyDtoH_v2(void* to, DevicePointer from, size_t bytes) noexcept {
  return Copy(Address(to), from, bytes, nullptr, true);
}
ResultCode cuMemcpyDtoD_v2(DevicePointer to, DevicePointer from, size_t bytes) noexcept {
  return Copy(to, from, bytes, nullptr, true);
}

ResultCode cuMemcpyAsync(DevicePointer to, DevicePointer from, size_t bytes,
                         Stream stream) noexcept {
  return Copy(to, from, bytes, stream, false);
}
ResultCode cuMemcpyHtoDAsync_v2(DevicePointer to, const void* from, size_t bytes,
                                Stream stream) noexcept {
  return Copy(to, Address(from), bytes, stream, false);
}
ResultCode cuMemcpyDtoHAsync_v2(void* to, DevicePointer from, size_t bytes,
                                Stream stream) noexcept {
  return Copy(Address(to), from, bytes, stream, false);
}
ResultCode cuMemcpyDtoDAsync_v2(DevicePointer to, DevicePointer from, size_t bytes,
                                Stream stream) noexcept {
  return Copy(to, from, bytes, stream, false);
}

ResultCode cuMemcpy2D_v2(const Memcpy2D* copy) noexcept { return Copy2D(copy, nullptr, true); }
ResultCode cuMemcpy2DAsync_v2(const Memcpy2D* copy, Stream stream) noexcept {
  return Copy2D(copy, stream, false);
}

// Fills of device memory do not wait, as CUDA's; those of host memory would.
ResultCode cuMemsetD8_v2(DevicePointer to, unsigned char value, size_t count) noexcept {
  return FillWith(to, value, count, nullptr, true);
}
ResultCode cuMemsetD8Async(DevicePointer to, unsigned char value, size_t count,
                           Stream stream) noexcept {
  return FillWith(to, value, count, stream, false);
}
ResultCode cuMemsetD32_v2(DevicePointer to, uint32_t value, size_t count) noexcept {
  return FillWith(to, value, count, nullptr, true);
}
ResultCode cuMemsetD32Async(DevicePointer to, uint32_t value, size_t count,
                            Stream stream) noexcept {
  return FillWith(to, value, count, stream, false);
}

}  // extern "C"
}  // namespace flexmig::cuda_abi

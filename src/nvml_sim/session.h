#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "flexmig/nvml_abi/functions.h"
#include "flexmig/simhw/sim_machine.h"

#include "handle.h"

namespace flexmig::nvml_sim {

using nvml_abi::Return;

// "580.105.08" as comparable numbers. Errors: kInvalidArgument.
struct DriverVersion {
  std::array<int, 3> parts{};
  std::string text;

  // The first driver that names MIG devices by a UUID of their own.
  [[nodiscard]] bool has_mig_uuids() const { return parts >= std::array{470, 42, 1}; }
};
Result<DriverVersion> ParseDriverVersion(std::string_view text);

// What a listener has registered for and how far it has read.
struct Listener {
  // By GPU.
  struct Interest {
    uint64_t types = 0;
    uint64_t last_number = 0;  // of the last event that it knows
  };
  std::map<uint8_t, Interest> interests;
};

// Everything between nvmlInit and the last nvmlShutdown of this process.
// Threading: thread-compatible; the library calls it under one lock.
class Session {
 public:
  Session(const simhw::NodeSpec& spec, simhw::SimOptions options, DriverVersion driver)
      : driver_(std::move(driver)), machine_(spec, std::move(options)) {}

  [[nodiscard]] simhw::SimMachine& machine() { return machine_; }
  [[nodiscard]] const DriverVersion& driver() const { return driver_; }
  [[nodiscard]] const simhw::BoardSpec& board_spec(const Handle& handle) const {
    return machine_.spec().boards[handle.gpu];
  }

  // The board behind a handle under the script. The handle's instances exist, or the answer is
  // INVALID_ARGUMENT.
  Return Read(simhw::SimOperation operation, const Handle& handle,
              std::optional<simhw::SimBoard>& board);
  // Changes it; errors of `change` come back as the driver would say them.
  Return Change(simhw::SimOperation operation, const Handle& handle,
                const std::function<Status(simhw::SimBoard&)>& change);

  // "MIG-..." in the form of this driver. REQUIRES: Read has seen the instance.
  [[nodiscard]] std::string MigUuidOf(const Handle& handle, const simhw::SimBoard& board) const;

  std::map<uint8_t, Listener> listeners;  // by event set
  std::set<uint8_t> gpm_samples;          // by number
  uint8_t next_number = 0;                // of an event set or sample

 private:
  const DriverVersion driver_;
  simhw::SimMachine machine_;
};

// How the driver says a status of the engine; `fault` is the scripted reason, if there is one.
Return ToReturn(const Status& status, simhw::SimFault fault);

// Opens the session of this process, or adds a reference; closes with the last reference.
Return OpenSession() noexcept;
Return CloseSession() noexcept;
// Why the last OpenSession failed, or nullptr; valid until the next one.
const char* OpenSessionProblem() noexcept;

// The lock around the library, and the session if one is open.
std::mutex& SessionMutex();
Session* CurrentSession();  // REQUIRES: SessionMutex is held

// Runs `body` with the session under the lock; UNINITIALIZED without one. No exception leaves.
template <typename Body>
Return WithSession(const Body& body) noexcept {
  try {
    const std::lock_guard lock(SessionMutex());
    Session* session = CurrentSession();
    return session == nullptr ? Return::kUninitialized : body(*session);
  } catch (...) {
    return Return::kUnknown;
  }
}

// WithSession for a GPU, or for a GPU or MIG device: INVALID_ARGUMENT for any other handle;
// NOT_SUPPORTED for a MIG device where only a GPU will do.
enum class Accept { kGpu, kGpuOrMigDevice };
template <typename Body>
Return WithDevice(nvml_abi::Device device, Accept accept, const Body& body) noexcept {
  return WithSession([&](Session& session) {
    const auto handle = Decode(device.handle);
    if (!handle) return Return::kInvalidArgument;
    const bool is_gpu = handle->kind == HandleKind::kGpu;
    if (!is_gpu && handle->kind != HandleKind::kMigDevice) return Return::kInvalidArgument;
    if (!session.machine().CheckGpu(handle->gpu_index()).ok()) return Return::kInvalidArgument;
    if (!is_gpu && accept == Accept::kGpu) return Return::kNotSupported;
    return body(session, *handle);
  });
}

// WithDevice and the board as it is now, under the script's rules for `operation`.
template <typename Body>
Return WithBoard(nvml_abi::Device device, Accept accept, simhw::SimOperation operation,
                 const Body& body) noexcept {
  return WithDevice(device, accept, [&](Session& session, const Handle& handle) {
    std::optional<simhw::SimBoard> board;
    const Return code = session.Read(operation, handle, board);
    return code == Return::kSuccess ? body(session, handle, *board) : code;
  });
}

// The same for the handle of a GPU instance, with the instance; INVALID_ARGUMENT if it is gone.
template <typename Body>
Return WithGpuInstance(nvml_abi::GpuInstance instance, simhw::SimOperation operation,
                       const Body& body) noexcept {
  return WithSession([&](Session& session) {
    const auto handle = Decode(instance.handle);
    if (!handle || handle->kind != HandleKind::kGpuInstance ||
        !session.machine().CheckGpu(handle->gpu_index()).ok()) {
      return Return::kInvalidArgument;
    }
    std::optional<simhw::SimBoard> board;
    const Return code = session.Read(operation, *handle, board);
    if (code != Return::kSuccess) return code;
    return body(session, *handle, *board, **board->FindInstance(handle->gpu_instance_id()));
  });
}

// A fact about a GPU, as *out; `get` takes (const BoardSpec&, const SimBoard&).
template <typename T, typename Get>
Return QueryGpu(nvml_abi::Device device, T* out, const Get& get) noexcept {
  if (out == nullptr) return Return::kInvalidArgument;
  return WithBoard(device, Accept::kGpu, simhw::SimOperation::kQueryGpu,
                   [&](Session& session, const Handle& handle, const simhw::SimBoard& board) {
                     *out = get(session.board_spec(handle), board);
                     return Return::kSuccess;
                   });
}

// A call that the simulated boards do not offer: the same checks, then NOT_SUPPORTED.
inline Return NotOffered(nvml_abi::Device device, const void* out) noexcept {
  if (out == nullptr) return Return::kInvalidArgument;
  return WithBoard(
      device, Accept::kGpuOrMigDevice, simhw::SimOperation::kQueryGpu,
      [](Session&, const Handle&, const simhw::SimBoard&) { return Return::kNotSupported; });
}

// Copies text with its final null. INSUFFICIENT_SIZE, and nothing written, if it does not fit.
Return CopyText(std::string_view text, char* out, uint32_t length);

// Writes `count` elements by `at(i)`. A null buffer, or one that is too small, is told the count:
// INSUFFICIENT_SIZE for the latter, and for the former if `null_is_query` is not set.
template <typename T, typename At>
Return CopyList(uint32_t count, T* out, uint32_t* capacity, bool null_is_query, const At& at) {
  if (capacity == nullptr) return Return::kInvalidArgument;
  const uint32_t room = out == nullptr ? 0 : *capacity;
  *capacity = count;
  if (out == nullptr && (null_is_query || count == 0)) return Return::kSuccess;
  if (room < count) return Return::kInsufficientSize;
  for (uint32_t i = 0; i < count; ++i) out[i] = at(i);
  return Return::kSuccess;
}

}  // namespace flexmig::nvml_sim

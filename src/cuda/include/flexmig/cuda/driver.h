#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "flexmig/base/status.h"

// The few operations that collectives on a GPU's memory need, over CUDA's driver API. The driver's
// library is loaded when first asked for, never at start: this code lives in other people's
// processes, some of which have no GPU to use. Nothing of a CUDA toolkit is needed to build.
namespace flexmig::cuda {

// What the driver hands out: its own pointers (CUcontext, CUstream, CUevent, CUmodule, CUfunction),
// as numbers, which it owns. cudaStream_t is CUstream; 0, 1 and 2 are its special streams.
enum class Context : uintptr_t {};
enum class Stream : uintptr_t {};
enum class Event : uintptr_t {};
enum class Module : uintptr_t {};
enum class Function : uintptr_t {};

// The device of a context.
struct DeviceFacts {
  int ordinal = 0;               // as this process counts its visible devices
  std::string name;              // "NVIDIA A100-SXM4-40GB MIG 1g.5gb"
  std::array<uint8_t, 16> uuid;  // of the MIG device if it is one, else of the GPU
  bool is_mig = false;           // its name ends in " MIG <profile>"
  std::string pci_bus_id;        // "0000:07:00.0"; the parent's for a MIG device
  int numa_node = -1;            // of the host memory near it; -1: unknown
  int compute_major = 0;
  int compute_minor = 0;
  int copy_engines = 0;
  bool has_wait_64 = false;  // WriteValue and AwaitValue work
};
// "MIG-7f37c7aa-357a-5286-8db6-584f7500ad74", or "GPU-..." for a whole one.
[[nodiscard]] std::string UuidText(const DeviceFacts& facts);

struct PointerFacts {
  enum class Kind : uint8_t {
    kDevice,        // a GPU's memory
    kManaged,       // moves between GPU and host
    kHost,          // pinned or registered host memory
    kUnregistered,  // the driver does not know it
  };
  Kind kind = Kind::kUnregistered;
  int device = -1;  // ordinal; -1 for kUnregistered
};

// Of AwaitValue. kAtLeast is CUDA's cyclic one: as of unsigned numbers that are less than 2^63
// apart.
enum class Comparison : uint8_t { kAtLeast, kEqual };

struct CaptureState {
  enum class Kind : uint8_t { kNone, kActive, kInvalidated };
  Kind kind = Kind::kNone;
  uint64_t id = 0;  // of the capture, unique in the process
};

// Errors of every call, with the driver's name of the error ("CUDA_ERROR_INVALID_VALUE") and the
// call's in the message: kInvalidArgument, kNotFound, kFailedPrecondition (registered already, and
// the like), kResourceExhausted (no memory), kUnavailable (device lost, or driver going down),
// kPermissionDenied (not permitted, as during a capture), kUnimplemented (the driver or device does
// not offer it), kInternal for the rest, errors of earlier kernels among them, after which a
// context is dead.
//
// Threading: thread-safe. Calls that take no context work in the calling thread's current one.
class Driver {
 public:
  // The driver of this process, loaded and initialised by the first call; later calls give what
  // that gave. The library is libcuda.so.1, or what FLEXMIG_CUDA_PATH names. Never unloaded.
  // Errors: kUnavailable without library, driver or device, kUnimplemented naming a function that
  // the library lacks.
  static Result<const Driver*> Load();
  // Another one, for tests. Loaded anew, never freed.
  static Result<const Driver*> LoadFrom(const std::string& library);

  [[nodiscard]] int version() const;  // 13000 for CUDA 13.0

  // --- Contexts ---

  // The calling thread's context; if it has none, the primary one of device 0, which becomes
  // current and stays retained.
  [[nodiscard]] Result<Context> CurrentOrPrimary() const;
  // The primary context of a device, retained, and made current.
  [[nodiscard]] Result<Context> Primary(int ordinal) const;
  Status SetCurrent(Context context) const;
  [[nodiscard]] Result<int> DeviceCount() const;
  // Of the current context's device.
  [[nodiscard]] Result<DeviceFacts> Facts() const;

  // --- Memory ---

  // Pins memory, so that the GPU reads and writes it at full speed and asynchronously; all
  // contexts see it. Page-aligned. Errors: also kFailedPrecondition if it is registered already.
  Status RegisterHost(std::span<std::byte> memory) const;
  Status UnregisterHost(const std::byte* memory) const;
  // Where registered memory lies for the device: for WriteValue, AwaitValue and kernels.
  [[nodiscard]] Result<uint64_t> DeviceAddressOf(const void* registered) const;
  [[nodiscard]] Result<PointerFacts> FactsOf(const void* pointer) const;
  // Plain device memory, aligned to 256 bytes at least.
  [[nodiscard]] Result<void*> Allocate(size_t bytes) const;
  Status Free(void* device_memory) const;

  // --- Streams and events ---

  // Of the highest priority, and never waiting for the legacy default stream.
  [[nodiscard]] Result<Stream> CreateStream() const;
  Status DestroyStream(Stream stream) const;
  // Blocks until everything in the stream is done; for tests and tools, not for collectives.
  Status Synchronize(Stream stream) const;
  [[nodiscard]] Result<Event> CreateEvent() const;  // without timing
  Status DestroyEvent(Event event) const;
  Status Record(Event event, Stream stream) const;
  // Whether everything before the event's last Record is done. Never waits.
  [[nodiscard]] Result<bool> IsDone(Event event) const;

  // Between any two of device memory and registered host memory, behind what is in the stream.
  // Returns before it is done.
  Status Copy(void* to, const void* from, size_t bytes, Stream stream) const;
  // `rows` pieces of `row_bytes`, which begin `to_pitch` and `from_pitch` bytes apart.
  Status CopyRows(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t row_bytes,
                  size_t rows, Stream stream) const;

  // In stream order: when all before it is done, and visible to the host, writes a 64-bit word; or
  // holds the stream until the word compares so. `address` is from DeviceAddressOf, or in device
  // memory, and a multiple of 8. They take no SM.
  Status WriteValue(Stream stream, uint64_t address, uint64_t value) const;
  Status AwaitValue(Stream stream, uint64_t address, uint64_t value, Comparison comparison) const;

  // --- Captures into graphs ---

  [[nodiscard]] Result<CaptureState> CaptureOf(Stream stream) const;
  // Lets the calling thread make calls that are forbidden while any thread of the process captures
  // in the global mode: to be called once by threads of ours, which never capture.
  Status IgnoreCaptures() const;

  // --- Kernels ---

  // From PTX text. Errors: also kUnimplemented if the driver cannot compile it for the device.
  [[nodiscard]] Result<Module> LoadModule(const std::string& ptx) const;
  // Errors: also kNotFound.
  [[nodiscard]] Result<Function> FindFunction(Module module, const char* name) const;
  // One-dimensional. `arguments`: a pointer to each argument's value, read before it returns.
  Status Launch(Function function, unsigned blocks, unsigned threads_per_block,
                std::span<void* const> arguments, Stream stream) const;

 private:
  struct Functions;  // what dlsym found
  explicit Driver(const Functions& functions) : functions_(functions) {}

  const Functions& functions_;
};

}  // namespace flexmig::cuda

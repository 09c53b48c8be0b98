#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "flexmig/base/check.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/cuda/driver.h"
#include "flexmig/cuda_abi/functions.h"
#include "flexmig/device/device_communicator.h"

// For tests: the simulated driver (FLEXMIG_CUDA_SIM is its path), memory on its device, and graphs.
namespace flexmig::device {

// The driver's own functions, for what the seam does not have because only programs need it.
class RawDriver {
 public:
  explicit RawDriver(const std::string& library)
      : library_(::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    FLEXMIG_CHECK(library_ != nullptr);
  }

  // `name` as in functions.h, e.g. Call<decltype(cuda_abi::cuInit)>("cuInit", 0).
  template <typename Function, typename... Arguments>
  void Call(const char* name, Arguments... arguments) const {
    const auto code = Find<Function>(name)(arguments...);
    EXPECT_EQ(code, cuda_abi::ResultCode::kSuccess) << name;
  }
  template <typename Function>
  [[nodiscard]] Function* Find(const char* name) const {
    auto* const function = reinterpret_cast<Function*>(::dlsym(library_, name));
    FLEXMIG_CHECK(function != nullptr);
    return function;
  }

 private:
  void* const library_;  // never closed
};

// The simulated driver in this process. The environment is read by its first use.
class SimDriver {
 public:
  static const SimDriver& Instance() {
    static const SimDriver& driver = *new SimDriver;
    return driver;
  }
  [[nodiscard]] const cuda::Driver& driver() const { return driver_; }
  [[nodiscard]] const RawDriver& raw() const { return raw_; }

 private:
  SimDriver() : driver_(Load()), raw_(FLEXMIG_CUDA_SIM) {}
  static const cuda::Driver& Load() {
    const auto driver = cuda::Driver::LoadFrom(FLEXMIG_CUDA_SIM);
    if (!driver.ok()) ADD_FAILURE() << driver.status().ToString();
    FLEXMIG_CHECK(driver.ok());
    FLEXMIG_CHECK((*driver)->CurrentOrPrimary().ok());
    return **driver;
  }

  const cuda::Driver& driver_;
  const RawDriver raw_;
};

// Device memory with contents. It is kept for the next buffer of its size and never freed: freeing
// waits for the whole device, so that ranks which are threads of one process would wait for each
// other.
class DeviceBuffer {
 public:
  explicit DeviceBuffer(size_t bytes) : bytes_(bytes) {
    const std::lock_guard lock(TheMutex());
    auto& kept = Kept()[bytes];
    if (!kept.empty()) {
      memory_ = kept.back();
      kept.pop_back();
      return;
    }
    auto memory = SimDriver::Instance().driver().Allocate(std::max<size_t>(bytes, 1));
    EXPECT_TRUE(memory.ok()) << memory.status().ToString();
    FLEXMIG_CHECK(memory.ok());
    memory_ = static_cast<std::byte*>(*memory);
  }
  explicit DeviceBuffer(std::span<const std::byte> contents) : DeviceBuffer(contents.size()) {
    Write(contents);
  }
  ~DeviceBuffer() {
    const std::lock_guard lock(TheMutex());
    Kept()[bytes_].push_back(memory_);
  }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  [[nodiscard]] std::byte* data() const { return memory_; }
  // Both wait for the device.
  void Write(std::span<const std::byte> contents, size_t at = 0) const {
    if (contents.empty()) return;
    SimDriver::Instance().raw().Call<decltype(cuda_abi::cuMemcpyHtoD_v2)>(
        "cuMemcpyHtoD_v2", reinterpret_cast<uintptr_t>(memory_ + at),
        static_cast<const void*>(contents.data()), contents.size());
  }
  [[nodiscard]] std::vector<std::byte> Read() const {
    std::vector<std::byte> contents(bytes_);
    if (bytes_ == 0) return contents;
    SimDriver::Instance().raw().Call<decltype(cuda_abi::cuMemcpyDtoH_v2)>(
        "cuMemcpyDtoH_v2", static_cast<void*>(contents.data()),
        reinterpret_cast<uintptr_t>(memory_), contents.size());
    return contents;
  }

 private:
  static std::mutex& TheMutex() {
    static std::mutex& mutex = *new std::mutex;
    return mutex;
  }
  static std::map<size_t, std::vector<std::byte*>>& Kept() {
    static auto& kept = *new std::map<size_t, std::vector<std::byte*>>;
    return kept;
  }

  size_t bytes_;
  std::byte* memory_ = nullptr;
};

// A stream of the program's.
class UserStream {
 public:
  UserStream() : stream_(SimDriver::Instance().driver().CreateStream().value()) {}
  ~UserStream() { EXPECT_EQ(SimDriver::Instance().driver().DestroyStream(stream_), OkStatus()); }
  UserStream(const UserStream&) = delete;
  UserStream& operator=(const UserStream&) = delete;

  [[nodiscard]] cuda::Stream get() const { return stream_; }
  [[nodiscard]] cuda_abi::Stream raw() const {
    return reinterpret_cast<cuda_abi::Stream>(static_cast<uintptr_t>(stream_));
  }
  void Synchronize() const {
    EXPECT_EQ(SimDriver::Instance().driver().Synchronize(stream_), OkStatus());
  }

 private:
  cuda::Stream stream_;
};

// What a body puts into a stream, as a graph.
class CapturedGraph {
 public:
  CapturedGraph(const UserStream& stream, const std::function<void()>& body) {
    const RawDriver& raw = SimDriver::Instance().raw();
    raw.Call<decltype(cuda_abi::cuStreamBeginCapture_v2)>("cuStreamBeginCapture_v2", stream.raw(),
                                                          cuda_abi::CaptureMode::kThreadLocal);
    body();
    cuda_abi::Graph graph = nullptr;
    raw.Call<decltype(cuda_abi::cuStreamEndCapture)>("cuStreamEndCapture", stream.raw(), &graph);
    raw.Call<decltype(cuda_abi::cuGraphInstantiateWithFlags)>("cuGraphInstantiateWithFlags", &exec_,
                                                              graph, uint64_t{0});
    raw.Call<decltype(cuda_abi::cuGraphDestroy)>("cuGraphDestroy", graph);
  }
  ~CapturedGraph() {
    SimDriver::Instance().raw().Call<decltype(cuda_abi::cuGraphExecDestroy)>("cuGraphExecDestroy",
                                                                             exec_);
  }
  CapturedGraph(const CapturedGraph&) = delete;
  CapturedGraph& operator=(const CapturedGraph&) = delete;

  void Launch(const UserStream& stream) const {
    SimDriver::Instance().raw().Call<decltype(cuda_abi::cuGraphLaunch)>("cuGraphLaunch", exec_,
                                                                        stream.raw());
  }

 private:
  cuda_abi::GraphExec exec_ = nullptr;
};

inline DeviceOptions DeviceOptionsFor(
    const std::string& rendezvous, int rank, int world_size,
    std::chrono::milliseconds timeout = std::chrono::seconds(40)) {
  DeviceOptions options;
  options.communicator.rendezvous = rendezvous;
  options.communicator.rank = Rank(rank);
  options.communicator.world_size = world_size;
  options.communicator.timeout = timeout;
  return options;
}

using CreatedDevice = Result<std::unique_ptr<DeviceCommunicator>>;

// Ranks that are threads of this process and share its device, which has to be a whole GPU. A body
// may destroy its communicator.
inline void RunDeviceThreads(int world_size,
                             const std::function<void(std::unique_ptr<DeviceCommunicator>&)>& body,
                             std::chrono::milliseconds timeout = std::chrono::seconds(40)) {
  const std::string rendezvous = RandomHex(16);
  const SimDriver& sim = SimDriver::Instance();
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(world_size));
  for (int rank = 0; rank < world_size; ++rank) {
    threads.emplace_back([&, rank] {
      auto communicator = DeviceCommunicator::Create(
          sim.driver(), DeviceOptionsFor(rendezvous, rank, world_size, timeout));
      ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
      body(*communicator);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace flexmig::device

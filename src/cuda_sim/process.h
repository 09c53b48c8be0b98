#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "flexmig/simhw/sim_node.h"

#include "context.h"
#include "link.h"

namespace flexmig::cuda_sim {

// The objects of one kind that a client has handles of. A handle is the object's address, looked up
// and never followed, so a wild one is an error and not a crash.
template <typename Handle, typename Object>
class Handles {
 public:
  Handle Add(std::shared_ptr<Object> object) {
    const std::lock_guard lock(mutex_);
    const auto handle = reinterpret_cast<Handle>(reinterpret_cast<uintptr_t>(object.get()));
    objects_[handle] = std::move(object);
    return handle;
  }
  // nullptr for what is none.
  std::shared_ptr<Object> Find(Handle handle) const {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(handle);
    return found == objects_.end() ? nullptr : found->second;
  }
  std::shared_ptr<Object> Remove(Handle handle) {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(handle);
    if (found == objects_.end()) return nullptr;
    auto object = std::move(found->second);
    objects_.erase(found);
    return object;
  }

 private:
  mutable std::mutex mutex_;
  std::map<Handle, std::shared_ptr<Object>> objects_;
};

class Event;
class Graph;
class GraphProgram;
struct Kernel;
struct KernelModule;

// Everything that the library knows in this process, from cuInit on. Never destroyed: clients call
// the library from their own destructors and exit handlers, and its threads go on until the end.
// Threading: thread-safe.
class Process {
 public:
  static Process& Instance();

  // The first call that succeeds decides. A process that was forked from one with a driver has
  // none.
  ResultCode Init();
  // kNotInitialized before Init.
  [[nodiscard]] ResultCode state() const;
  // Why Init failed; empty if it did not.
  [[nodiscard]] std::string problem() const;

  // Of CUDA, also before Init. nullopt if FLEXMIG_SIM_DRIVER does not parse.
  static std::optional<int> DriverVersion();
  [[nodiscard]] const std::vector<std::unique_ptr<Device>>& devices() const { return devices_; }
  Device* FindDevice(cuda_abi::Device device) const;

  // The links of the node, open whether the process has a device or not; nullptr without a node.
  Links* links();

  // The primary context of a device, with one more reference; registers the process on the leaf
  // with the first.
  ResultCode RetainPrimary(Device& device, Context** context);
  ResultCode ReleasePrimary(Device& device, bool all);
  bool IsPrimaryActive(const Device& device, uint32_t* flags);
  ResultCode SetPrimaryFlags(Device& device, uint32_t flags);
  // Another context on it.
  ResultCode CreateContext(Device& device, uint32_t flags, Context** context);
  ResultCode DestroyContext(Context& context);
  // nullptr for a handle that is none, or of a context that is gone.
  Context* FindContext(cuda_abi::Context handle);

  // The device whose memory holds the address, or nullptr.
  Device* DeviceOf(uint64_t address) const;

  HostMemory host_memory;
  Handles<cuda_abi::Stream, Stream> streams;
  Handles<cuda_abi::Event, Event> events;
  Handles<cuda_abi::Graph, Graph> graphs;
  Handles<cuda_abi::GraphExec, GraphProgram> programs;
  Handles<cuda_abi::Module, KernelModule> modules;
  Handles<cuda_abi::Function, const Kernel> kernels;

 private:
  struct Primary {
    Context* context = nullptr;
    int references = 0;
    uint32_t flags = 0;
  };

  struct Users {
    int contexts = 0;
    bool are_ours = false;  // the entry in the node's list is this library's
  };

  Status Open();
  // REQUIRES: mutex_ is held.
  Status OpenLinks(const simhw::NodeSpec& spec, const simhw::SimOptions& options);
  // Shows the process on the device's leaf while it has contexts there.
  ResultCode AddUser(Device& device);
  void DropUser(Device& device);

  mutable std::mutex mutex_;  // guards the rest; devices_ do not change after Init
  std::optional<ResultCode> outcome_;
  std::string problem_;
  pid_t pid_ = 0;
  Delays delays_;
  std::unique_ptr<simhw::SimNode> node_;
  std::unique_ptr<Links> links_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::map<const Device*, Primary> primaries_;
  std::map<const Device*, Users> users_;
  std::map<cuda_abi::Context, std::unique_ptr<Context>> contexts_;
};

// The calling thread's stack of current contexts; the last is the current one.
std::vector<Context*>& ContextStack();

}  // namespace flexmig::cuda_sim

// Every exported function survives null and wild arguments, and never calls that a success where
// CUDA does not.

#include <fstream>
#include <set>

#include "sim_driver_for_test.h"

namespace flexmig::cuda_sim {
namespace {

// All arguments are integers or pointers, so one shape serves every function: registers that a
// function does not read do no harm, and what lies on the stack is zero.
using AnyFunction = int (*)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
                            uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);

int Call(const std::string& name, uintptr_t a = 0, uintptr_t b = 0, uintptr_t c = 0) {
  return FindFunction<AnyFunction>(name.c_str())(a, b, c, 0, 0, 0, 0, 0, 0, 0, 0);
}

std::vector<std::string> Exports() {
  std::vector<std::string> names;
  std::ifstream list(FLEXMIG_CUDA_EXPORTS);
  for (std::string name; std::getline(list, name);) names.push_back(name);
  return names;
}

// With zeroes, these ask for something that CUDA grants: nothing to do, stream 0, device 0.
const std::set<std::string> kFineWithZeroes = {"cuInit",
                                               "cuCtxGetStreamPriorityRange",
                                               "cuCtxSetCurrent",
                                               "cuCtxSynchronize",
                                               "cuDevicePrimaryCtxRelease_v2",
                                               "cuDevicePrimaryCtxReset_v2",
                                               "cuDevicePrimaryCtxSetFlags_v2",
                                               "cuMemFreeHost",
                                               "cuMemFree_v2",
                                               "cuMemcpy",
                                               "cuMemcpyAsync",
                                               "cuMemcpyDtoDAsync_v2",
                                               "cuMemcpyDtoD_v2",
                                               "cuMemcpyDtoHAsync_v2",
                                               "cuMemcpyDtoH_v2",
                                               "cuMemcpyHtoDAsync_v2",
                                               "cuMemcpyHtoD_v2",
                                               "cuMemsetD8Async",
                                               "cuMemsetD8_v2",
                                               "cuMemsetD32Async",
                                               "cuMemsetD32_v2",
                                               "cuStreamQuery",
                                               "cuStreamSynchronize",
                                               "cuCtxPopCurrent_v2",
                                               "flexmigSimResetLinks"};

class CudaSimAbiTest : public SimDriverTest {};

TEST_F(CudaSimAbiTest, NothingWorksBeforeCuInit) {
  ASSERT_GT(Exports().size(), 90U);
  for (const std::string& name : Exports()) {
    if (name == "cuInit" || name == "flexmigSimResetLinks") continue;
    EXPECT_NE(Call(name), 0) << name;
  }
  int32_t version = -1;
  EXPECT_CU(CU(cuDriverGetVersion)(&version));  // as clients ask it first
  EXPECT_EQ(version, 13000);
  uint64_t pointer = 0;
  EXPECT_CODE(CUDA_ERROR_NOT_INITIALIZED, CU(cuMemAlloc_v2)(&pointer, 16));
  EXPECT_CODE(CUDA_ERROR_INVALID_VALUE, CU(cuInit)(1));
}

TEST_F(CudaSimAbiTest, NullArgumentsAreRefused) {
  Begin();
  cuda_abi::Context context = nullptr;
  ASSERT_CU(CU(cuCtxGetCurrent)(&context));
  for (const std::string& name : Exports()) {
    const int code = Call(name);
    if (kFineWithZeroes.contains(name)) {
      EXPECT_EQ(code, 0) << name;
    } else {
      EXPECT_NE(code, 0) << name;
    }
    // Some of these take the context away.
    if (name == "cuDevicePrimaryCtxRelease_v2" || name == "cuDevicePrimaryCtxReset_v2") {
      ASSERT_CU(CU(cuDevicePrimaryCtxRetain)(&context, 0));
    }
    ASSERT_CU(CU(cuCtxSetCurrent)(context));
  }
}

TEST_F(CudaSimAbiTest, WildHandlesAreRefused) {
  Begin();
  uint64_t room[8] = {};
  const auto out = reinterpret_cast<uintptr_t>(room);
  const uint64_t device = NewMemory(64);
  const auto stream = reinterpret_cast<uintptr_t>(NewStream());
  // A handle of another kind, unaligned, kernel addresses, all ones.
  for (const uintptr_t wild :
       {stream + 8, uintptr_t{0xdeadbeef}, uintptr_t{1} << 47, UINTPTR_MAX, uintptr_t{3}}) {
    for (const char* name :
         {"cuCtxDestroy_v2", "cuCtxSetCurrent", "cuCtxPushCurrent_v2", "cuMemFree_v2",
          "cuMemFreeHost", "cuMemHostUnregister", "cuStreamDestroy_v2", "cuStreamSynchronize",
          "cuStreamQuery", "cuEventDestroy_v2", "cuEventQuery", "cuEventSynchronize",
          "cuGraphExecDestroy", "cuGraphDestroy", "cuModuleUnload", "cuLaunchKernel"}) {
      EXPECT_NE(Call(name, wild), 0) << name << " of " << wild;
    }
    for (const char* name :
         {"cuCtxGetApiVersion", "cuStreamGetCtx", "cuStreamGetFlags", "cuStreamGetPriority",
          "cuStreamIsCapturing", "cuStreamGetCaptureInfo", "cuStreamEndCapture",
          "cuStreamBeginCapture_v2", "cuEventRecord", "cuGraphLaunch", "cuGraphUpload",
          "cuStreamWaitEvent", "cuStreamWriteValue64_v2", "cuStreamWaitValue64_v2"}) {
      EXPECT_NE(Call(name, wild, out), 0) << name << " of " << wild;
    }
    EXPECT_NE(Call("cuMemHostGetFlags", out, wild), 0) << wild;
    EXPECT_NE(Call("cuGraphInstantiateWithFlags", out, wild), 0) << wild;
    if (wild == stream + 8) continue;  // memory that is there
    for (const char* name : {"cuMemcpy", "cuMemcpyHtoD_v2", "cuMemcpyAsync"}) {
      EXPECT_NE(Call(name, device, wild, 64), 0) << name << " from " << wild;
      EXPECT_NE(Call(name, wild, device, 64), 0) << name << " to " << wild;
    }
    EXPECT_NE(Call("cuMemHostRegister_v2", wild, 4096), 0) << wild;
    EXPECT_NE(Call("cuMemsetD8_v2", wild, 0, 16), 0) << wild;
  }
  for (const int number : {-1, 1, INT32_MAX, INT32_MIN}) {
    EXPECT_NE(Call("cuDevicePrimaryCtxRelease_v2", static_cast<uintptr_t>(number)), 0) << number;
    for (const char* name : {"cuDeviceGet", "cuDeviceGetUuid", "cuDeviceGetUuid_v2",
                             "cuDeviceTotalMem_v2", "cuDevicePrimaryCtxRetain"}) {
      EXPECT_NE(Call(name, out, static_cast<uintptr_t>(number)), 0) << name << " of " << number;
    }
  }
  // More than there is.
  EXPECT_CODE(CUDA_ERROR_INVALID_VALUE, CU(cuMemsetD8_v2)(device, 0, 65));
  EXPECT_CODE(CUDA_ERROR_INVALID_VALUE, CU(cuMemcpy)(device, device, SIZE_MAX));
  EXPECT_CODE(CUDA_ERROR_OUT_OF_MEMORY, CU(cuMemAlloc_v2)(&room[0], SIZE_MAX));
  EXPECT_CU(CU(cuCtxSynchronize)());
}

TEST_F(CudaSimAbiTest, ErrorsHaveNamesAndReasons) {
  const char* text = nullptr;
  EXPECT_CU(CU(cuGetErrorName)(ResultCode::kOutOfMemory, &text));
  EXPECT_STREQ(text, "CUDA_ERROR_OUT_OF_MEMORY");
  EXPECT_CODE(CUDA_ERROR_INVALID_VALUE, CU(cuGetErrorName)(static_cast<ResultCode>(12345), &text));
  EXPECT_EQ(text, nullptr);
  ::setenv("FLEXMIG_SIM_NODE", "no-such-node", 1);
  EXPECT_CODE(CUDA_ERROR_NO_DEVICE, CU(cuInit)(0));
  EXPECT_CU(CU(cuGetErrorString)(ResultCode::kNoDevice, &text));
  EXPECT_NE(std::string(text).find("no-such-node"), std::string::npos);
}

TEST_F(CudaSimAbiTest, FunctionsAreFoundByNameAndVersion) {
  using cuda_abi::ProcAddressResult;
  void* function = nullptr;
  auto result = ProcAddressResult::kNotFound;
  const auto find = [&](const char* name, int version) {
    EXPECT_CU(CU(cuGetProcAddress_v2)(name, &function, version, 0, &result));
    return function;
  };
  const auto symbol = [](const char* name) { return FindFunction<void*>(name); };
  EXPECT_EQ(find("cuMemAlloc", 13000), symbol("cuMemAlloc_v2"));
  EXPECT_EQ(find("cuInit", 13000), symbol("cuInit"));
  EXPECT_EQ(find("cuDeviceGetUuid", 13000), symbol("cuDeviceGetUuid_v2"));
  // This is how a client that asks for 9.2's gets the GPU's UUID on a MIG device.
  EXPECT_EQ(find("cuDeviceGetUuid", 9020), symbol("cuDeviceGetUuid"));
  EXPECT_EQ(find("cuStreamGetCaptureInfo", 12000), symbol("cuStreamGetCaptureInfo_v2"));
  EXPECT_EQ(find("cuStreamWaitValue32", 11000), nullptr);
  EXPECT_EQ(result, ProcAddressResult::kVersionNotSufficient);
  EXPECT_EQ(find("cuNoSuchThing", 13000), nullptr);
  EXPECT_EQ(result, ProcAddressResult::kNotFound);
  EXPECT_EQ(find("malloc", 13000), nullptr);
  EXPECT_CODE(CUDA_ERROR_NOT_FOUND, CU(cuGetProcAddress)("cuNoSuchThing", &function, 13000, 0));
}

TEST_F(CudaSimAbiTest, SeveralLeavesAreDevicesOfTheirOwn) {
  const auto leaves = CutLeaves(0, 3);
  ::setenv("CUDA_VISIBLE_DEVICES", (leaves[2] + "," + leaves[0]).c_str(), 1);
  ASSERT_CU(CU(cuInit)(0));
  int32_t count = 0;
  ASSERT_CU(CU(cuDeviceGetCount)(&count));
  ASSERT_EQ(count, 2);
  cuda_abi::Context contexts[2] = {};
  cuda_abi::Uuid uuids[2] = {};
  cuda_abi::Uuid parents[2] = {};
  uint64_t memory[2] = {};
  for (int i = 0; i < 2; ++i) {
    ASSERT_CU(CU(cuDevicePrimaryCtxRetain)(&contexts[i], i));
    ASSERT_CU(CU(cuDeviceGetUuid_v2)(&uuids[i], i));
    ASSERT_CU(CU(cuDeviceGetUuid)(&parents[i], i));
    ASSERT_CU(CU(cuCtxSetCurrent)(contexts[i]));
    memory[i] = NewMemory(1000);
  }
  EXPECT_NE(std::string(uuids[0].bytes, 16), std::string(uuids[1].bytes, 16));
  EXPECT_EQ(std::string(parents[0].bytes, 16), std::string(parents[1].bytes, 16));
  int32_t ordinal = -1;
  ASSERT_CU(CU(cuPointerGetAttribute)(&ordinal, cuda_abi::PointerAttribute::kDeviceOrdinal,
                                      memory[1] + 999));
  EXPECT_EQ(ordinal, 1);
  EXPECT_CODE(CUDA_ERROR_INVALID_VALUE,
              CU(cuPointerGetAttribute)(&ordinal, cuda_abi::PointerAttribute::kDeviceOrdinal,
                                        memory[1] + 1000));
  // Over the host's memory: the link of their GPU is crossed twice.
  ASSERT_CU(CU(cuMemcpy)(memory[1], memory[0], 1000));
  size_t free = 0;
  size_t total = 0;
  ASSERT_CU(CU(cuMemGetInfo_v2)(&free, &total));
  EXPECT_EQ(free, total - 1024);
  ASSERT_CU(CU(cuDevicePrimaryCtxRelease_v2)(1));
  EXPECT_EQ(node_->ListProcesses(mig::GpuIndex(0))->size(), 1U);
  EXPECT_CODE(CUDA_ERROR_CONTEXT_IS_DESTROYED, CU(cuCtxSynchronize)());
}

}  // namespace
}  // namespace flexmig::cuda_sim

#include "comm.h"

#include <memory>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "border.h"
#include "handles.h"
#include "recording_transport.h"

namespace flexmig::nccl {
namespace {

using testing::Contains;
using testing::HasSubstr;

TEST(CommTest, DeathOfTheEngineIsTheAsyncError) {
  Record record;
  RecordingTransport* transport = nullptr;
  const auto comm = ReadyComm("a", record, &transport);
  std::string why;
  EXPECT_EQ(comm->AsyncResult(why), ncclSuccess);
  transport->Die(AbortedError("rank 2 was killed"));
  EXPECT_EQ(comm->AsyncResult(why), ncclRemoteError);
  EXPECT_EQ(why, "rank 2 was killed");
  EXPECT_EQ(comm->Usable().code(), StatusCode::kAborted);
}

TEST(CommTest, FinalizedOneTakesNoMoreOperations) {
  Record record;
  const auto comm = ReadyComm("a", record);
  EXPECT_EQ(comm->BeginFinalize(), OkStatus());
  std::string why;
  EXPECT_EQ(comm->AsyncResult(why), ncclInProgress);
  EXPECT_EQ(comm->EndFinalize(), OkStatus());
  EXPECT_EQ(comm->AsyncResult(why), ncclSuccess);
  EXPECT_EQ(comm->Usable().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(comm->BeginFinalize().code(), StatusCode::kFailedPrecondition);
  comm->Close();
  EXPECT_EQ(record.Lines(), std::vector<std::string>{"a: drain"});
}

// The watchdog's case: one thread waits for operations that do not end, another one aborts.
TEST(CommTest, StopEndsAWaitingFinalize) {
  Record record;
  RecordingTransport* transport = nullptr;
  const auto comm = ReadyComm("a", record, &transport);
  transport->HoldDrain();
  ASSERT_EQ(comm->BeginFinalize(), OkStatus());
  Status ended;
  std::thread waiting([&] { ended = comm->EndFinalize(); });
  const auto begin = std::chrono::steady_clock::now();
  comm->Stop("the watchdog has had enough");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  waiting.join();
  EXPECT_EQ(ended.code(), StatusCode::kAborted);
  EXPECT_THAT(ended.message(), HasSubstr("the watchdog"));
}

TEST(CommTest, StopReachesAnInitialisationThatWaits) {
  const auto comm = std::make_shared<Comm>(Config{}, Settings{}, "a", 0, 2, 0);
  std::thread init([comm] {
    while (comm->Wanted().ok()) std::this_thread::yield();
    comm->EndInit(comm->Wanted());
  });
  comm->Stop("no more");
  std::string why;
  EXPECT_EQ(comm->AsyncResult(why), ncclRemoteError);
  init.join();
}

TEST(CommTest, RevokedOneIsQuietAndCanBeTheParentOfOthers) {
  Record record;
  const auto comm = ReadyComm("a", record);
  EXPECT_EQ(comm->Revoke(), OkStatus());
  std::string why;
  EXPECT_EQ(comm->AsyncResult(why), ncclSuccess);
  EXPECT_EQ(comm->Usable().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(comm->BeginFinalize().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(comm->Revoke().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(comm->BeginJob(), OkStatus());
  comm->EndJob(OkStatus());
  EXPECT_THAT(record.Lines(), Contains("a: abort"));
}

TEST(CommTest, ReductionsAreOfOneCommunicatorAndType) {
  Record record;
  const auto comm = ReadyComm("a", record);
  const auto other = ReadyComm("b", record);
  float factor = 0.5F;
  const auto op = comm->CreatePreMulSum(&factor, ncclFloat32, ncclScalarHostImmediate);
  ASSERT_TRUE(op.ok());
  EXPECT_GE(*op, ncclNumOps);
  factor = 9;  // has been read
  const auto reduction = comm->ReductionOf(*op, reduce::DataType::kFloat32);
  ASSERT_TRUE(reduction.ok());
  EXPECT_EQ(reduction->reduction.op, reduce::ReduceOp::kPreMulSum);
  EXPECT_EQ(reduction->reduction.scalar.As<float>(), 0.5F);
  EXPECT_EQ(reduction->device_scalar, nullptr);
  EXPECT_EQ(comm->ReductionOf(*op, reduce::DataType::kFloat16).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(other->ReductionOf(*op, reduce::DataType::kFloat32).status().code(),
            StatusCode::kInvalidArgument);

  const auto on_device = comm->CreatePreMulSum(&factor, ncclFloat32, ncclScalarDevice);
  EXPECT_EQ(comm->ReductionOf(*on_device, reduce::DataType::kFloat32)->device_scalar, &factor);

  EXPECT_EQ(comm->DestroyOp(*op), OkStatus());
  EXPECT_EQ(comm->DestroyOp(*op).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(comm->DestroyOp(ncclSum).code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(comm->CreatePreMulSum(nullptr, ncclFloat32, ncclScalarDevice).ok());
  EXPECT_FALSE(comm->CreatePreMulSum(&factor, ncclNumTypes, ncclScalarDevice).ok());
  EXPECT_FALSE(
      comm->CreatePreMulSum(&factor, ncclFloat32, static_cast<ncclScalarResidence_t>(2)).ok());
}

TEST(CommTest, RegistrationsAreOfOneCommunicator) {
  Record record;
  const auto comm = ReadyComm("a", record);
  void* const handle = comm->Register();
  EXPECT_NE(handle, nullptr);
  EXPECT_EQ(comm->Deregister(handle), OkStatus());
  EXPECT_EQ(comm->Deregister(handle).code(), StatusCode::kInvalidArgument);
}

TEST(HandlesTest, NullWildAndStaleHandlesAreNone) {
  Record record;
  Handles& handles = Handles::Get();
  const ncclComm_t handle = handles.Add(ReadyComm("a", record));
  EXPECT_TRUE(FindComm(handle).ok());
  EXPECT_NE(handles.Remove(handle), nullptr);
  int on_stack = 0;
  const ncclComm_t wrong[] = {nullptr, handle, reinterpret_cast<ncclComm_t>(&on_stack),
                              reinterpret_cast<ncclComm_t>(uintptr_t{1})};
  for (const ncclComm_t one : wrong) {
    EXPECT_EQ(FindComm(one).status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(handles.Remove(one), nullptr);
  }
  EXPECT_NE(handles.Add(ReadyComm("b", record)), handle);
}

TEST(HandlesTest, ForkedChildHasNoneOfItsParents) {
  Record record;
  RecordingTransport* transport = nullptr;
  const auto comm = ReadyComm("a", record, &transport);
  transport->HoldDrain();
  const ncclComm_t handle = Handles::Get().Add(comm);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(20);
    const bool refused = FindComm(handle).status().code() == StatusCode::kFailedPrecondition;
    Handles::Get().Remove(handle)->Close();  // does not wait
    ::_exit(refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(Handles::Get().Remove(handle), nullptr);
}

TEST(LastErrorTest, IsTheProcesssAndStaysForTheThread) {
  NoteError("ncclX", InvalidArgumentError("first"));
  const char* const first = LastError();
  EXPECT_STREQ(first, "ncclX: first");
  std::thread([] {
    NoteError("ncclY", InvalidArgumentError("second"));
    EXPECT_STREQ(LastError(), "ncclY: second");
  }).join();
  EXPECT_STREQ(first, "ncclX: first");
  EXPECT_STREQ(LastError(), "ncclY: second");
}

TEST(BorderTest, NothingThrownGetsOut) {
  EXPECT_EQ(Border("f", []() -> Status { throw std::bad_alloc(); }), ncclSystemError);
  EXPECT_EQ(Border("f", []() -> Status { throw std::runtime_error("x"); }), ncclInternalError);
  EXPECT_EQ(Border("f", []() -> Status { throw 1; }), ncclInternalError);
  EXPECT_EQ(Border("f", []() -> Result<ncclResult_t> { return ncclInProgress; }), ncclInProgress);
}

}  // namespace
}  // namespace flexmig::nccl

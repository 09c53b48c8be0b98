#include "group.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "handles.h"
#include "recording_transport.h"

namespace flexmig::nccl {
namespace {

using device::Operation;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

int buffer[64];

GroupedOperation AllReduce(std::shared_ptr<Comm> comm, size_t count, uintptr_t stream) {
  Operation operation;
  operation.send = operation.receive = buffer;
  operation.count = count;
  return {std::move(comm), operation, cuda::Stream{stream}};
}

GroupedOperation Send(std::shared_ptr<Comm> comm, int peer, size_t count, uintptr_t stream) {
  Operation operation;
  operation.kind = Operation::Kind::kExchange;
  operation.transfers.push_back(
      coll::Transfer::Send(buffer, count, reduce::DataType::kInt32, peer));
  return {std::move(comm), operation, cuda::Stream{stream}};
}

GroupedOperation Receive(std::shared_ptr<Comm> comm, int peer, size_t count, uintptr_t stream) {
  GroupedOperation one = Send(std::move(comm), peer, count, stream);
  one.operation.transfers[0].direction = coll::Transfer::Direction::kReceive;
  return one;
}

class GroupTest : public testing::Test {
 protected:
  Group& group_ = Group::OfThisThread();
  Record record_;
};

TEST_F(GroupTest, CallsOutsideOfGroupsRunAtOnce) {
  const auto comm = ReadyComm("a", record_);
  EXPECT_EQ(group_.Add(AllReduce(comm, 5, 7)), OkStatus());
  EXPECT_EQ(group_.Add(Send(comm, 1, 3, 8)), OkStatus());
  EXPECT_THAT(record_.Lines(), ElementsAre("a: AllReduce 5 @7", "a: SendRecv >1:3 @8"));
}

TEST_F(GroupTest, NothingRunsBeforeTheOutermostEnd) {
  const auto comm = ReadyComm("a", record_);
  group_.Start();
  EXPECT_EQ(group_.Add(AllReduce(comm, 1, 7)), OkStatus());
  group_.Start();
  EXPECT_EQ(group_.Add(AllReduce(comm, 2, 7)), OkStatus());
  EXPECT_TRUE(group_.End().ok());
  EXPECT_THAT(record_.Lines(), IsEmpty());
  EXPECT_TRUE(group_.End().ok());
  EXPECT_THAT(record_.Lines(), ElementsAre("a: AllReduce 1 @7", "a: AllReduce 2 @7"));
  EXPECT_EQ(group_.End().status().code(), StatusCode::kFailedPrecondition);
}

// Whatever order a rank calls them in.
TEST_F(GroupTest, OrderIsThatOfTheLineagesCollectivesFirst) {
  const auto a = ReadyComm("a", record_);
  const auto b = ReadyComm("b", record_);
  group_.Start();
  EXPECT_EQ(group_.Add(Send(b, 1, 1, 7)), OkStatus());
  EXPECT_EQ(group_.Add(AllReduce(b, 2, 7)), OkStatus());
  EXPECT_EQ(group_.Add(Receive(b, 2, 3, 7)), OkStatus());
  EXPECT_EQ(group_.Add(AllReduce(a, 4, 7)), OkStatus());
  EXPECT_EQ(group_.Add(AllReduce(b, 5, 7)), OkStatus());
  EXPECT_TRUE(group_.End().ok());
  EXPECT_THAT(record_.Lines(), ElementsAre("a: AllReduce 4 @7", "b: AllReduce 2 @7",
                                           "b: AllReduce 5 @7", "b: SendRecv >1:1 <2:3 @7"));
}

TEST_F(GroupTest, TransfersInSeveralStreamsAreOneExchangeThatAllOfThemWaitFor) {
  const auto comm = ReadyComm("a", record_);
  group_.Start();
  EXPECT_EQ(group_.Add(Send(comm, 1, 1, 7)), OkStatus());
  EXPECT_EQ(group_.Add(Receive(comm, 1, 2, 8)), OkStatus());
  EXPECT_TRUE(group_.End().ok());
  EXPECT_THAT(record_.Lines(),
              ElementsAre("a: SendRecv @8", "a: SendRecv >1:1 <1:2 @7", "a: SendRecv @8"));
}

TEST_F(GroupTest, FailedCallFailsTheGroupAndNothingIsDone) {
  const auto comm = ReadyComm("a", record_);
  group_.Start();
  EXPECT_EQ(group_.Add(AllReduce(comm, 1, 7)), OkStatus());
  group_.Fail(InvalidArgumentError("the second call was wrong"));
  group_.Fail(InternalError("a later one"));
  const auto ended = group_.End();
  EXPECT_EQ(ended.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(ended.status().message(), HasSubstr("the second call was wrong"));
  EXPECT_THAT(record_.Lines(), IsEmpty());
  // And the next group is a new one.
  group_.Start();
  EXPECT_TRUE(group_.End().ok());
}

TEST_F(GroupTest, DeadMemberIsFoundBeforeAnythingIsEnqueued) {
  RecordingTransport* transport = nullptr;
  const auto a = ReadyComm("a", record_);
  const auto b = ReadyComm("b", record_, &transport);
  group_.Start();
  EXPECT_EQ(group_.Add(AllReduce(a, 1, 7)), OkStatus());
  EXPECT_EQ(group_.Add(AllReduce(b, 1, 7)), OkStatus());
  transport->Die(AbortedError("rank 3 was killed"));
  const auto ended = group_.End();
  EXPECT_EQ(ended.status().code(), StatusCode::kAborted);
  EXPECT_THAT(ended.status().message(), HasSubstr("rank 3 was killed"));
  EXPECT_THAT(record_.Lines(), IsEmpty());
}

TEST_F(GroupTest, MessagesToItselfHaveToMeetInTheGroup) {
  const auto comm = ReadyComm("a", record_);
  EXPECT_EQ(group_.Add(Send(comm, 0, 1, 7)).code(), StatusCode::kFailedPrecondition);
  group_.Start();
  EXPECT_EQ(group_.Add(Send(comm, 0, 1, 7)), OkStatus());
  EXPECT_EQ(group_.Add(Receive(comm, 0, 2, 7)), OkStatus());
  EXPECT_EQ(group_.End().status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(record_.Lines(), IsEmpty());
}

TEST_F(GroupTest, GroupsAreOfTheirThread) {
  const auto comm = ReadyComm("a", record_);
  group_.Start();
  std::thread([&] {
    EXPECT_FALSE(Group::OfThisThread().is_open());
    EXPECT_EQ(Group::OfThisThread().Add(AllReduce(comm, 9, 1)), OkStatus());
  }).join();
  EXPECT_THAT(record_.Lines(), ElementsAre("a: AllReduce 9 @1"));
  EXPECT_TRUE(group_.End().ok());
}

TEST_F(GroupTest, DroppedGroupIsNotDone) {
  const auto comm = ReadyComm("a", record_);
  group_.Start();
  EXPECT_EQ(group_.Add(AllReduce(comm, 1, 7)), OkStatus());
  EXPECT_EQ(group_.Drop(), OkStatus());
  EXPECT_FALSE(group_.is_open());
  EXPECT_THAT(record_.Lines(), IsEmpty());
  EXPECT_EQ(group_.Drop().code(), StatusCode::kFailedPrecondition);
}

class CommJobsTest : public GroupTest {
 protected:
  // A job that ends when all of `together` such jobs run, or after 20 s with an error.
  CommJob Job(ncclComm_t* out, bool blocking, int together) {
    CommJob job;
    job.blocking = blocking;
    job.out = out;
    job.comm = std::make_shared<Comm>(Config{blocking, ""}, Settings{}, "job", -1, -1, 0);
    job.handle = Handles::Get().Add(job.comm);
    *out = job.handle;
    job.make = [this, together]() -> Result<MadeTransport> {
      ++running_;
      const Deadline deadline = Deadline::After(std::chrono::seconds(20));
      while (running_ < together) {
        if (deadline.HasPassed()) return DeadlineExceededError("the others do not run");
        std::this_thread::yield();
      }
      return MadeTransport{std::make_unique<RecordingTransport>("job", record_, 0, 2), Home{}};
    };
    return job;
  }

  std::atomic<int> running_{0};
};

TEST_F(CommJobsTest, JobsOfAGroupRunTogether) {
  ncclComm_t comms[3] = {};
  group_.Start();
  for (ncclComm_t& comm : comms) EXPECT_TRUE(group_.Add(Job(&comm, true, 3)).ok());
  EXPECT_EQ(running_, 0);
  EXPECT_TRUE(group_.End().ok());
  for (const ncclComm_t comm : comms) {
    ASSERT_NE(Handles::Get().Find(comm), nullptr);
    EXPECT_EQ(Handles::Get().Remove(comm)->Usable(), OkStatus());
  }
}

TEST_F(CommJobsTest, FailedOneLeavesANullCommunicator) {
  ncclComm_t good = nullptr;
  ncclComm_t bad = nullptr;
  CommJob failing = Job(&bad, true, 1);
  failing.make = []() -> Result<MadeTransport> { return PermissionDeniedError("not with me"); };
  const ncclComm_t handle = bad;
  group_.Start();
  EXPECT_TRUE(group_.Add(Job(&good, true, 1)).ok());
  EXPECT_TRUE(group_.Add(std::move(failing)).ok());
  EXPECT_EQ(group_.End().status().code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(bad, nullptr);
  EXPECT_EQ(Handles::Get().Find(handle), nullptr);
  EXPECT_NE(Handles::Get().Remove(good), nullptr);
}

TEST_F(CommJobsTest, ThrowingJobIsAFailedOne) {
  ncclComm_t out = nullptr;
  CommJob job = Job(&out, true, 1);
  job.make = []() -> Result<MadeTransport> { throw std::bad_alloc(); };
  EXPECT_EQ(group_.Add(std::move(job)).status().code(), StatusCode::kResourceExhausted);
}

TEST_F(CommJobsTest, NonBlockingOneIsInProgressUntilItEnds) {
  ncclComm_t out = nullptr;
  const auto result = group_.Add(Job(&out, false, 2));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(*result, ncclInProgress);
  const auto comm = Handles::Get().Find(out);
  std::string why;
  EXPECT_EQ(comm->AsyncResult(why), ncclInProgress);
  EXPECT_EQ(comm->Usable().code(), StatusCode::kInvalidArgument);
  ++running_;  // lets it end
  const Deadline deadline = Deadline::After(std::chrono::seconds(20));
  while (comm->AsyncResult(why) == ncclInProgress && !deadline.HasPassed()) {
    std::this_thread::yield();
  }
  EXPECT_EQ(comm->AsyncResult(why), ncclSuccess);
  EXPECT_EQ(comm->Usable(), OkStatus());
  EXPECT_EQ(comm->world_size(), 2);
  EXPECT_NE(Handles::Get().Remove(out), nullptr);
}

// Its handle stays, so that the caller can ask why.
TEST_F(CommJobsTest, NonBlockingOneThatFailsTellsWhy) {
  ncclComm_t out = nullptr;
  CommJob job = Job(&out, false, 1);
  job.make = []() -> Result<MadeTransport> { return DeadlineExceededError("rank 1 did not come"); };
  EXPECT_TRUE(group_.Add(std::move(job)).ok());
  const auto comm = Handles::Get().Find(out);
  ASSERT_NE(comm, nullptr);
  std::string why;
  const Deadline deadline = Deadline::After(std::chrono::seconds(20));
  while (comm->AsyncResult(why) == ncclInProgress && !deadline.HasPassed()) {
    std::this_thread::yield();
  }
  EXPECT_EQ(comm->AsyncResult(why), ncclSystemError);
  EXPECT_EQ(why, "rank 1 did not come");
  EXPECT_NE(Handles::Get().Remove(out), nullptr);
}

}  // namespace
}  // namespace flexmig::nccl

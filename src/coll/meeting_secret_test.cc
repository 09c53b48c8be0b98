#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "flexmig/base/process.h"
#include "flexmig/base/random.h"
#include "flexmig/base/version.h"

#include "local_socket.h"
#include "meeting.h"

// Ranks that have a secret, and processes of the same user that know the meeting's name but not it.
namespace flexmig::coll {
namespace {

using Created = Result<std::unique_ptr<Communicator>>;
using testing::HasSubstr;

std::vector<CommunicatorOptions> WorldWithSecret(int world_size) {
  CommunicatorOptions options;
  options.rendezvous = RandomHex(16);
  options.secret = RandomHex(12);
  options.world_size = world_size;
  options.connect_timeout = options.timeout = std::chrono::seconds(30);
  std::vector<CommunicatorOptions> world;
  for (int rank = 0; rank < world_size; ++rank) {
    options.rank = Rank(rank);
    world.push_back(options);
  }
  return world;
}

UniqueFd Connect(const CommunicatorOptions& options) {
  const Deadline deadline = Deadline::After(std::chrono::seconds(30));
  while (!deadline.HasPassed()) {
    auto socket = ConnectLocal(MeetingAddress(options.rendezvous));
    if (socket.ok()) return *std::move(socket);
    std::this_thread::yield();
  }
  ADD_FAILURE() << "nobody listens";
  return {};
}

Hello ValidHello(const CommunicatorOptions& options) {
  Hello hello;
  hello.rank = options.rank.value();
  hello.world_size = options.world_size;
  Version().copy(hello.version, sizeof hello.version - 1);
  return hello;
}

void SendHello(const UniqueFd& socket, const Hello& hello) {
  const auto pidfd = OpenPidFd(::getpid());
  const int descriptors[] = {pidfd->get()};
  EXPECT_EQ(SendPacket(socket, &hello, sizeof hello, descriptors), OkStatus());
}

Notice Receive(const UniqueFd& socket) {
  Notice notice;
  const int fds[] = {socket.get()};
  EXPECT_TRUE(AwaitReadable(fds, Deadline::After(std::chrono::seconds(30))));
  EXPECT_TRUE(ReceivePacket(socket, &notice, sizeof notice).ok());
  return notice;
}

TEST(MeetingSecretTest, RanksThatShareASecretMeetAndSplit) {
  const auto world = WorldWithSecret(4);
  std::vector<std::thread> threads;
  threads.reserve(world.size());
  for (const CommunicatorOptions& options : world) {
    threads.emplace_back([&options] {
      const Created created = Communicator::Create(options);
      ASSERT_TRUE(created.ok()) << created.status().ToString();
      const auto half = (*created)->Split(options.rank.value() % 2, 0);
      ASSERT_TRUE(half.ok()) << half.status().ToString();
      EXPECT_EQ((*half)->Barrier(), OkStatus());
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(MeetingSecretTest, WhoDoesNotKnowItIsTurnedAwayAndChangesNothing) {
  const auto world = WorldWithSecret(2);
  Created host = InternalError("not run");
  std::thread rank0([&] { host = Communicator::Create(world[0]); });
  for (const char* const wrong : {"", "guess"}) {
    CommunicatorOptions stranger = world[1];
    stranger.secret = wrong;
    const Created refused = Communicator::Create(stranger);
    EXPECT_EQ(refused.status().code(), StatusCode::kPermissionDenied) << wrong;
    EXPECT_THAT(refused.status().message(), HasSubstr("secret"));
  }
  // One that hears the challenge and hands it back as its own proof, and one that sends something
  // else than a proof.
  for (const NoticeKind kind : {NoticeKind::kProof, NoticeKind::kReady}) {
    const UniqueFd socket = Connect(world[0]);
    SendHello(socket, ValidHello(world[1]));
    Notice answer = Receive(socket);
    EXPECT_EQ(answer.kind, NoticeKind::kChallenge);
    answer.kind = kind;
    EXPECT_EQ(SendPacket(socket, &answer, sizeof answer), OkStatus());
    const Notice refusal = Receive(socket);
    EXPECT_EQ(refusal.kind, NoticeKind::kRefused);
    EXPECT_EQ(StatusOf(refusal).code(), StatusCode::kPermissionDenied);
  }
  // One that says hello and nothing more; it cannot take the rank.
  const UniqueFd silent = Connect(world[0]);
  SendHello(silent, ValidHello(world[1]));
  const Created guest = Communicator::Create(world[1]);
  EXPECT_TRUE(guest.ok()) << guest.status().ToString();
  rank0.join();
  EXPECT_TRUE(host.ok()) << host.status().ToString();
}

// A proof is of one connection: the same Hello gets another challenge.
TEST(MeetingSecretTest, ProofOfOneConnectionIsNoneForAnother) {
  const auto world = WorldWithSecret(2);
  const Hello hello = ValidHello(world[1]);
  std::thread stranger([&] {
    const UniqueFd first = Connect(world[0]);
    SendHello(first, hello);
    const Notice challenge = Receive(first);
    Notice proof;
    proof.kind = NoticeKind::kProof;
    proof.proof =
        ProofOf(MeetingSide::kGuest, world[1], hello, {challenge.nonce, sizeof challenge.nonce});
    const UniqueFd second = Connect(world[0]);
    SendHello(second, hello);
    EXPECT_EQ(Receive(second).kind, NoticeKind::kChallenge);
    EXPECT_EQ(SendPacket(second, &proof, sizeof proof), OkStatus());
    EXPECT_EQ(Receive(second).kind, NoticeKind::kRefused);
    // Where it belongs it is accepted, and rank 1 is here; who then ends is named.
    EXPECT_EQ(SendPacket(first, &proof, sizeof proof), OkStatus());
    EXPECT_EQ(Receive(first).kind, NoticeKind::kMissing);
  });
  const Created host = Communicator::Create(world[0]);
  EXPECT_EQ(host.status().code(), StatusCode::kAborted) << host.status().ToString();
  stranger.join();
}

// A process that has taken the name before rank 0 could: it answers with a guess, with what it was
// sent itself, or goes on as if there were no secret.
TEST(MeetingSecretTest, GuestRefusesAHostThatDoesNotKnowIt) {
  for (const NoticeKind kind : {NoticeKind::kChallenge, NoticeKind::kWelcome}) {
    const auto world = WorldWithSecret(2);
    const auto listener = ListenLocal(MeetingAddress(world[0].rendezvous));
    ASSERT_TRUE(listener.ok());
    std::thread impostor([&] {
      const int fds[] = {listener->get()};
      ASSERT_TRUE(AwaitReadable(fds, Deadline::After(std::chrono::seconds(30))));
      const auto socket = AcceptLocal(*listener);
      ASSERT_TRUE(socket.ok());
      Notice notice;
      notice.kind = kind;
      EXPECT_EQ(SendPacket(*socket, &notice, sizeof notice), OkStatus());
    });
    const Created guest = Communicator::Create(world[1]);
    EXPECT_EQ(guest.status().code(), StatusCode::kPermissionDenied);
    EXPECT_THAT(guest.status().message(), HasSubstr("secret"));
    impostor.join();
  }
}

TEST(MeetingSecretTest, ProofsDifferBySideNonceAndRank) {
  const auto world = WorldWithSecret(2);
  const Hello hello = ValidHello(world[1]);
  const auto of_host = ProofOf(MeetingSide::kHost, world[0], hello, "nonce");
  EXPECT_NE(of_host, ProofOf(MeetingSide::kGuest, world[0], hello, "nonce"));
  EXPECT_NE(of_host, ProofOf(MeetingSide::kHost, world[0], hello, "other"));
  Hello other_rank = hello;
  other_rank.rank = 0;
  EXPECT_NE(of_host, ProofOf(MeetingSide::kHost, world[0], other_rank, "nonce"));
}

TEST(MeetingInterruptTest, WaitForOthersEndsWithTheReason) {
  for (const int rank : {0, 1}) {
    auto world = WorldWithSecret(2);
    std::atomic<bool> stop{false};
    world[static_cast<size_t>(rank)].interrupted = [&stop]() -> Status {
      return stop ? AbortedError("not wanted any more") : OkStatus();
    };
    std::thread stopper([&stop] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      stop = true;
    });
    const auto begin = std::chrono::steady_clock::now();
    const Created created = Communicator::Create(world[static_cast<size_t>(rank)]);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
    EXPECT_EQ(created.status().code(), StatusCode::kAborted);
    EXPECT_THAT(created.status().message(), HasSubstr("not wanted any more"));
    stopper.join();
  }
}

}  // namespace
}  // namespace flexmig::coll

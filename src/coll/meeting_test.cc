#include "meeting.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/process.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/base/version.h"
#include "flexmig/shm/segment_layout.h"

#include "local_socket.h"

// The meeting of ranks that are threads, and the strangers who come to it.
namespace flexmig::coll {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;

using Created = Result<std::unique_ptr<Communicator>>;

CommunicatorOptions Options(const std::string& rendezvous, int rank, int world_size) {
  CommunicatorOptions options;
  options.rendezvous = rendezvous;
  options.rank = Rank(rank);
  options.world_size = world_size;
  options.connect_timeout = std::chrono::seconds(30);
  options.timeout = std::chrono::seconds(30);
  return options;
}

// Creates the communicators of all `options` at once, each in its own thread.
std::vector<Created> CreateAll(const std::vector<CommunicatorOptions>& all) {
  std::vector<Created> created;
  for (size_t i = 0; i < all.size(); ++i) created.emplace_back(InternalError("not run"));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < all.size(); ++i) {
    threads.emplace_back([&, i] { created[i] = Communicator::Create(all[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  return created;
}

std::vector<CommunicatorOptions> WholeWorld(int world_size) {
  const std::string rendezvous = RandomHex(16);
  std::vector<CommunicatorOptions> all;
  all.reserve(static_cast<size_t>(world_size));
  for (int rank = 0; rank < world_size; ++rank) {
    all.push_back(Options(rendezvous, rank, world_size));
  }
  return all;
}

void ExpectError(const Created& created, StatusCode code,
                 const testing::Matcher<const std::string&>& message) {
  ASSERT_FALSE(created.ok());
  EXPECT_EQ(created.status().code(), code) << created.status().ToString();
  EXPECT_THAT(created.status().message(), message);
}

UniqueFd Connect(const std::string& rendezvous) {
  const Deadline deadline = Deadline::After(std::chrono::seconds(30));
  for (;;) {
    auto socket = ConnectLocal(MeetingAddress(rendezvous));
    if (socket.ok()) return *std::move(socket);
    if (deadline.HasPassed()) {
      ADD_FAILURE() << socket.status().ToString();
      return {};
    }
    std::this_thread::yield();
  }
}

void SendHello(const UniqueFd& socket, const Hello& hello) {
  const auto pidfd = OpenPidFd(::getpid());
  const int descriptors[] = {pidfd->get()};
  EXPECT_EQ(SendPacket(socket, &hello, sizeof hello, descriptors), OkStatus());
}

Hello ValidHello(int rank, int world_size) {
  Hello hello;
  hello.rank = rank;
  hello.world_size = world_size;
  Version().copy(hello.version, sizeof hello.version - 1);
  return hello;
}

// The first notice that is not kMissing.
Notice AwaitNotice(const UniqueFd& socket) {
  const int fds[] = {socket.get()};
  Notice notice;
  while (AwaitReadable(fds, Deadline::After(std::chrono::seconds(30)))) {
    const auto packet = ReceivePacket(socket, &notice, sizeof notice);
    if (!packet.ok()) {
      ADD_FAILURE() << packet.status().ToString();
      break;
    }
    if (notice.kind != NoticeKind::kMissing) break;
  }
  return notice;
}

TEST(MeetingTest, RanksMeetAndCommunicate) {
  for (const int world_size : {1, 2, 5, 16}) {
    auto created = CreateAll(WholeWorld(world_size));
    std::vector<std::thread> threads;
    for (Created& one : created) {
      ASSERT_TRUE(one.ok()) << one.status().ToString();
      threads.emplace_back([communicator = one->get(), world_size] {
        std::vector<int32_t> data{communicator->rank() + 1};
        EXPECT_EQ(communicator->AllReduce(std::span(data), ReduceOp::kSum), OkStatus());
        EXPECT_EQ(data[0], world_size * (world_size + 1) / 2);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

// A rank may be done with one communicator while another still sets it up.
TEST(MeetingTest, NameCanBeUsedAgainAtOnce) {
  const auto world = WholeWorld(3);
  std::vector<std::thread> threads;
  threads.reserve(world.size());
  for (const CommunicatorOptions& options : world) {
    threads.emplace_back([&options] {
      for (int round = 0; round < 20; ++round) {
        const Created created = Communicator::Create(options);
        ASSERT_TRUE(created.ok()) << round << ": " << created.status().ToString();
        ASSERT_EQ((*created)->Barrier(), OkStatus()) << round;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(MeetingTest, MissingRanksAreNamedToAllWhoCame) {
  auto world = WholeWorld(4);
  for (auto& options : world) options.connect_timeout = milliseconds(300);
  const auto begin = std::chrono::steady_clock::now();
  const auto created = CreateAll({world[0], world[2]});
  const auto took = std::chrono::steady_clock::now() - begin;
  for (const Created& one : created) {
    ExpectError(
        one, StatusCode::kDeadlineExceeded,
        AllOf(HasSubstr("ranks 1, 3 did not come within 300 ms"), HasSubstr(world[0].rendezvous)));
  }
  EXPECT_GE(took, milliseconds(290));
  EXPECT_LT(took, milliseconds(5000));
}

// The guest's patience ends first: it still knows from rank 0 who is missing.
TEST(MeetingTest, GuestThatGivesUpFirstNamesTheMissing) {
  auto world = WholeWorld(3);
  world[1].connect_timeout = milliseconds(200);
  const auto created = CreateAll({world[0], world[1]});
  ExpectError(created[1], StatusCode::kDeadlineExceeded, HasSubstr("rank 2 did not come"));
  ExpectError(created[0], StatusCode::kDeadlineExceeded,
              AllOf(HasSubstr("rank 1 (process"), HasSubstr("rank 2 did not come")));
}

TEST(MeetingTest, AbsentHostIsNamed) {
  auto world = WholeWorld(3);
  for (auto& options : world) options.connect_timeout = milliseconds(100);
  for (const Created& one : CreateAll({world[1], world[2]})) {
    ExpectError(one, StatusCode::kDeadlineExceeded, HasSubstr("rank 0 did not come within 100 ms"));
  }
}

// Only the ranks that the meeting cannot fail without: another one may come when it has failed
// already, and would wait in vain.
TEST(MeetingTest, RankTakenTwiceIsRefusedToAll) {
  const auto world = WholeWorld(3);
  const std::vector<CommunicatorOptions> cases[] = {{world[0], world[0]},
                                                    {world[0], world[1], world[1]}};
  for (const auto& came : cases) {
    const int twice = came.back().rank.value();
    for (const Created& one : CreateAll(came)) {
      ExpectError(one, StatusCode::kInvalidArgument,
                  AllOf(HasSubstr(StrCat("rank ", twice, " is taken twice")),
                        HasSubstr(StrCat("process ", ::getpid()))));
    }
  }
}

TEST(MeetingTest, LeafTakenTwiceIsRefusedToAll) {
  auto world = WholeWorld(3);
  world[0].leaf = "MIG-a";
  world[1].leaf = "MIG-b";
  world[2].leaf = "MIG-a";
  for (const Created& one : CreateAll({world[0], world[2]})) {
    ExpectError(one, StatusCode::kInvalidArgument,
                AllOf(HasSubstr("leaf MIG-a is taken twice"), HasSubstr("by rank 0 (process"),
                      HasSubstr("by rank 2")));
  }
}

TEST(MeetingTest, DifferentWorldSizesAreNamed) {
  auto world = WholeWorld(3);
  world[1].world_size = 4;
  for (const Created& one : CreateAll({world[0], world[1]})) {
    ExpectError(one, StatusCode::kInvalidArgument,
                AllOf(HasSubstr("rank 0 has world size 3"), HasSubstr("rank 1 has world size 4")));
  }
}

TEST(MeetingTest, RankBeyondTheWorldIsRefused) {
  const auto world = WholeWorld(2);
  std::thread stranger([&] {
    const UniqueFd socket = Connect(world[0].rendezvous);
    SendHello(socket, ValidHello(2, 2));
    EXPECT_EQ(AwaitNotice(socket).kind, NoticeKind::kRefused);
  });
  ExpectError(Communicator::Create(world[0]), StatusCode::kInvalidArgument,
              HasSubstr("rank 2 is not below the world size 2"));
  stranger.join();
}

TEST(MeetingTest, RanksThatDifferInTheirChunksAreNamedOnBoth) {
  auto world = WholeWorld(2);
  world[1].chunk_bytes = 1 << 20;
  for (const Created& one : CreateAll(world)) {
    ExpectError(one, StatusCode::kInvalidArgument,
                HasSubstr("rank 0 has chunk_bytes 0, rank 1 has chunk_bytes 1048576"));
  }
}

TEST(MeetingTest, ChunksOfOtherSizesAreRefused) {
  for (const size_t bytes : {size_t{1}, size_t{4} << 10, (size_t{8} << 20), (64 << 10) + size_t{1},
                             (size_t{1} << 32) + (64 << 10)}) {
    auto world = WholeWorld(1);
    world[0].chunk_bytes = bytes;
    ExpectError(Communicator::Create(world[0]), StatusCode::kInvalidArgument,
                HasSubstr(StrCat("chunk_bytes of ", bytes, " is not between 8 KiB and 4 MiB")));
  }
}

TEST(MeetingVersionTest, OtherVersionIsRefusedOnBothSides) {
  const struct {
    const char* expected;
    std::function<void(Hello&)> change;
  } cases[] = {
      {"rank 1 version 99.1.2", [](Hello& hello) { StrCat("99.1.2").copy(hello.version, 7); }},
      {"another rank protocol 7", [](Hello& hello) { hello.protocol = 7; }},
  };
  for (const auto& c : cases) {
    const auto world = WholeWorld(2);
    std::thread other([&] {
      Hello hello = ValidHello(1, 2);
      std::fill(std::begin(hello.version), std::end(hello.version), '\0');
      Version().copy(hello.version, sizeof hello.version - 1);
      c.change(hello);
      const UniqueFd socket = Connect(world[0].rendezvous);
      SendHello(socket, hello);
      const Notice notice = AwaitNotice(socket);
      EXPECT_EQ(notice.kind, NoticeKind::kRefused);
      EXPECT_EQ(StatusOf(notice).code(), StatusCode::kInvalidArgument);
      EXPECT_THAT(StatusOf(notice).message(), HasSubstr(c.expected));
    });
    ExpectError(Communicator::Create(world[0]), StatusCode::kInvalidArgument,
                AllOf(HasSubstr(c.expected), HasSubstr(StrCat("version ", Version()))));
    other.join();
  }
}

// A host of another version, and somebody else's server under our name.
TEST(MeetingVersionTest, GuestRefusesAHostThatItDoesNotUnderstand) {
  Notice other_protocol;
  other_protocol.protocol = 9;
  Notice no_magic;
  no_magic.magic = 1;
  const struct {
    const Notice& notice;
    const char* expected;
  } cases[] = {{other_protocol, "it speaks protocol 9"}, {no_magic, "no rank 0 of Flex-MIG"}};
  for (const auto& c : cases) {
    const auto world = WholeWorld(2);
    const auto listener = ListenLocal(MeetingAddress(world[0].rendezvous));
    ASSERT_TRUE(listener.ok());
    std::thread host([&] {
      const int fds[] = {listener->get()};
      ASSERT_TRUE(AwaitReadable(fds, Deadline::After(std::chrono::seconds(30))));
      const auto socket = AcceptLocal(*listener);
      ASSERT_TRUE(socket.ok());
      EXPECT_EQ(SendPacket(*socket, &c.notice, sizeof c.notice), OkStatus());
    });
    ExpectError(Communicator::Create(world[1]), StatusCode::kInvalidArgument,
                HasSubstr(c.expected));
    host.join();
  }
}

// Connections that say nothing, nonsense, half a hello, a hello without a descriptor, or close.
TEST(MeetingStrangerTest, StrangersNeitherEndNorDelayTheMeeting) {
  const auto world = WholeWorld(2);
  Created host = InternalError("not run");
  std::thread rank0([&] { host = Communicator::Create(world[0]); });
  std::vector<UniqueFd> strangers;
  strangers.reserve(300);
  for (int i = 0; i < 300; ++i) strangers.push_back(Connect(world[0].rendezvous));
  const Hello hello = ValidHello(1, 2);
  EXPECT_EQ(SendPacket(strangers[290], "nonsense", 8), OkStatus());
  EXPECT_EQ(SendPacket(strangers[291], &hello, 4), OkStatus());
  EXPECT_EQ(SendPacket(strangers[292], &hello, sizeof hello - 1), OkStatus());
  EXPECT_EQ(SendPacket(strangers[293], &hello, sizeof hello), OkStatus());
  strangers[294].Reset();
  const Created guest = Communicator::Create(world[1]);
  EXPECT_TRUE(guest.ok()) << guest.status().ToString();
  rank0.join();
  EXPECT_TRUE(host.ok()) << host.status().ToString();
}

TEST(MeetingStrangerTest, GuestThatEndsDuringTheMeetingIsNamed) {
  const auto world = WholeWorld(3);
  std::thread guest([&] {
    const UniqueFd socket = Connect(world[0].rendezvous);
    SendHello(socket, ValidHello(2, 3));
  });
  ExpectError(Communicator::Create(world[0]), StatusCode::kAborted,
              AllOf(HasSubstr("rank 2 (process"), HasSubstr("while the ranks met")));
  guest.join();
}

TEST(MeetingStrangerTest, GuestThatDoesNotGetReadyIsNamed) {
  auto world = WholeWorld(2);
  world[0].connect_timeout = milliseconds(200);
  UniqueFd socket;
  std::thread guest([&] {
    socket = Connect(world[0].rendezvous);
    SendHello(socket, ValidHello(1, 2));
  });
  ExpectError(Communicator::Create(world[0]), StatusCode::kDeadlineExceeded,
              HasSubstr("rank 1 did not map the memory"));
  guest.join();
}

TEST(MeetingStrangerTest, ErrorOfOneGuestReachesTheHost) {
  const auto world = WholeWorld(2);
  std::thread guest([&] {
    const UniqueFd socket = Connect(world[0].rendezvous);
    SendHello(socket, ValidHello(1, 2));
    EXPECT_EQ(AwaitNotice(socket).kind, NoticeKind::kWelcome);
    const Notice failed = NoticeOf(NoticeKind::kReady, ResourceExhaustedError("no address space"));
    EXPECT_EQ(SendPacket(socket, &failed, sizeof failed), OkStatus());
    EXPECT_EQ(StatusOf(AwaitNotice(socket)).code(), StatusCode::kResourceExhausted);
  });
  ExpectError(Communicator::Create(world[0]), StatusCode::kResourceExhausted,
              AllOf(HasSubstr("rank 1 (process"), HasSubstr("no address space")));
  guest.join();
}

// Another user's process comes as a guest, then answers as host. Needs root to become one.
TEST(MeetingUserTest, OtherUsersAreRefusedOnBothSides) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to run a process of another user";
  const auto hosted = WholeWorld(2);
  const auto squatted = WholeWorld(2);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(60);
    if (::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    const auto listener = ListenLocal(MeetingAddress(squatted[0].rendezvous));
    const Created refused = Communicator::Create(hosted[1]);
    const bool right = refused.status().code() == StatusCode::kPermissionDenied;
    const int fds[] = {listener->get()};
    const bool asked = AwaitReadable(fds, Deadline::After(std::chrono::seconds(30)));
    ::_exit(right && asked ? 0 : 1);
  }
  // Ours meet in spite of the other's attempt.
  Created host = InternalError("not run");
  std::thread rank0([&] { host = Communicator::Create(hosted[0]); });
  ExpectError(Communicator::Create(squatted[1]), StatusCode::kPermissionDenied,
              HasSubstr("of user 65534 answers as rank 0"));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  const Created guest = Communicator::Create(hosted[1]);
  EXPECT_TRUE(guest.ok()) << guest.status().ToString();
  rank0.join();
  EXPECT_TRUE(host.ok()) << host.status().ToString();
}

TEST(OptionsTest, EveryBadOptionIsInvalidArgument) {
  const std::function<void(CommunicatorOptions&)> changes[] = {
      [](auto& o) { o.world_size = 0; },
      [](auto& o) { o.world_size = shm::kMaxWorldSize + 1; },
      [](auto& o) { o.rank = Rank(-1); },
      [](auto& o) { o.rank = Rank(2); },
      [](auto& o) { o.rendezvous = ""; },
      [](auto& o) { o.rendezvous = std::string(65, 'a'); },
      [](auto& o) { o.rendezvous = "a b"; },
      [](auto& o) { o.leaf = std::string(128, 'a'); },
      [](auto& o) { o.leaf = std::string("a\0b", 3); },
      [](auto& o) { o.secret = std::string(129, 'a'); },
      [](auto& o) { o.timeout = milliseconds(0); },
      [](auto& o) { o.timeout = milliseconds::max(); },
      [](auto& o) { o.connect_timeout = milliseconds(-1); },
      [](auto& o) { o.connect_timeout = milliseconds::max(); },
  };
  for (const auto& change : changes) {
    CommunicatorOptions options = Options("name", 1, 2);
    change(options);
    EXPECT_EQ(Communicator::Create(options).status().code(), StatusCode::kInvalidArgument)
        << &change - changes;
  }
}

class FromEnvironmentTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : kNames) ::unsetenv(name);
  }
  void TearDown() override { SetUp(); }
  static void Set(const char* name, const std::string& value) {
    ::setenv(name, value.c_str(), /*overwrite=*/1);
  }
  static void SetJobOfOne() {
    Set("FLEXMIG_JOB_ID", "7");
    Set("FLEXMIG_SEGMENT", RandomHex(16));
    Set("FLEXMIG_LEAVES", "0:MIG-a");
    Set("MASTER_ADDR", "127.0.0.1");
    Set("MASTER_PORT", "29500");
    Set("CUDA_VISIBLE_DEVICES", "MIG-a");
    for (const char* name : {"RANK", "LOCAL_RANK", "GROUP_RANK"}) Set(name, "0");
    for (const char* name : {"WORLD_SIZE", "LOCAL_WORLD_SIZE"}) Set(name, "1");
  }

 private:
  static constexpr const char* kNames[] = {
      "FLEXMIG_JOB_ID", "FLEXMIG_SEGMENT",  "FLEXMIG_LEAVES",
      "MASTER_ADDR",    "MASTER_PORT",      "CUDA_VISIBLE_DEVICES",
      "RANK",           "LOCAL_RANK",       "GROUP_RANK",
      "WORLD_SIZE",     "LOCAL_WORLD_SIZE", "FLEXMIG_TIMEOUT"};
};

TEST_F(FromEnvironmentTest, OutsideAJobIsNotFound) {
  EXPECT_EQ(Communicator::FromEnvironment().status().code(), StatusCode::kNotFound);
}

TEST_F(FromEnvironmentTest, JobOfOneRankNeedsNobody) {
  SetJobOfOne();
  Set("FLEXMIG_TIMEOUT", "2s");
  const Created created = Communicator::FromEnvironment();
  ASSERT_TRUE(created.ok()) << created.status().ToString();
  EXPECT_EQ((*created)->world_size(), 1);
  EXPECT_EQ((*created)->Barrier(), OkStatus());
}

TEST_F(FromEnvironmentTest, BadTimeoutNamesTheVariable) {
  SetJobOfOne();
  Set("FLEXMIG_TIMEOUT", "soon");
  ExpectError(Communicator::FromEnvironment(), StatusCode::kInvalidArgument,
              HasSubstr("FLEXMIG_TIMEOUT"));
}

}  // namespace
}  // namespace flexmig::coll

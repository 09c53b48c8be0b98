#include "unique_id.h"

#include <cstdlib>
#include <cstring>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/sha256.h"

#include "own_address.h"

namespace flexmig::nccl {
namespace {

using testing::HasSubstr;
using testing::Not;

class UniqueIdTest : public testing::Test {
 protected:
  void SetUp() override {
    ::unsetenv("NCCL_COMM_ID");
    ::unsetenv("NCCL_SOCKET_IFNAME");
  }
  void TearDown() override { SetUp(); }
};

ncclUniqueId Made() {
  const auto id = MakeUniqueId();
  EXPECT_TRUE(id.ok()) << id.status().ToString();
  return id.ok() ? *id : ncclUniqueId{};
}

// The id with another content and a right checksum.
ncclUniqueId Sealed(UniqueIdContent content) {
  const std::string_view before(reinterpret_cast<const char*>(&content),
                                offsetof(UniqueIdContent, checksum));
  const Sha256Digest digest = Sha256Of(before);
  std::copy_n(digest.begin(), content.checksum.size(), content.checksum.begin());
  ncclUniqueId id;
  std::memcpy(&id, &content, sizeof id);
  return id;
}

TEST_F(UniqueIdTest, IdsDifferAndTellWhereTheyWereMade) {
  const ncclUniqueId first = Made();
  const ncclUniqueId second = Made();
  EXPECT_NE(std::memcmp(&first, &second, sizeof first), 0);
  const auto content = ParseUniqueId(first);
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->port, 0);  // nobody listens
  EXPECT_TRUE(CheckHost(*content).ok());
  EXPECT_NE(content->secret, ParseUniqueId(second)->secret);
}

TEST_F(UniqueIdTest, EveryDamagedByteIsFound) {
  const ncclUniqueId id = Made();
  for (size_t byte = 0; byte < sizeof id; ++byte) {
    ncclUniqueId damaged = id;
    damaged.internal[byte] = static_cast<char>(damaged.internal[byte] ^ 0x10);
    EXPECT_EQ(ParseUniqueId(damaged).status().code(), StatusCode::kInvalidArgument) << byte;
  }
}

TEST_F(UniqueIdTest, IdsOfAnotherLibraryAreNamed) {
  ncclUniqueId other{};
  EXPECT_THAT(ParseUniqueId(other).status().message(), HasSubstr("ncclGetUniqueId"));
  UniqueIdContent content = *ParseUniqueId(Made());
  content.version = 9;
  EXPECT_THAT(ParseUniqueId(Sealed(content)).status().message(), HasSubstr("version 9"));
}

TEST_F(UniqueIdTest, AnotherHostIsRefusedByName) {
  UniqueIdContent content = *ParseUniqueId(Made());
  content.host[3] ^= 1;
  content.host_name = {};
  std::string("faraway").copy(content.host_name.data(), 7);
  content.address_family = 4;
  content.address = {10, 1, 2, 3};
  const ncclUniqueId id = Sealed(content);
  const auto meeting = MeetingOf({&id, 1});
  EXPECT_EQ(meeting.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(meeting.status().message(), HasSubstr("'faraway' (10.1.2.3)"));
  EXPECT_THAT(meeting.status().message(), HasSubstr("network namespace"));
}

TEST_F(UniqueIdTest, NameOfTheMeetingDoesNotGiveTheSecretAway) {
  const ncclUniqueId id = Made();
  const auto meeting = MeetingOf({&id, 1});
  ASSERT_TRUE(meeting.ok());
  EXPECT_EQ(meeting->rendezvous.size(), 32U);
  EXPECT_EQ(meeting->rendezvous.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(meeting->secret.size(), 32U);
  const auto again = MeetingOf({&id, 1});
  EXPECT_EQ(again->rendezvous, meeting->rendezvous);
  EXPECT_EQ(again->secret, meeting->secret);
  EXPECT_THAT(Sha256(meeting->rendezvous), Not(HasSubstr(meeting->rendezvous)));
}

TEST_F(UniqueIdTest, SeveralIdsMeetOnlyTogetherAndInOrder) {
  const ncclUniqueId ids[] = {Made(), Made()};
  const ncclUniqueId swapped[] = {ids[1], ids[0]};
  std::set<std::string> names = {MeetingOf(ids)->rendezvous, MeetingOf(swapped)->rendezvous,
                                 MeetingOf({ids, 1})->rendezvous,
                                 MeetingOf({ids + 1, 1})->rendezvous};
  EXPECT_EQ(names.size(), 4U);
  ncclUniqueId damaged[] = {ids[0], ids[1]};
  damaged[1].internal[0] = 'x';
  EXPECT_THAT(MeetingOf(damaged).status().message(), HasSubstr("ncclUniqueId 1: "));
}

TEST_F(UniqueIdTest, CommIdGivesEveryRankTheSameId) {
  ::setenv("NCCL_COMM_ID", "127.0.0.1:23456", 1);
  const ncclUniqueId first = Made();
  const ncclUniqueId second = Made();
  EXPECT_EQ(std::memcmp(&first, &second, sizeof first), 0);
  ::setenv("NCCL_COMM_ID", "127.0.0.1:23457", 1);
  const ncclUniqueId other = Made();
  EXPECT_NE(MeetingOf({&first, 1})->rendezvous, MeetingOf({&other, 1})->rendezvous);
  for (const char* const wrong : {"127.0.0.1", ":5", "host:", "host:0", "host:99999", "host:1x"}) {
    ::setenv("NCCL_COMM_ID", wrong, 1);
    EXPECT_EQ(MakeUniqueId().status().code(), StatusCode::kInvalidArgument) << wrong;
  }
}

TEST(OwnAddressTest, PatternsChooseInterfacesAsInNccl) {
  EXPECT_TRUE(AllowsInterface("", "eth0"));
  EXPECT_TRUE(AllowsInterface("eth", "eth0"));
  EXPECT_FALSE(AllowsInterface("eth", "lo"));
  EXPECT_TRUE(AllowsInterface("ib,eth", "eth1"));
  EXPECT_FALSE(AllowsInterface("=eth", "eth0"));
  EXPECT_TRUE(AllowsInterface("=eth0", "eth0"));
  EXPECT_FALSE(AllowsInterface("^docker,lo", "lo"));
  EXPECT_TRUE(AllowsInterface("^docker,lo", "eth0"));
  EXPECT_TRUE(AllowsInterface("^=eth", "eth0"));
  EXPECT_FALSE(AllowsInterface("^=eth0", "eth0"));
}

TEST(OwnAddressTest, InterfaceIsThatOfTheVariable) {
  ::setenv("NCCL_SOCKET_IFNAME", "=lo", 1);
  const OwnAddress own = FindOwnAddress();
  ::setenv("NCCL_SOCKET_IFNAME", "=no-such-interface", 1);
  EXPECT_EQ(FindOwnAddress().family, 0);
  ::unsetenv("NCCL_SOCKET_IFNAME");
  if (own.family == 0) GTEST_SKIP() << "this namespace has no loopback interface that is up";
  EXPECT_EQ(own.bytes[0], own.family == 4 ? 127 : 0);
}

}  // namespace
}  // namespace flexmig::nccl

#include "meeting.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <thread>
#include <utility>

#include "flexmig/base/strings.h"
#include "flexmig/base/version.h"

namespace flexmig::coll {
namespace {

// Between two attempts to connect: a small part of a process's start, and 100 attempts a second are
// no load.
constexpr std::chrono::milliseconds kRetryInterval(10);

}  // namespace

std::string MeetingAddress(const std::string& rendezvous) {
  return StrCat("flexmig-meeting-", rendezvous);
}

Status DidNotCome(const CommunicatorOptions& options, uint64_t ranks, std::string_view what) {
  return DeadlineExceededError(StrCat("meeting '", options.rendezvous, "' of ", options.world_size,
                                      " ranks: ", RanksIn(ranks), " ", what, " within ",
                                      options.connect_timeout.count(), " ms"));
}

std::string RanksIn(uint64_t bits) {
  std::vector<std::string> ranks;
  for (uint64_t rest = bits; rest != 0; rest &= rest - 1) {
    ranks.push_back(StrCat(std::countr_zero(rest)));
  }
  return StrCat(ranks.size() == 1 ? "rank " : "ranks ", StrJoin(ranks, ", "));
}

Notice NoticeOf(NoticeKind kind, const Status& status) {
  Notice notice;
  notice.kind = kind;
  notice.status_code = static_cast<uint32_t>(status.code());
  const size_t length = std::min(status.message().size(), sizeof notice.text - 1);
  std::memcpy(notice.text, status.message().data(), length);
  return notice;
}

Status StatusOf(const Notice& notice) {
  const std::string text(notice.text, ::strnlen(notice.text, sizeof notice.text));
  for (const StatusCode code : kAllStatusCodes) {
    if (static_cast<uint32_t>(code) != notice.status_code) continue;
    return code == StatusCode::kOk ? OkStatus() : Status(code, text);
  }
  return InternalError(
      StrCat("a rank sent the unknown status code ", notice.status_code, ": ", text));
}

Result<bool> CheckHello(const Hello& hello, size_t size, size_t descriptors) {
  if (size < offsetof(Hello, rank) || hello.magic != kMeetingMagic) return false;
  if (hello.protocol != kMeetingProtocol) {
    return InvalidArgumentError(StrCat("rank 0 has library version ", Version(), " and protocol ",
                                       kMeetingProtocol, ", another rank protocol ",
                                       hello.protocol));
  }
  if (size != sizeof hello || descriptors != 1) return false;
  const std::string version(hello.version, ::strnlen(hello.version, sizeof hello.version));
  if (version != Version()) {
    return InvalidArgumentError(StrCat("rank 0 has library version ", Version(), ", rank ",
                                       hello.rank, " version ", version));
  }
  return true;
}

Status CheckNotice(const Notice& notice, size_t size) {
  if (size < offsetof(Notice, kind) || notice.magic != kMeetingMagic) {
    return InvalidArgumentError("the process at the meeting's address is no rank 0 of Flex-MIG");
  }
  if (notice.protocol != kMeetingProtocol || size != sizeof notice) {
    return InvalidArgumentError(StrCat("rank 0 has another library version: it speaks protocol ",
                                       notice.protocol, ", this rank protocol ", kMeetingProtocol,
                                       " (version ", Version(), ")"));
  }
  return OkStatus();
}

Sha256Digest ProofOf(MeetingSide side, const CommunicatorOptions& options, const Hello& hello,
                     std::string_view host_nonce) {
  const std::string_view said(reinterpret_cast<const char*>(&hello), sizeof hello);
  return HmacSha256(options.secret, StrCat(side == MeetingSide::kHost ? "host" : "guest", '\0',
                                           options.rendezvous, '\0', host_nonce, said));
}

std::vector<shm::PeerWatcher::Peer> PeersOf(int rank, std::vector<UniqueFd> pidfds) {
  std::vector<shm::PeerWatcher::Peer> peers;
  for (size_t peer = 0; peer < pidfds.size(); ++peer) {
    if (static_cast<int>(peer) == rank) continue;
    peers.push_back({static_cast<int>(peer), std::move(pidfds[peer])});
  }
  return peers;
}

Result<bool> AwaitReadableOr(const Interrupted& interrupted, std::span<const int> descriptors,
                             Deadline deadline) {
  if (!interrupted) return AwaitReadable(descriptors, deadline);
  constexpr std::chrono::milliseconds kSlice(20);
  for (;;) {
    const auto slice = Deadline::After(deadline.Remaining(kSlice));
    if (AwaitReadable(descriptors, slice)) return true;
    if (deadline.HasPassed()) return false;
    FLEXMIG_RETURN_IF_ERROR(interrupted());
  }
}

Result<Meeting> Meet(const CommunicatorOptions& options, const MakeMemory& make_memory,
                     const Interrupted& interrupted) {
  const Deadline deadline = Deadline::After(options.connect_timeout);
  std::optional<uint64_t> missing;
  for (;;) {
    if (options.rank.value() == 0) {
      auto hosted = HostMeeting(options, make_memory, deadline, interrupted);
      if (hosted.status().code() != StatusCode::kAlreadyExists) return hosted;
      // Either the communicator before this one is about to give the name up, or there is a second
      // rank 0: ask it as a guest would, and it will say so.
    }
    auto joined = JoinMeeting(options, deadline, missing, interrupted);
    if (joined.status().code() != StatusCode::kUnavailable) return joined;
    if (deadline.HasPassed()) return DidNotCome(options, missing.value_or(1), "did not come");
    if (interrupted) FLEXMIG_RETURN_IF_ERROR(interrupted());
    std::this_thread::sleep_for(deadline.Remaining(kRetryInterval));
  }
}

}  // namespace flexmig::coll

#include <cstring>
#include <utility>

#include <unistd.h>

#include "flexmig/base/process.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/base/version.h"

#include "meeting.h"

namespace flexmig::coll {
namespace {

Hello HelloOf(const CommunicatorOptions& options) {
  Hello hello;
  hello.rank = options.rank.value();
  hello.world_size = options.world_size;
  hello.chunk_bytes = static_cast<uint32_t>(options.chunk_bytes);  // at most 4 MiB
  // Both fit with their zero: checked by Communicator::Create, and by the length of a version.
  Version().copy(hello.version, sizeof hello.version - 1);
  options.leaf.copy(hello.leaf, sizeof hello.leaf - 1);
  RandomHex(sizeof hello.nonce / 2).copy(hello.nonce, sizeof hello.nonce);
  return hello;
}

// The next packet of the host; kUnavailable if `deadline` passes or the connection ends.
Result<Notice> ReceiveNotice(const UniqueFd& socket, Deadline deadline,
                             const Interrupted& interrupted, std::vector<UniqueFd>& descriptors) {
  const int fds[] = {socket.get()};
  FLEXMIG_ASSIGN_OR_RETURN(const bool heard, AwaitReadableOr(interrupted, fds, deadline));
  if (!heard) return UnavailableError("the host said nothing");
  Notice notice;
  auto packet = ReceivePacket(socket, &notice, sizeof notice);
  if (!packet.ok()) {
    if (packet.status().code() != StatusCode::kAborted) return packet.status();
    return UnavailableError("the host closed the connection");
  }
  FLEXMIG_RETURN_IF_ERROR(CheckNotice(notice, packet->size));
  descriptors = std::move(packet->descriptors);
  return notice;
}

// Maps what came with kWelcome: the memory, then a pidfd for each rank.
Result<Meeting> TakeHome(const CommunicatorOptions& options, std::vector<UniqueFd> descriptors) {
  const auto expected = static_cast<size_t>(options.world_size) + 1;
  if (descriptors.size() != expected) {
    return InternalError(
        StrCat("rank 0 sent ", descriptors.size(), " descriptors, not ", expected));
  }
  Meeting meeting;
  FLEXMIG_ASSIGN_OR_RETURN(meeting.memory,
                           shm::SharedMemory::Attach(std::move(descriptors.front())));
  descriptors.erase(descriptors.begin());
  meeting.peers = PeersOf(options.rank.value(), std::move(descriptors));
  return meeting;
}

// The answer to a challenge.
Result<Notice> Prove(const CommunicatorOptions& options, const Hello& hello,
                     const Notice& challenge) {
  const std::string_view nonce(challenge.nonce, sizeof challenge.nonce);
  if (options.secret.empty()) {
    return PermissionDeniedError(
        StrCat("meeting '", options.rendezvous,
               "': rank 0 asks for a secret that this rank was not given"));
  }
  if (!EqualDigests(challenge.proof, ProofOf(MeetingSide::kHost, options, hello, nonce))) {
    return PermissionDeniedError(
        StrCat("meeting '", options.rendezvous,
               "': who answers as rank 0 does not know the ranks' secret"));
  }
  Notice proof;
  proof.kind = NoticeKind::kProof;
  proof.proof = ProofOf(MeetingSide::kGuest, options, hello, nonce);
  return proof;
}

}  // namespace

Result<Meeting> JoinMeeting(const CommunicatorOptions& options, Deadline deadline,
                            std::optional<uint64_t>& missing, const Interrupted& interrupted) {
  FLEXMIG_ASSIGN_OR_RETURN(const UniqueFd socket, ConnectLocal(MeetingAddress(options.rendezvous)));
  FLEXMIG_ASSIGN_OR_RETURN(const PeerIdentity host, IdentifyPeer(socket));
  if (host.user != ::geteuid()) {
    return PermissionDeniedError(StrCat("meeting '", options.rendezvous, "': process ",
                                        host.process, " of user ", host.user,
                                        " answers as rank 0, this is user ", ::geteuid()));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const UniqueFd own_pidfd, OpenPidFd(::getpid()));
  const Hello hello = HelloOf(options);
  const int own_descriptor[] = {own_pidfd.get()};
  const Status greeted = SendPacket(socket, &hello, sizeof hello, own_descriptor);
  if (!greeted.ok() && greeted.code() != StatusCode::kAborted) return greeted;

  Meeting meeting;
  Status taken_home;
  bool welcomed = false;
  bool proven = options.secret.empty();  // that the host knows the secret
  for (;;) {
    std::vector<UniqueFd> descriptors;
    auto notice = ReceiveNotice(socket, deadline, interrupted, descriptors);
    if (!notice.ok()) {
      if (!taken_home.ok()) return taken_home;
      Status failed = notice.status();
      if (failed.code() == StatusCode::kUnavailable) {
        if (deadline.HasPassed()) {
          failed = welcomed
                       ? DeadlineExceededError("rank 0 did not say go: not all ranks are ready")
                       : DidNotCome(options, missing.value_or(1), "did not come");
        } else if (welcomed) {
          return AbortedError(
              StrCat("rank 0 (process ", host.process, ") ended while the ranks met"));
        } else {
          return failed;
        }
      }
      // Rank 0 passes the reason on to the others.
      const Notice farewell = NoticeOf(NoticeKind::kReady, failed);
      static_cast<void>(SendPacket(socket, &farewell, sizeof farewell));
      return failed;
    }
    switch (notice->kind) {
      case NoticeKind::kMissing: missing = notice->missing_ranks; continue;
      case NoticeKind::kChallenge: {
        FLEXMIG_ASSIGN_OR_RETURN(const Notice proof, Prove(options, hello, *notice));
        proven = true;
        // If rank 0 is gone, the next receive says so.
        static_cast<void>(SendPacket(socket, &proof, sizeof proof));
        continue;
      }
      case NoticeKind::kRefused: {
        const Status refused = StatusOf(*notice);
        return refused.ok() ? InternalError("rank 0 refused without an error") : refused;
      }
      case NoticeKind::kWelcome: {
        if (!proven) {
          return PermissionDeniedError(StrCat("meeting '", options.rendezvous,
                                              "': who answers as rank 0 did not prove that it "
                                              "knows the ranks' secret"));
        }
        welcomed = true;
        auto home = TakeHome(options, std::move(descriptors));
        taken_home = home.status();
        if (home.ok()) meeting = *std::move(home);
        const Notice ready = NoticeOf(NoticeKind::kReady, taken_home);
        // If rank 0 is gone, the next receive says so.
        static_cast<void>(SendPacket(socket, &ready, sizeof ready));
        continue;
      }
      case NoticeKind::kGo:
        if (meeting.memory.data() == nullptr) return InternalError("rank 0 said go before welcome");
        return meeting;
      case NoticeKind::kReady:
      case NoticeKind::kProof: break;
    }
    return InternalError(
        StrCat("rank 0 sent a notice of kind ", static_cast<uint32_t>(notice->kind)));
  }
}

}  // namespace flexmig::coll

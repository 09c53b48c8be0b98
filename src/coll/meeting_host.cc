#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include "flexmig/base/process.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/base/version.h"

#include "meeting.h"

namespace flexmig::coll {
namespace {

// Rank 0's side of one meeting. One owner, one use.
class Host {
 public:
  Host(const CommunicatorOptions& options, UniqueFd listener, const Interrupted& interrupted)
      : options_(options), listener_(std::move(listener)), interrupted_(interrupted) {
    ranks_.resize(static_cast<size_t>(options.world_size));
    ranks_[0].here = true;
    ranks_[0].leaf = options.leaf;
    ranks_[0].process = ::getpid();
  }

  Result<Meeting> Run(const MakeMemory& make_memory, Deadline deadline) {
    auto meeting = Gather(make_memory, deadline);
    if (!meeting.ok()) RefuseEverybody(meeting.status());
    return meeting;
  }

 private:
  struct Guest {
    UniqueFd socket;  // invalid for rank 0
    UniqueFd pidfd;
    pid_t process = 0;
    std::string leaf;
    bool here = false;
    bool ready = false;
  };
  struct Stranger {  // connected, and has not yet said, or proven, who it is
    UniqueFd socket;
    pid_t process = 0;
    bool said_hello = false;  // and was challenged; then these are set
    Hello hello;
    UniqueFd pidfd;
    std::string nonce;
  };

  Result<Meeting> Gather(const MakeMemory& make_memory, Deadline deadline) {
    FLEXMIG_ASSIGN_OR_RETURN(ranks_[0].pidfd, OpenPidFd(::getpid()));
    while (Missing() != 0) {
      FLEXMIG_ASSIGN_OR_RETURN(const bool heard,
                               AwaitReadableOr(interrupted_, Sockets(), deadline));
      if (!heard) return DidNotCome(options_, Missing(), "did not come");
      FLEXMIG_RETURN_IF_ERROR(AcceptStrangers());
      FLEXMIG_RETURN_IF_ERROR(HearStrangers());
      FLEXMIG_RETURN_IF_ERROR(HearGuests());
    }
    // Before anybody can be done with this meeting and begin another one under the same name.
    listener_.Reset();

    Meeting meeting;
    FLEXMIG_ASSIGN_OR_RETURN(meeting.memory, make_memory());
    FLEXMIG_RETURN_IF_ERROR(Welcome(meeting.memory, deadline));
    while (NotReady() != 0) {
      FLEXMIG_ASSIGN_OR_RETURN(const bool heard,
                               AwaitReadableOr(interrupted_, Sockets(), deadline));
      if (!heard) return DidNotCome(options_, NotReady(), "did not map the memory");
      FLEXMIG_RETURN_IF_ERROR(HearGuests());
    }
    Notice go;
    go.kind = NoticeKind::kGo;
    // Who has died meanwhile is found by its pidfd.
    for (const Guest& guest : ranks_) {
      if (guest.socket.valid()) static_cast<void>(SendPacket(guest.socket, &go, sizeof go));
    }
    std::vector<UniqueFd> pidfds;
    for (Guest& guest : ranks_) pidfds.push_back(std::move(guest.pidfd));
    meeting.peers = PeersOf(0, std::move(pidfds));
    return meeting;
  }

  // Bits of the ranks for which `member` is false.
  [[nodiscard]] uint64_t Without(bool Guest::*member) const {
    uint64_t bits = 0;
    for (size_t rank = 0; rank < ranks_.size(); ++rank) {
      if (!(ranks_[rank].*member)) bits |= uint64_t{1} << rank;
    }
    return bits;
  }
  [[nodiscard]] uint64_t Missing() const { return Without(&Guest::here); }
  [[nodiscard]] uint64_t NotReady() const { return Without(&Guest::ready) & ~uint64_t{1}; }

  [[nodiscard]] std::vector<int> Sockets() const {
    std::vector<int> sockets;
    if (listener_.valid()) sockets.push_back(listener_.get());
    for (const Stranger& stranger : strangers_) sockets.push_back(stranger.socket.get());
    for (const Guest& guest : ranks_) {
      if (guest.socket.valid()) sockets.push_back(guest.socket.get());
    }
    return sockets;
  }

  Status AcceptStrangers() {
    for (;;) {
      auto socket = AcceptLocal(listener_);
      if (!socket.ok()) {
        return socket.status().code() == StatusCode::kUnavailable ? OkStatus() : socket.status();
      }
      const auto identity = IdentifyPeer(*socket);
      if (!identity.ok()) continue;
      if (identity->user != ::geteuid()) {
        const Notice refusal =
            NoticeOf(NoticeKind::kRefused,
                     PermissionDeniedError(StrCat("meeting '", options_.rendezvous, "' is of user ",
                                                  ::geteuid(), ", process ", identity->process,
                                                  " is of user ", identity->user)));
        static_cast<void>(SendPacket(*socket, &refusal, sizeof refusal));
        continue;
      }
      // A bound on what the silent can hold: the oldest has had its chance.
      constexpr size_t kMaxStrangers = 256;
      if (strangers_.size() == kMaxStrangers) strangers_.erase(strangers_.begin());
      strangers_.push_back({*std::move(socket), identity->process, false, {}, {}, {}});
    }
  }

  Status HearStrangers() {
    Status heard;
    std::vector<Stranger> waiting;
    for (Stranger& stranger : std::exchange(strangers_, {})) {
      if (!heard.ok()) {
        waiting.push_back(std::move(stranger));
      } else if (stranger.said_hello) {
        heard = HearProof(std::move(stranger), waiting);
      } else {
        heard = HearHello(std::move(stranger), waiting);
      }
    }
    for (Stranger& stranger : waiting) strangers_.push_back(std::move(stranger));
    return heard;
  }

  // Both keep who has said nothing yet in `waiting`; who is no rank is closed and forgotten.
  Status HearHello(Stranger stranger, std::vector<Stranger>& waiting) {
    auto packet = ReceivePacket(stranger.socket, &stranger.hello, sizeof stranger.hello);
    if (packet.status().code() == StatusCode::kResourceExhausted) return packet.status();
    if (packet.status().code() == StatusCode::kUnavailable) waiting.push_back(std::move(stranger));
    if (!packet.ok()) return OkStatus();
    const auto checked = CheckHello(stranger.hello, packet->size, packet->descriptors.size());
    if (!checked.ok()) {
      const pid_t process = stranger.process;
      strangers_.push_back(std::move(stranger));  // where RefuseEverybody finds it
      return Conflict(process, checked.status().message());
    }
    if (!*checked) return OkStatus();
    stranger.pidfd = std::move(packet->descriptors.front());
    if (options_.secret.empty()) return Admit(std::move(stranger));
    stranger.said_hello = true;
    stranger.nonce = RandomHex(sizeof(Notice::nonce) / 2);
    Notice challenge;
    challenge.kind = NoticeKind::kChallenge;
    stranger.nonce.copy(challenge.nonce, sizeof challenge.nonce);
    challenge.proof = ProofOf(MeetingSide::kHost, options_, stranger.hello, stranger.nonce);
    // If it is gone, the next receive says so.
    static_cast<void>(SendPacket(stranger.socket, &challenge, sizeof challenge));
    waiting.push_back(std::move(stranger));
    return OkStatus();
  }

  Status HearProof(Stranger stranger, std::vector<Stranger>& waiting) {
    Notice proof;
    const auto packet = ReceivePacket(stranger.socket, &proof, sizeof proof);
    if (packet.status().code() == StatusCode::kResourceExhausted) return packet.status();
    if (packet.status().code() == StatusCode::kUnavailable) waiting.push_back(std::move(stranger));
    if (!packet.ok()) return OkStatus();
    const bool proven = CheckNotice(proof, packet->size).ok() && proof.kind == NoticeKind::kProof &&
                        EqualDigests(proof.proof, ProofOf(MeetingSide::kGuest, options_,
                                                          stranger.hello, stranger.nonce));
    if (proven) return Admit(std::move(stranger));
    const Notice refusal = NoticeOf(
        NoticeKind::kRefused,
        PermissionDeniedError(StrCat("meeting '", options_.rendezvous, "': process ",
                                     stranger.process, " does not know the ranks' secret")));
    static_cast<void>(SendPacket(stranger.socket, &refusal, sizeof refusal));
    return OkStatus();
  }

  [[nodiscard]] Status Conflict(pid_t process, std::string_view what) const {
    return InvalidArgumentError(
        StrCat("meeting '", options_.rendezvous, "': ", what, " (process ", process, ")"));
  }

  // An error ends the meeting for all: the ranks were started in a way that cannot work.
  Status Admit(Stranger stranger) {
    const Hello hello = stranger.hello;
    // Kept where RefuseEverybody finds it, should it be the cause.
    strangers_.push_back(std::move(stranger));
    const pid_t process = strangers_.back().process;
    const auto conflict = [&](const auto&... what) { return Conflict(process, StrCat(what...)); };
    if (hello.world_size != options_.world_size) {
      return conflict("rank 0 has world size ", options_.world_size, ", rank ", hello.rank,
                      " has world size ", hello.world_size);
    }
    if (hello.chunk_bytes != options_.chunk_bytes) {
      return conflict("rank 0 has chunk_bytes ", options_.chunk_bytes, ", rank ", hello.rank,
                      " has chunk_bytes ", hello.chunk_bytes);
    }
    if (hello.rank < 0 || hello.rank >= options_.world_size) {
      return conflict("rank ", hello.rank, " is not below the world size ", options_.world_size);
    }
    const auto rank = static_cast<size_t>(hello.rank);
    if (ranks_[rank].here) {
      return conflict("rank ", rank, " is taken twice, by process ", ranks_[rank].process,
                      " and by another one");
    }
    const std::string leaf(hello.leaf, ::strnlen(hello.leaf, sizeof hello.leaf));
    for (size_t other = 0; other < ranks_.size(); ++other) {
      if (leaf.empty() || !ranks_[other].here || ranks_[other].leaf != leaf) continue;
      return conflict("leaf ", leaf, " is taken twice, by rank ", other, " (process ",
                      ranks_[other].process, ") and by rank ", rank);
    }
    Guest& guest = ranks_[rank];
    guest.socket = std::move(strangers_.back().socket);
    guest.process = process;
    guest.pidfd = std::move(strangers_.back().pidfd);
    guest.leaf = leaf;
    guest.here = true;
    strangers_.pop_back();
    TellWhoIsMissing();
    return OkStatus();
  }

  void TellWhoIsMissing() const {
    Notice notice;
    notice.missing_ranks = Missing();
    for (const Guest& guest : ranks_) {
      // Only a help for the guests' own error text.
      if (guest.socket.valid()) static_cast<void>(SendPacket(guest.socket, &notice, sizeof notice));
    }
  }

  Status HearGuests() {
    for (size_t rank = 1; rank < ranks_.size(); ++rank) {
      Guest& guest = ranks_[rank];
      if (!guest.socket.valid()) continue;
      Notice notice;
      const auto packet = ReceivePacket(guest.socket, &notice, sizeof notice);
      if (packet.status().code() == StatusCode::kUnavailable) continue;
      const std::string who = StrCat("rank ", rank, " (process ", guest.process, ")");
      if (packet.status().code() == StatusCode::kAborted) {
        return AbortedError(StrCat(who, " ended while the ranks met"));
      }
      FLEXMIG_RETURN_IF_ERROR(packet.status());
      if (packet->size != sizeof notice || notice.kind != NoticeKind::kReady) {
        return InternalError(StrCat(who, " sent what is no answer to the welcome"));
      }
      FLEXMIG_RETURN_IF_ERROR(StatusOf(notice).WithContext(who));
      guest.ready = true;
    }
    return OkStatus();
  }

  Status Welcome(const shm::SharedMemory& memory, Deadline deadline) const {
    std::vector<int> descriptors{memory.descriptor()};
    for (const Guest& guest : ranks_) descriptors.push_back(guest.pidfd.get());
    Notice welcome;
    welcome.kind = NoticeKind::kWelcome;
    for (size_t rank = 1; rank < ranks_.size(); ++rank) {
      Status sent;
      for (;;) {
        sent = SendPacket(ranks_[rank].socket, &welcome, sizeof welcome, descriptors);
        // From 33 ranks on, what is sent to all exceeds the usual 1024 descriptors that a user may
        // have in flight: until the first guests have received theirs.
        if (sent.code() != StatusCode::kUnavailable || deadline.HasPassed()) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      FLEXMIG_RETURN_IF_ERROR(
          sent.WithContext(StrCat("rank ", rank, " (process ", ranks_[rank].process, ")")));
    }
    return OkStatus();
  }

  // Also those in the queue, who would try again until their own deadlines.
  void RefuseEverybody(const Status& why) {
    if (listener_.valid()) static_cast<void>(AcceptStrangers());
    const Notice refusal = NoticeOf(NoticeKind::kRefused, why);
    for (const Stranger& stranger : strangers_) {
      static_cast<void>(SendPacket(stranger.socket, &refusal, sizeof refusal));
    }
    for (const Guest& guest : ranks_) {
      if (guest.socket.valid()) {
        static_cast<void>(SendPacket(guest.socket, &refusal, sizeof refusal));
      }
    }
  }

  const CommunicatorOptions& options_;
  UniqueFd listener_;
  const Interrupted& interrupted_;
  std::vector<Guest> ranks_;  // by rank
  std::vector<Stranger> strangers_;
};

}  // namespace

Result<Meeting> HostMeeting(const CommunicatorOptions& options, const MakeMemory& make_memory,
                            Deadline deadline, const Interrupted& interrupted) {
  FLEXMIG_ASSIGN_OR_RETURN(UniqueFd listener, ListenLocal(MeetingAddress(options.rendezvous)));
  return Host(options, std::move(listener), interrupted).Run(make_memory, deadline);
}

}  // namespace flexmig::coll

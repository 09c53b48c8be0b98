#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/deadline.h"
#include "flexmig/base/sha256.h"
#include "flexmig/base/status.h"
#include "flexmig/coll/communicator.h"
#include "flexmig/shm/peer_watcher.h"
#include "flexmig/shm/shared_memory.h"

#include "local_socket.h"

// How the ranks of a communicator find each other. Rank 0, the host, listens at an abstract unix
// address named after the rendezvous; the others, the guests, connect:
//
//   guest -> host   Hello: who I am, with a descriptor of my own process (pidfd)
//   host -> guest   kChallenge, if there is a secret: proof that the host knows it
//   guest -> host   kProof: and the guest does
//   host -> guest   kMissing, whenever somebody has come: who has not
//   host -> guest   kWelcome: all are here; with the memfd that they share and everybody's pidfd
//   guest -> host   kReady; with an error, at any time, if the guest cannot go on
//   host -> guest   kGo: all are ready. Both ends close.
//
// At any time instead: kRefused with the reason, the same to all. A process that connects and says
// nothing, or nothing that is a Hello, is left aside and changes nothing; so does one that does not
// know the secret, which is told so.
namespace flexmig::coll {

inline constexpr uint64_t kMeetingMagic = 0x5445454d47494d46;  // "FMIGMEET" in memory
inline constexpr uint32_t kMeetingProtocol = 3;

struct Hello {
  uint64_t magic = kMeetingMagic;  // magic and protocol lead every version's packets
  uint32_t protocol = kMeetingProtocol;
  int32_t rank = 0;
  int32_t world_size = 0;
  char version[32] = {};  // zero-terminated, as is `leaf`
  char leaf[128] = {};
  char nonce[32] = {};       // hexadecimal digits; new for every connection
  uint32_t chunk_bytes = 0;  // CommunicatorOptions::chunk_bytes
};
static_assert(sizeof(Hello) == 216);

enum class NoticeKind : uint32_t {
  kMissing = 1,
  kRefused = 2,
  kWelcome = 3,
  kReady = 4,
  kGo = 5,
  kChallenge = 6,
  kProof = 7,
};

struct Notice {
  uint64_t magic = kMeetingMagic;
  uint32_t protocol = kMeetingProtocol;
  NoticeKind kind = NoticeKind::kMissing;
  uint64_t missing_ranks = 0;  // kMissing: bit r for rank r
  uint32_t status_code = 0;    // kRefused, kReady
  uint32_t reserved = 0;
  char text[512] = {};      // kRefused, kReady: zero-terminated
  char nonce[32] = {};      // kChallenge: the host's
  Sha256Digest proof = {};  // kChallenge, kProof
};
static_assert(sizeof(Notice) == 608);

// What every rank takes home.
struct Meeting {
  shm::SharedMemory memory;                   // the same on all
  std::vector<shm::PeerWatcher::Peer> peers;  // all ranks but this one
};

// Makes the memory that the ranks will share; called on rank 0 when all have come.
using MakeMemory = std::function<Result<shm::SharedMemory>()>;

// Asked every 20 ms of a wait for the others: an error ends the meeting with it, for all. May be
// empty.
using Interrupted = std::function<Status()>;

// Brings the ranks together, around the memory that rank 0 makes.
// Errors: as Communicator::Create. REQUIRES: options are valid, world_size >= 2.
Result<Meeting> Meet(const CommunicatorOptions& options, const MakeMemory& make_memory,
                     const Interrupted& interrupted = {});

// The two sides. Host: kAlreadyExists if somebody listens there already. Guest: kUnavailable if
// nobody listens, or the connection ended before the host said anything final: retry; `missing` is
// what the host last said of who has not come.
Result<Meeting> HostMeeting(const CommunicatorOptions& options, const MakeMemory& make_memory,
                            Deadline deadline, const Interrupted& interrupted = {});
Result<Meeting> JoinMeeting(const CommunicatorOptions& options, Deadline deadline,
                            std::optional<uint64_t>& missing, const Interrupted& interrupted = {});

// AwaitReadable, asking `interrupted` meanwhile: whether it is readable, false at the deadline.
Result<bool> AwaitReadableOr(const Interrupted& interrupted, std::span<const int> descriptors,
                             Deadline deadline);

// What a packet of `size` bytes with `descriptors` descriptors at the host is: true for a Hello
// that this host can go on with, false for what is no rank and can be forgotten. An error tells of
// ranks that were started in a way that cannot work.
Result<bool> CheckHello(const Hello& hello, size_t size, size_t descriptors);
// Whether a packet of `size` bytes is a notice that a rank of this version sent.
Status CheckNotice(const Notice& notice, size_t size);

// What a side that knows options.secret, and only such a side, can tell of this connection. The two
// sides' differ, so that neither can hand back what it heard.
enum class MeetingSide : uint8_t { kHost, kGuest };
[[nodiscard]] Sha256Digest ProofOf(MeetingSide side, const CommunicatorOptions& options,
                                   const Hello& hello, std::string_view host_nonce);

[[nodiscard]] std::string MeetingAddress(const std::string& rendezvous);

// "rank 1", "ranks 1, 3".
[[nodiscard]] std::string RanksIn(uint64_t bits);

// kDeadlineExceeded: "meeting 'x' of 4 ranks: ranks 1, 3 did not come within 300 ms".
[[nodiscard]] Status DidNotCome(const CommunicatorOptions& options, uint64_t ranks,
                                std::string_view what);

// kRefused or kReady with `status`, and back. A code that is none, or no error, is kInternal.
[[nodiscard]] Notice NoticeOf(NoticeKind kind, const Status& status);
[[nodiscard]] Status StatusOf(const Notice& notice);

// Everybody's descriptors, without that of `rank`.
[[nodiscard]] std::vector<shm::PeerWatcher::Peer> PeersOf(int rank, std::vector<UniqueFd> pidfds);

}  // namespace flexmig::coll

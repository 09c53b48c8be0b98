#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

#include "flexmig/base/deadline.h"
#include "flexmig/base/status.h"
#include "flexmig/base/unique_fd.h"

// Packet sockets (SOCK_SEQPACKET) under an abstract unix address: a name that exists only while its
// socket is open, so nothing is left of it however the process ends. All descriptors are
// close-on-exec and non-blocking.
namespace flexmig::coll {

// Errors: kAlreadyExists if somebody listens under `name`.
Result<UniqueFd> ListenLocal(const std::string& name);

// Errors: kUnavailable if nobody listens under `name` or the listener's queue is full: retry.
Result<UniqueFd> ConnectLocal(const std::string& name);

// Errors: kUnavailable if nobody waits to be accepted.
Result<UniqueFd> AcceptLocal(const UniqueFd& listener);

// Who is at the other end, from the kernel: for a client the process that called listen, for a
// server the one that called connect.
struct PeerIdentity {
  pid_t process = 0;
  uid_t user = 0;
};
Result<PeerIdentity> IdentifyPeer(const UniqueFd& socket);

// Sends one packet, with copies of the descriptors. Does not block.
// Errors: kAborted if the other end is closed; kUnavailable if its queue is full, or if too many
// descriptors have been sent and not yet received: retry.
Status SendPacket(const UniqueFd& socket, const void* data, size_t size,
                  std::span<const int> descriptors = {});

struct Packet {
  size_t size = 0;  // of the packet; what did not fit into the buffer is lost
  std::vector<UniqueFd> descriptors;
};

// Receives one packet. Does not block.
// Errors: kUnavailable if there is none yet; kAborted if the other end is closed;
// kResourceExhausted if this process may not open as many descriptors as were sent.
Result<Packet> ReceivePacket(const UniqueFd& socket, void* buffer, size_t capacity);

// Waits until one of the sockets is readable or closed; false if `deadline` came first.
bool AwaitReadable(std::span<const int> sockets, Deadline deadline);

}  // namespace flexmig::coll

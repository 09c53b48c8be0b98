#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "flexmig/base/status.h"
#include "flexmig/shm/segment_layout.h"

#include "engine.h"
#include "shared_regions.h"

namespace flexmig::coll {

// Where the user's buffers of one call lie on every rank, as the ranks' announcements tell.
// Lives during one call.
class PeerBuffers {
 public:
  // Writes this rank's buffers into its announcement, which is still to be announced. `*_bytes` are
  // the sizes of the whole buffers, 0 if the call does not use them on this rank.
  static void Offer(Engine& engine, const SharedRegions& regions, const void* send,
                    size_t send_bytes, const void* receive, size_t receive_bytes);

  // Reads what everybody has announced.
  PeerBuffers(Engine& engine, const SharedRegions& regions);

  // Whether every rank's (or that one's) buffer is in shared memory, or of no bytes; every rank
  // answers alike.
  [[nodiscard]] bool all_send_shared() const { return send_shared_ == engine_.all_ranks(); }
  [[nodiscard]] bool all_receive_shared() const { return receive_shared_ == engine_.all_ranks(); }
  [[nodiscard]] bool send_shared(int rank) const { return (send_shared_ >> rank & 1) != 0; }
  [[nodiscard]] bool receive_shared(int rank) const { return (receive_shared_ >> rank & 1) != 0; }

  // REQUIRES: shared.
  [[nodiscard]] const std::byte* send(int rank) const { return At(rank).send; }
  [[nodiscard]] std::byte* receive(int rank) const { return At(rank).receive; }

  // Copies from `peer`'s send buffer: directly if that is shared, else across processes.
  // Errors: kAborted if the peer has died; kInternal if its memory cannot be read. Both end the
  // communicator.
  Status Pull(int peer, size_t offset, std::byte* to, size_t bytes) const {
    return Read(peer, At(peer).send + offset, send_shared(peer), to, bytes);
  }
  // The same from its receive buffer.
  Status PullResult(int peer, size_t offset, std::byte* to, size_t bytes) const {
    return Read(peer, At(peer).receive + offset, receive_shared(peer), to, bytes);
  }

 private:
  Status Read(int peer, const std::byte* from, bool shared, std::byte* to, size_t bytes) const;

  struct Buffers {
    std::byte* send = nullptr;  // in this process if shared, else in the peer's
    std::byte* receive = nullptr;
  };
  [[nodiscard]] const Buffers& At(int rank) const { return buffers_[static_cast<size_t>(rank)]; }

  Engine& engine_;
  uint64_t send_shared_ = 0;  // bit r: rank r
  uint64_t receive_shared_ = 0;
  std::array<Buffers, shm::kMaxWorldSize> buffers_;
};

// Whether this process can read `bytes` at `from` in process `process`; kernels, containers and
// security modules may forbid it. The bytes are in `to` if so.
[[nodiscard]] bool ReadAcross(int process, const void* from, void* to, size_t bytes);

}  // namespace flexmig::coll

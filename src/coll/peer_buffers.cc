#include "peer_buffers.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/uio.h>

#include "flexmig/base/strings.h"
#include "flexmig/reduce/reduce.h"

namespace flexmig::coll {
namespace {

// Behind the factor in an announcement's payload.
struct Offered {
  BufferAddress send;
  BufferAddress receive;
};
static_assert(sizeof(Offered) <= Engine::kInlineBytes);

// The kernel cannot be interrupted in one read: some milliseconds each.
constexpr size_t kReadBytes = size_t{16} << 20;

// 0, or the errno of the read that failed.
int ReadProcess(int process, const std::byte* from, std::byte* to, size_t bytes) {
  while (bytes > 0) {
    iovec local{to, std::min(bytes, kReadBytes)};
    iovec remote{const_cast<std::byte*>(from), local.iov_len};
    const ssize_t count = ::process_vm_readv(process, &local, 1, &remote, 1, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 ? errno : EFAULT;
    from += count;
    to += count;
    bytes -= static_cast<size_t>(count);
  }
  return 0;
}

}  // namespace

bool ReadAcross(int process, const void* from, void* to, size_t bytes) {
  return ReadProcess(process, static_cast<const std::byte*>(from), static_cast<std::byte*>(to),
                     bytes) == 0;
}

void PeerBuffers::Offer(Engine& engine, const SharedRegions& regions, const void* send,
                        size_t send_bytes, const void* receive, size_t receive_bytes) {
  const Offered offered{regions.Locate(send, send_bytes), regions.Locate(receive, receive_bytes)};
  std::memcpy(engine.payload(engine.rank()) + Engine::kFactorBytes, &offered, sizeof offered);
}

PeerBuffers::PeerBuffers(Engine& engine, const SharedRegions& regions) : engine_(engine) {
  for (int rank = 0; rank < engine.world_size(); ++rank) {
    Offered offered;
    std::memcpy(&offered, engine.payload(rank) + Engine::kFactorBytes, sizeof offered);
    Buffers& buffers = buffers_[static_cast<size_t>(rank)];
    buffers.send = regions.Resolve(offered.send);
    buffers.receive = regions.Resolve(offered.receive);
    // By what was announced, not by what was found: all ranks have to answer alike.
    if (offered.send.is_shared()) send_shared_ |= uint64_t{1} << rank;
    if (offered.receive.is_shared()) receive_shared_ |= uint64_t{1} << rank;
  }
}

Status PeerBuffers::Read(int peer, const std::byte* from, bool shared, std::byte* to,
                         size_t bytes) const {
  if (shared) {
    reduce::CopyBytes(to, from, bytes);
    return OkStatus();
  }
  const int process = engine_.segment().rank_block(peer).process_id.load(std::memory_order_relaxed);
  const int error = ReadProcess(process, from, to, bytes);
  if (error == 0) return OkStatus();
  if (error == ESRCH) {
    return engine_.Fail(AbortedError(StrCat(engine_.NameOf(peer), " died; rank ", engine_.rank(),
                                            " needs it for ", engine_.CurrentCall())));
  }
  return engine_.Fail(
      ErrnoError(error, StrCat("reading ", bytes, " bytes of ", engine_.NameOf(peer), " for rank ",
                               engine_.rank(), " in ", engine_.CurrentCall())));
}

}  // namespace flexmig::coll

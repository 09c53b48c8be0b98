#include "flexmig/shm/peer_watcher.h"

#include <cerrno>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "flexmig/base/io.h"
#include "flexmig/base/thread.h"

namespace flexmig::shm {

Result<std::unique_ptr<PeerWatcher>> PeerWatcher::Start(std::vector<Peer> peers,
                                                        std::function<void(int rank)> on_exit) {
  std::unique_ptr<PeerWatcher> watcher(new PeerWatcher());
  watcher->peers_ = std::move(peers);
  watcher->on_exit_ = std::move(on_exit);
  watcher->owner_process_ = ::getpid();
  watcher->stop_event_.Reset(::eventfd(0, EFD_CLOEXEC));
  if (!watcher->stop_event_.valid()) return ErrnoError(errno, "eventfd for the peer watcher");

  FLEXMIG_ASSIGN_OR_RETURN(std::thread thread,
                           StartThread("flexmig-watch", "thread for the peer watcher",
                                       [w = watcher.get()] { w->Run(); }));
  watcher->thread_ = std::make_unique<std::thread>(std::move(thread));
  return watcher;
}

PeerWatcher::~PeerWatcher() {
  if (thread_ == nullptr) return;
  if (::getpid() != owner_process_) {
    // The thread was not forked with its parent: it can be neither joined nor detached.
    static_cast<void>(thread_.release());
    return;
  }
  const uint64_t stop = 1;
  // Cannot fail: the descriptor is ours and its count is far from its limit.
  static_cast<void>(WriteAll(stop_event_.get(), &stop, sizeof stop));
  thread_->join();
}

void PeerWatcher::Run() {
  std::vector<pollfd> polled;
  polled.push_back({stop_event_.get(), POLLIN, 0});
  for (const Peer& peer : peers_) polled.push_back({peer.pidfd.get(), POLLIN, 0});
  for (;;) {
    // No deadline: the owner's destructor is the bound.
    if (::poll(polled.data(), polled.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (polled[0].revents != 0) return;
    for (size_t i = 0; i < peers_.size(); ++i) {
      pollfd& entry = polled[i + 1];
      if (entry.revents == 0) continue;
      entry.fd = -1;  // poll passes it over from now on
      on_exit_(peers_[i].rank);
    }
  }
}

}  // namespace flexmig::shm

#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/base/unique_fd.h"

namespace flexmig::shm {

// Tells within milliseconds that another process has ended, from a thread that sleeps until then.
//
// The thread blocks all signals, so it never runs a handler of the program that it lives in.
// Threading: one owner. `on_exit` runs on the watcher's thread.
class PeerWatcher {
 public:
  struct Peer {
    int rank = 0;
    UniqueFd pidfd;
  };

  // Calls on_exit(rank) once for each peer whose process ends before the watcher is destroyed.
  // Errors: kResourceExhausted if no thread or descriptor can be had.
  static Result<std::unique_ptr<PeerWatcher>> Start(std::vector<Peer> peers,
                                                    std::function<void(int rank)> on_exit);

  // Afterwards `on_exit` does not run any more. In a forked child, where the thread does not exist,
  // does nothing.
  ~PeerWatcher();
  PeerWatcher(const PeerWatcher&) = delete;
  PeerWatcher& operator=(const PeerWatcher&) = delete;

 private:
  PeerWatcher() = default;
  void Run();

  // Constant after Start, used by the thread.
  std::vector<Peer> peers_;
  std::function<void(int rank)> on_exit_;
  UniqueFd stop_event_;

  int owner_process_ = 0;
  std::unique_ptr<std::thread> thread_;
};

}  // namespace flexmig::shm

#pragma once

#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/base/unique_fd.h"

namespace flexmig::agent {

// Writes to an inherited stdout or stderr without ever blocking, although the descriptor is shared
// with other processes and therefore must not be made non-blocking.
//
// Pipes and terminals are opened a second time, as a description of their own. Where that is not
// permitted (a terminal of another user) at most PIPE_BUF bytes are written after poll() says that
// there is room. Regular files do not block; a closed descriptor swallows everything.
class OutputFile {
 public:
  explicit OutputFile(int fd);

  // Writes a part of `bytes` and returns its size, 0 if nothing can be taken now.
  // Errors: what write(2) reports; after one (nobody reads any more) the file stays unusable.
  Result<size_t> Write(std::string_view bytes);

  // To be polled for POLLOUT.
  [[nodiscard]] int fd() const { return own_.valid() ? own_.get() : shared_; }

 private:
  enum class Kind { kClosed, kFile, kNonBlocking, kSocket, kPolled };

  int shared_;
  UniqueFd own_;
  Kind kind_;
};

}  // namespace flexmig::agent

#include "output_file.h"

#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flexmig/base/strings.h"

namespace flexmig::agent {

OutputFile::OutputFile(int fd) : shared_(fd), kind_(Kind::kClosed) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return;
  if (S_ISSOCK(info.st_mode)) {
    kind_ = Kind::kSocket;
  } else if (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode)) {
    const std::string path = StrCat("/proc/self/fd/", fd);
    own_.Reset(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    kind_ = own_.valid() ? Kind::kNonBlocking : Kind::kPolled;
  } else {
    kind_ = Kind::kFile;
  }
}

Result<size_t> OutputFile::Write(std::string_view bytes) {
  if (kind_ == Kind::kClosed) return bytes.size();
  if (kind_ == Kind::kPolled) {
    pollfd poller{shared_, POLLOUT, 0};
    if (::poll(&poller, 1, 0) <= 0) return size_t{0};
    bytes = bytes.substr(0, PIPE_BUF);
  }
  while (true) {
    const ssize_t n = kind_ == Kind::kSocket
                          ? ::send(shared_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                          : ::write(fd(), bytes.data(), bytes.size());
    if (n >= 0) return static_cast<size_t>(n);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return size_t{0};
    if (errno != EINTR) return ErrnoError(errno, "write");
  }
}

}  // namespace flexmig::agent

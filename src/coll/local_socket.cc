#include "local_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "flexmig/base/strings.h"

namespace flexmig::coll {
namespace {

// The kernel's own limit on descriptors in one packet (SCM_MAX_FD).
constexpr size_t kMaxDescriptors = 253;

Result<UniqueFd> NewSocket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return ErrnoError(errno, "unix socket");
  return fd;
}

struct Address {
  sockaddr_un storage{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* get() const {
    return static_cast<const sockaddr*>(static_cast<const void*>(&storage));
  }
};

Result<Address> AbstractAddress(const std::string& name) {
  Address address;
  if (name.size() + 1 > sizeof address.storage.sun_path) {
    return InvalidArgumentError(StrCat("socket name '", name, "' is too long"));
  }
  address.storage.sun_family = AF_UNIX;
  std::memcpy(address.storage.sun_path + 1, name.data(), name.size());  // a leading 0: abstract
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return address;
}

}  // namespace

Result<UniqueFd> ListenLocal(const std::string& name) {
  FLEXMIG_ASSIGN_OR_RETURN(const Address address, AbstractAddress(name));
  FLEXMIG_ASSIGN_OR_RETURN(UniqueFd fd, NewSocket());
  if (::bind(fd.get(), address.get(), address.size) != 0) {
    const int error = errno;
    if (error == EADDRINUSE) {
      return AlreadyExistsError(StrCat("another process listens at '", name, "'"));
    }
    return ErrnoError(error, "bind");
  }
  if (::listen(fd.get(), SOMAXCONN) != 0) return ErrnoError(errno, "listen");
  return fd;
}

Result<UniqueFd> ConnectLocal(const std::string& name) {
  FLEXMIG_ASSIGN_OR_RETURN(const Address address, AbstractAddress(name));
  FLEXMIG_ASSIGN_OR_RETURN(UniqueFd fd, NewSocket());
  if (::connect(fd.get(), address.get(), address.size) == 0) return fd;
  const int error = errno;
  if (error == ECONNREFUSED || error == EAGAIN || error == EINTR) {
    return UnavailableError(StrCat("nobody accepts at '", name, "'"));
  }
  return ErrnoError(error, "connect");
}

Result<UniqueFd> AcceptLocal(const UniqueFd& listener) {
  UniqueFd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (fd.valid()) return fd;
  const int error = errno;
  if (error == EAGAIN || error == EINTR || error == ECONNABORTED) {
    return UnavailableError("nobody waits to be accepted");
  }
  return ErrnoError(error, "accept");
}

Result<PeerIdentity> IdentifyPeer(const UniqueFd& socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return ErrnoError(errno, "SO_PEERCRED");
  }
  return PeerIdentity{credentials.pid, credentials.uid};
}

Status SendPacket(const UniqueFd& socket, const void* data, size_t size,
                  std::span<const int> descriptors) {
  // sendmsg does not write through iov_base; its type is shared with recvmsg.
  iovec content{const_cast<void*>(data), size};
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  std::vector<std::byte> control(CMSG_SPACE(descriptors.size_bytes()));
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return OkStatus();
  const int error = errno;
  if (error == EPIPE || error == ECONNRESET || error == ENOTCONN) {
    return AbortedError("the other end closed the connection");
  }
  if (error == ETOOMANYREFS) {
    return UnavailableError("this user has more descriptors in flight than ulimit -n allows");
  }
  return ErrnoError(error, "sendmsg");
}

Result<Packet> ReceivePacket(const UniqueFd& socket, void* buffer, size_t capacity) {
  alignas(cmsghdr) std::byte control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  iovec content{buffer, capacity};
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t received = 0;
  bool reset = false;
  for (;;) {
    received = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT | MSG_TRUNC);
    if (received >= 0) break;
    const int error = errno;
    if (error == EINTR) continue;
    if (error == ECONNRESET && !reset) {
      // The other end closed without having read all of ours; what it said before is still here.
      reset = true;
      continue;
    }
    if (error == ECONNRESET) return AbortedError("the other end closed the connection");
    return ErrnoError(error, "recvmsg");
  }
  Packet packet;
  packet.size = static_cast<size_t>(received);
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      packet.descriptors.emplace_back(fd);
    }
  }
  if (received == 0) return AbortedError("the other end closed the connection");
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    return ResourceExhaustedError(
        "not all descriptors sent could be received: raise the limit on open files (ulimit -n)");
  }
  return packet;
}

bool AwaitReadable(std::span<const int> sockets, Deadline deadline) {
  std::vector<pollfd> polled;
  polled.reserve(sockets.size());
  for (const int socket : sockets) polled.push_back({socket, POLLIN, 0});
  for (;;) {
    const auto left = deadline.Remaining(std::chrono::seconds(1));
    const int ready = ::poll(polled.data(), polled.size(), static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (deadline.HasPassed()) return false;
  }
}

}  // namespace flexmig::coll

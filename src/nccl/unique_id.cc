#include "unique_id.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>

#include <arpa/inet.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flexmig/base/env.h"
#include "flexmig/base/file.h"
#include "flexmig/base/sha256.h"
#include "flexmig/base/strings.h"

#include "own_address.h"

namespace flexmig::nccl {
namespace {

constexpr std::string_view kMagic = "FMIGNCCL";

template <size_t n>
std::string_view Text(const std::array<uint8_t, n>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), n};
}

// The first n bytes of a digest.
template <size_t n>
std::array<uint8_t, n> Shortened(const Sha256Digest& digest) {
  std::array<uint8_t, n> bytes{};
  std::copy_n(digest.begin(), n, bytes.begin());
  return bytes;
}

std::array<uint8_t, 8> ChecksumOf(const UniqueIdContent& content) {
  const auto* const begin = reinterpret_cast<const char*>(&content);
  return Shortened<8>(Sha256Of({begin, offsetof(UniqueIdContent, checksum)}));
}

// NCCL_COMM_ID: the address is no place to connect to here, but what the ranks agree on.
Status SecretFromCommId(const std::string& comm_id, std::array<uint8_t, 12>& secret) {
  const size_t colon = comm_id.rfind(':');
  if (colon == std::string::npos || colon == 0 ||
      !ParseInt(std::string_view(comm_id).substr(colon + 1), 1, 65535).ok()) {
    return InvalidArgumentError(StrCat("NCCL_COMM_ID '", comm_id, "' is no address:port"));
  }
  secret = Shortened<12>(Sha256Of(StrCat("NCCL_COMM_ID ", ::geteuid(), " ", comm_id)));
  return OkStatus();
}

}  // namespace

Result<std::array<uint8_t, 16>> HostIdentity() {
  FLEXMIG_ASSIGN_OR_RETURN(const std::string boot, ReadFile("/proc/sys/kernel/random/boot_id"));
  struct stat network {};
  if (::stat("/proc/self/ns/net", &network) != 0) return ErrnoError(errno, "/proc/self/ns/net");
  return Shortened<16>(Sha256Of(StrCat("flexmig host ", StripWhitespace(boot), " ",
                                       uint64_t{network.st_dev}, " ", uint64_t{network.st_ino})));
}

Result<ncclUniqueId> MakeUniqueId() {
  UniqueIdContent content;
  std::copy(kMagic.begin(), kMagic.end(), content.magic.begin());
  content.version = kUniqueIdVersion;
  FLEXMIG_ASSIGN_OR_RETURN(content.host, HostIdentity());
  if (const auto comm_id = GetEnv("NCCL_COMM_ID")) {
    FLEXMIG_RETURN_IF_ERROR(SecretFromCommId(*comm_id, content.secret));
  } else if (::getrandom(content.secret.data(), content.secret.size(), 0) !=
             static_cast<ssize_t>(content.secret.size())) {
    return ErrnoError(errno, "getrandom");  // 12 bytes are never cut short (getrandom(2))
  }
  const OwnAddress own = FindOwnAddress();
  content.address_family = own.family;
  content.address = own.bytes;
  // Cut off if it is longer; the last byte stays zero.
  static_cast<void>(::gethostname(content.host_name.data(), content.host_name.size() - 1));
  content.checksum = ChecksumOf(content);
  ncclUniqueId id;
  std::memcpy(&id, &content, sizeof id);
  return id;
}

Result<UniqueIdContent> ParseUniqueId(const ncclUniqueId& id) {
  UniqueIdContent content;
  std::memcpy(static_cast<void*>(&content), &id, sizeof content);
  if (std::string_view(content.magic.data(), content.magic.size()) != kMagic) {
    return InvalidArgumentError(
        "the ncclUniqueId was not made by Flex-MIG's libnccl.so.2: did the process that called "
        "ncclGetUniqueId load another one?");
  }
  if (content.version != kUniqueIdVersion) {
    return InvalidArgumentError(StrCat("the ncclUniqueId has version ", content.version,
                                       ", this library makes version ", kUniqueIdVersion,
                                       ": all ranks need the same Flex-MIG"));
  }
  if (content.checksum != ChecksumOf(content)) {
    return InvalidArgumentError("the ncclUniqueId was damaged on its way: its checksum differs");
  }
  if ((content.address_family != 0 && content.address_family != 4 && content.address_family != 6) ||
      content.host_name.back() != '\0') {
    return InvalidArgumentError("the ncclUniqueId is malformed");
  }
  return content;
}

Status CheckHost(const UniqueIdContent& content) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto here, HostIdentity());
  if (here == content.host) return OkStatus();
  char own_name[sizeof content.host_name] = {};
  static_cast<void>(::gethostname(own_name, sizeof own_name - 1));
  char address[INET6_ADDRSTRLEN] = "no address";
  if (content.address_family != 0) {
    static_cast<void>(::inet_ntop(content.address_family == 4 ? AF_INET : AF_INET6,
                                  content.address.data(), address, sizeof address));
  }
  return FailedPreconditionError(
      StrCat("the ncclUniqueId was made on host '", content.host_name.data(), "' (", address,
             "), and this rank on '", own_name,
             "' is on another host or in another network namespace: Flex-MIG's ranks share memory, "
             "so all of a communicator have to be on one host and in one network namespace"));
}

Result<Meeting> MeetingOf(std::span<const ncclUniqueId> ids) {
  std::string secrets;
  for (size_t i = 0; i < ids.size(); ++i) {
    const std::string which = ids.size() == 1 ? "ncclUniqueId" : StrCat("ncclUniqueId ", i);
    const auto content = ParseUniqueId(ids[i]);
    if (!content.ok()) return content.status().WithContext(which);
    FLEXMIG_RETURN_IF_ERROR(CheckHost(*content).WithContext(which));
    secrets += Text(content->secret);
  }
  Meeting meeting;
  const Sha256Digest secret = Sha256Of(StrCat("flexmig nccl secret ", secrets));
  meeting.secret = Text(secret);
  constexpr size_t kNameDigits = 32;  // 128 bits: no two jobs meet by chance
  meeting.rendezvous = Sha256(StrCat("flexmig nccl name ", secrets)).substr(0, kNameDigits);
  return meeting;
}

}  // namespace flexmig::nccl

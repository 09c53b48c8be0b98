#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "flexmig/base/status.h"
#include "flexmig/nccl_abi/types.h"

namespace flexmig::nccl {

// What ncclUniqueId holds here. The layout may change with every version: the ranks of a job have
// one library, and `version` says so if they do not.
struct UniqueIdContent {
  std::array<char, 8> magic{};  // "FMIGNCCL"
  uint32_t version = 0;         // kUniqueIdVersion
  uint16_t address_family = 0;  // of the maker: 4 or 6; 0: it has none
  uint16_t port = 0;            // where the maker listens: 0, since ranks of one host need nobody
  std::array<uint8_t, 16> address{};
  std::array<uint8_t, 16> host{};     // HostIdentity of the maker
  std::array<uint8_t, 12> secret{};   // random, known to whoever is given the id
  std::array<char, 60> host_name{};   // of the maker, zero-terminated; for messages only
  std::array<uint8_t, 8> checksum{};  // of all before it
};
static_assert(sizeof(UniqueIdContent) == sizeof(ncclUniqueId));
inline constexpr uint32_t kUniqueIdVersion = 1;

// A new id of this host, or, with NCCL_COMM_ID set, the one that it stands for: then every rank can
// make the same id by itself, and who meets under it has to be told apart by user alone.
// Errors: kInvalidArgument for a NCCL_COMM_ID that is no "address:port".
Result<ncclUniqueId> MakeUniqueId();

// Errors: kInvalidArgument for what MakeUniqueId of this version did not make, or a damaged one.
Result<UniqueIdContent> ParseUniqueId(const ncclUniqueId& id);

// kFailedPrecondition if this process cannot meet ranks of the id's host: it is on another host, or
// in another network namespace, where an abstract socket of the maker's is not seen.
Status CheckHost(const UniqueIdContent& content);

// How the ranks that were given these ids meet: the name tells nothing of the secret.
struct Meeting {
  std::string rendezvous;  // 32 hexadecimal digits
  std::string secret;
};
// Errors: as ParseUniqueId and CheckHost, with the number of the id if there are several.
// REQUIRES: !ids.empty().
Result<Meeting> MeetingOf(std::span<const ncclUniqueId> ids);

// The boot of this host and the network namespace of this process, as a digest.
// Errors: kNotFound, kPermissionDenied if /proc does not tell.
Result<std::array<uint8_t, 16>> HostIdentity();

}  // namespace flexmig::nccl

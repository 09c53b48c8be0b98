#include "flexmig/coll/communicator.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "flexmig/base/strings.h"

#include "host_communicator.h"
#include "meeting.h"
#include "selection_file.h"

namespace flexmig::coll {
namespace {

// Keeps deadlines far from the end of the clock.
constexpr std::chrono::hours kMaxTimeout(24 * 365);

Status CheckTimeout(std::string_view name, std::chrono::milliseconds value) {
  if (value.count() > 0 && value <= kMaxTimeout) return OkStatus();
  return InvalidArgumentError(
      StrCat(name, " of ", value.count(), " ms is not between 1 ms and a year"));
}

constexpr size_t kMaxSecretBytes = 128;

bool IsNameCharacter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

Status CheckOptions(const CommunicatorOptions& options) {
  constexpr size_t kMaxRendezvous = 64;
  if (options.world_size < 1 || options.world_size > shm::kMaxWorldSize) {
    return InvalidArgumentError(
        StrCat("world size ", options.world_size, " is not between 1 and ", shm::kMaxWorldSize));
  }
  if (options.rank.value() < 0 || options.rank.value() >= options.world_size) {
    return InvalidArgumentError(
        StrCat("rank ", options.rank.value(), " is not below the world size ", options.world_size));
  }
  const std::string& name = options.rendezvous;
  if (options.world_size > 1 && (name.empty() || name.size() > kMaxRendezvous ||
                                 !std::all_of(name.begin(), name.end(), IsNameCharacter))) {
    return InvalidArgumentError(
        StrCat("rendezvous '", name, "' is not 1 to 64 characters of A-Z a-z 0-9 . _ -"));
  }
  if (options.leaf.size() >= sizeof(Hello::leaf) || options.leaf.find('\0') != std::string::npos) {
    return InvalidArgumentError(StrCat("leaf name of ", options.leaf.size(),
                                       " characters is longer than 127 or holds a zero"));
  }
  constexpr size_t kMin = 8 << 10;  // a line for each of 64 ranks
  constexpr size_t kMax = 4 << 20;  // segments of up to 2 GiB
  constexpr size_t kPage = 4 << 10;
  if (options.chunk_bytes != 0 && (options.chunk_bytes < kMin || options.chunk_bytes > kMax ||
                                   options.chunk_bytes % kPage != 0)) {
    return InvalidArgumentError(StrCat("chunk_bytes of ", options.chunk_bytes,
                                       " is not between 8 KiB and 4 MiB in whole pages of 4 KiB"));
  }
  if (options.secret.size() > kMaxSecretBytes) {
    return InvalidArgumentError(
        StrCat("secret of ", options.secret.size(), " bytes is longer than ", kMaxSecretBytes));
  }
  FLEXMIG_RETURN_IF_ERROR(CheckTimeout("connect_timeout", options.connect_timeout));
  return CheckTimeout("timeout", options.timeout);
}

}  // namespace

Result<std::unique_ptr<Communicator>> Communicator::Create(const CommunicatorOptions& options) {
  return CreateUnless(options.interrupted, options);
}

Result<std::unique_ptr<Communicator>> CreateUnless(const std::function<Status()>& interrupted,
                                                   const CommunicatorOptions& options) {
  FLEXMIG_RETURN_IF_ERROR(CheckOptions(options));
  const auto make_memory = [&]() -> Result<shm::SharedMemory> {
    FLEXMIG_ASSIGN_OR_RETURN(const Selection settings,
                             SelectionFromEnvironment(options.world_size));
    return shm::Segment::Format(GeometryFor(options.world_size, options.chunk_bytes),
                                std::as_bytes(std::span(&settings, 1)));
  };
  Meeting meeting;
  if (options.world_size == 1) {
    FLEXMIG_ASSIGN_OR_RETURN(meeting.memory, make_memory());
  } else {
    FLEXMIG_ASSIGN_OR_RETURN(meeting, Meet(options, make_memory, interrupted));
  }
  meeting.memory.CloseDescriptor();
  FLEXMIG_ASSIGN_OR_RETURN(auto segment, shm::Segment::Attach(std::move(meeting.memory)));
  if (segment->geometry().world_size != options.world_size) {
    return InternalError("rank 0 made a segment for another world size");
  }
  FLEXMIG_ASSIGN_OR_RETURN(
      std::unique_ptr<HostCommunicator> communicator,
      HostCommunicator::Create(std::move(segment), options, std::move(meeting.peers)));
  FLEXMIG_RETURN_IF_ERROR(communicator->Greet());
  return std::unique_ptr<Communicator>(std::move(communicator));
}

}  // namespace flexmig::coll

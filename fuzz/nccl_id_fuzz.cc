// What callers of libnccl.so.2 pass: ncclUniqueId and ncclConfig_t.
//
// Promises checked: an id is accepted only if it is one that MakeUniqueId could have made, is then
// zero-terminated where it has text, and every other one is kInvalidArgument; what is accepted
// meets under a name of 32 digits that does not hold the secret, or is refused as another host's. A
// configuration of any size is read within its size, and is kInvalidArgument or has a short name.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/check.h"

#include "config.h"
#include "unique_id.h"

namespace flexmig::nccl {
namespace {

void CheckId(std::string_view input) {
  ncclUniqueId id{};
  std::memcpy(&id, input.data(), std::min(input.size(), sizeof id));
  const auto content = ParseUniqueId(id);
  if (!content.ok()) {
    FLEXMIG_CHECK(content.status().code() == StatusCode::kInvalidArgument);
    FLEXMIG_CHECK(MeetingOf({&id, 1}).status().code() == StatusCode::kInvalidArgument);
    return;
  }
  FLEXMIG_CHECK(content->version == kUniqueIdVersion && content->host_name.back() == '\0');
  const auto meeting = MeetingOf({&id, 1});
  if (!meeting.ok()) {
    FLEXMIG_CHECK(meeting.status().code() == StatusCode::kFailedPrecondition);
    return;
  }
  FLEXMIG_CHECK(meeting->rendezvous.size() == 32 && !meeting->secret.empty());
  FLEXMIG_CHECK(meeting->rendezvous.find(meeting->secret) == std::string::npos);
}

void CheckConfig(std::string_view input) {
  // As large as the caller says, or as there is input, so that a byte too many is seen. The least
  // that a caller can pass has its size and mark.
  uint64_t size = 0;
  std::memcpy(&size, input.data(), std::min(input.size(), sizeof size));
  std::vector<char> memory(std::clamp<size_t>(size, 16, 4096));
  std::memcpy(memory.data(), input.data(), std::min(input.size(), memory.size()));
  ncclConfig_t seen = NCCL_CONFIG_INITIALIZER;
  std::memcpy(&seen, memory.data(), std::min(memory.size(), sizeof seen));
  // Pointers are the caller's to get right.
  const std::vector<char> null(sizeof(char*));
  for (const size_t at : {offsetof(ncclConfig_t, netName), offsetof(ncclConfig_t, commName)}) {
    if (memory.size() > at) {
      std::memcpy(memory.data() + at, null.data(), std::min(null.size(), memory.size() - at));
    }
  }
  std::string told;
  const auto config = ParseConfig(
      static_cast<const ncclConfig_t*>(static_cast<const void*>(memory.data())), Config{}, told);
  if (!config.ok()) {
    FLEXMIG_CHECK(config.status().code() == StatusCode::kInvalidArgument);
    return;
  }
  FLEXMIG_CHECK(seen.magic == FLEXMIG_NCCL_CONFIG_MAGIC && size >= 20 && size <= 4096);
  FLEXMIG_CHECK(config->name.empty());
}

}  // namespace
}  // namespace flexmig::nccl

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  flexmig::nccl::CheckId(input);
  flexmig::nccl::CheckConfig(input);
  return 0;
}

// What a process says at a meeting of ranks.
//
// Promises checked: a packet that is no Hello of this version is forgotten or refused with
// kInvalidArgument, and one that is accepted is whole; the same for notices; a status that comes in
// a notice is one of ours whatever the bytes; no proof but the right one is accepted.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string_view>

#include "flexmig/base/check.h"
#include "flexmig/base/version.h"

#include "meeting.h"

namespace flexmig::coll {
namespace {

// The first byte says how many descriptors came, the rest is the packet.
void Check(std::string_view input) {
  if (input.empty()) return;
  const auto descriptors = static_cast<size_t>(static_cast<unsigned char>(input.front()) % 3);
  const std::string_view packet = input.substr(1);

  CommunicatorOptions options;
  options.rendezvous = "fuzz";
  options.secret = "secret";
  options.world_size = 4;
  Hello hello;
  std::memcpy(static_cast<void*>(&hello), packet.data(), std::min(packet.size(), sizeof hello));
  const auto checked = CheckHello(hello, packet.size(), descriptors);
  if (!checked.ok()) {
    FLEXMIG_CHECK(checked.status().code() == StatusCode::kInvalidArgument);
  } else if (*checked) {
    FLEXMIG_CHECK(packet.size() == sizeof hello && descriptors == 1);
    FLEXMIG_CHECK(hello.protocol == kMeetingProtocol && hello.magic == kMeetingMagic);
  }

  Notice notice;
  std::memcpy(static_cast<void*>(&notice), packet.data(), std::min(packet.size(), sizeof notice));
  const Status valid = CheckNotice(notice, packet.size());
  FLEXMIG_CHECK(valid.ok() || valid.code() == StatusCode::kInvalidArgument);
  if (valid.ok()) FLEXMIG_CHECK(packet.size() == sizeof notice);
  const Status told = StatusOf(notice);
  FLEXMIG_CHECK(std::count(std::begin(kAllStatusCodes), std::end(kAllStatusCodes), told.code()) ==
                1);
  FLEXMIG_CHECK(told.message().size() < sizeof notice.text + 64);
  const std::string_view nonce(notice.nonce, sizeof notice.nonce);
  FLEXMIG_CHECK(!EqualDigests(notice.proof, ProofOf(MeetingSide::kGuest, options, hello, nonce)));
}

}  // namespace
}  // namespace flexmig::coll

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  flexmig::coll::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}

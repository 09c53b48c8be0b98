// The state file of a simulated node; the first byte of the input chooses the node.
//
// Promises checked: a refusal is kDataLoss and names the file; what is accepted is a state that
// boards can be in, and is the same after FormatNodeState and back.

#include <cstdint>
#include <string>
#include <string_view>

#include "flexmig/base/check.h"
#include "flexmig/simhw/node_state.h"

namespace flexmig::simhw {
namespace {

void Check(std::string_view text) {
  static const NodeSpec kSpecs[] = {*FindNodeSpec("a30x1"), *FindNodeSpec("a100x2"),
                                    *FindNodeSpec("rtx-pro-6000x1"), *FindNodeSpec("h200x1")};
  if (text.empty()) return;
  const NodeSpec& spec = kSpecs[static_cast<unsigned char>(text.front()) % std::size(kSpecs)];
  const auto state = ParseNodeState(spec, text.substr(1), "file");
  if (!state.ok()) {
    FLEXMIG_CHECK(state.status().code() == StatusCode::kDataLoss);
    FLEXMIG_CHECK(state.status().message().starts_with("file:"));
    return;
  }
  FLEXMIG_CHECK(state->size() == spec.boards.size());
  for (const SimBoard& board : *state) {
    FLEXMIG_CHECK(SimBoard::Restore(board.model(), board.state()).ok());
  }
  const std::string written = FormatNodeState(spec, *state);
  const auto again = ParseNodeState(spec, written, "file");
  FLEXMIG_CHECK(again.ok());
  FLEXMIG_CHECK(FormatNodeState(spec, *again) == written);
}

}  // namespace
}  // namespace flexmig::simhw

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  flexmig::simhw::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}

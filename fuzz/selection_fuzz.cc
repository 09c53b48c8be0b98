// Selection files.
//
// Promises checked: a refusal is kInvalidArgument and names file and line; what is accepted leaves
// every range either empty or in order, changes nothing for other numbers of ranks, and reads the
// same when it is read again.

#include <cstdint>
#include <cstring>
#include <string_view>

#include "flexmig/base/check.h"

#include "selection_file.h"

namespace flexmig::coll {
namespace {

void CheckTable(const SelectionTable& table, const SelectionTable& defaults) {
  for (size_t row = 0; row < table.rows.size(); ++row) {
    const Thresholds& found = table.rows[row];
    const bool is_default = std::memcmp(&found, &defaults.rows[row], sizeof found) == 0;
    FLEXMIG_CHECK(is_default || found.pulled_begin <= found.pulled_end || found.pulled_end == 0);
    // No number of the file is the one that stands for "never" as a small size.
    FLEXMIG_CHECK(found.small_end <= INT64_MAX);
  }
}

void Check(std::string_view text) {
  for (const int world_size : {2, 4, 64}) {
    const Selection defaults = DefaultSelection(world_size);
    Selection selection = defaults;
    const Status status = ApplySelectionFile(text, "file", world_size, selection);
    if (!status.ok()) {
      FLEXMIG_CHECK(status.code() == StatusCode::kInvalidArgument);
      FLEXMIG_CHECK(status.message().starts_with("file:"));
      FLEXMIG_CHECK(status.message()[5] >= '1' && status.message()[5] <= '9');
      continue;
    }
    CheckTable(selection.roomy, defaults.roomy);
    CheckTable(selection.crowded, defaults.crowded);
    Selection again = selection;
    FLEXMIG_CHECK(ApplySelectionFile(text, "file", world_size, again).ok());
    FLEXMIG_CHECK(std::memcmp(&again, &selection, sizeof again) == 0);
  }
}

}  // namespace
}  // namespace flexmig::coll

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  flexmig::coll::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}

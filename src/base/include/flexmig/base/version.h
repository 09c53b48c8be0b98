#pragma once

#include <string_view>

namespace flexmig {

// The release, as in the file VERSION: "0.1.0".
[[nodiscard]] std::string_view Version();

}  // namespace flexmig

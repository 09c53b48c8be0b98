// The loader's cache of libraries.
//
// Promises checked: a refusal is kDataLoss and names the file; a path is text of the input.

#include <cstdint>
#include <string_view>

#include "flexmig/base/check.h"
#include "flexmig/runtime/loader_cache.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto paths = flexmig::runtime::PathsInLoaderCache(text, "libnccl.so.2", "file");
  if (!paths.ok()) {
    FLEXMIG_CHECK(paths.status().code() == flexmig::StatusCode::kDataLoss);
    FLEXMIG_CHECK(paths.status().message().starts_with("file: "));
    return 0;
  }
  for (const auto& path : *paths) FLEXMIG_CHECK(text.find(path) != std::string_view::npos);
  return 0;
}

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"

namespace flexmig::runtime {

// The paths that glibc's /etc/ld.so.cache holds for a library's name ("libnccl.so.2"), in the
// order of the file, in which the loader tries them. Entries of other machines are among them.
// `cache` is the content of the file in the format that glibc writes since 2.32
// ("glibc-ld.so.cache1.1"; the source is glibc's sysdeps/generic/dl-cache.h), also behind the old
// format that older ldconfigs put in front of it. `file` is used in messages. Errors: kDataLoss
// "<file>: ..." for any other text.
Result<std::vector<std::string>> PathsInLoaderCache(std::string_view cache, std::string_view name,
                                                    std::string_view file);

}  // namespace flexmig::runtime

#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "flexmig/base/status.h"

namespace flexmig::report {

// The SHA-256 digest (FIPS 180-4) as 64 hexadecimal digits.
std::string Sha256(std::string_view data);

// Of the file's bytes as they are, compressed or not: what `sha256sum` prints. Errors: kNotFound,
// kPermissionDenied, kInvalidArgument for a directory. Memory: 64 KiB.
Result<std::string> Sha256OfFile(const std::filesystem::path& path);

}  // namespace flexmig::report

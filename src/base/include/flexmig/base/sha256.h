#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "flexmig/base/status.h"

namespace flexmig {

using Sha256Digest = std::array<uint8_t, 32>;

// The SHA-256 digest (FIPS 180-4).
[[nodiscard]] Sha256Digest Sha256Of(std::string_view data);
// The same as 64 hexadecimal digits.
[[nodiscard]] std::string Sha256(std::string_view data);

// HMAC-SHA-256 (RFC 2104): who can tell it for a message that nobody has sent before knows `key`,
// and it tells nothing of the key.
[[nodiscard]] Sha256Digest HmacSha256(std::string_view key, std::string_view message);
// Compares in a time that does not tell where they differ.
[[nodiscard]] bool EqualDigests(const Sha256Digest& a, const Sha256Digest& b);

// Of the file's bytes as they are, compressed or not: what `sha256sum` prints. Errors: kNotFound,
// kPermissionDenied, kInvalidArgument for a directory. Memory: 64 KiB.
[[nodiscard]] Result<std::string> Sha256OfFile(const std::filesystem::path& path);

}  // namespace flexmig

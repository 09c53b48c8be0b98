#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"

namespace flexmig::char_lm {

// A text as the model sees it: a row of symbols, where a symbol is the place of a byte in the
// sorted list of the distinct bytes that occur. A character is a byte; UTF-8 sequences are learned
// byte by byte.
//
// Invariants: `alphabet` is sorted without repetition, 2 to 256 bytes; every symbol is less than
// alphabet.size().
struct Text {
  std::string alphabet;
  std::vector<uint8_t> symbols;

  // The bytes of `row`. REQUIRES: every symbol is less than alphabet.size().
  [[nodiscard]] std::string Decode(const std::vector<uint8_t>& row) const;
};

// Below this a model of tens of thousands of parameters learns the text by heart within a few
// steps, and its loss says nothing.
inline constexpr size_t kMinTextBytes = 1024;

// Errors: kInvalidArgument with the observed size for fewer than kMinTextBytes bytes, or if only
// one byte value occurs.
Result<Text> MakeText(std::string_view bytes);

// MakeText of a file. Errors: also ReadFile's (kNotFound, kPermissionDenied); all name the path.
Result<Text> LoadText(const std::filesystem::path& path);

}  // namespace flexmig::char_lm

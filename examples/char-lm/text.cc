#include "text.h"

#include <array>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

namespace flexmig::char_lm {

std::string Text::Decode(const std::vector<uint8_t>& row) const {
  std::string bytes;
  bytes.reserve(row.size());
  for (const uint8_t symbol : row) bytes += alphabet[symbol];
  return bytes;
}

Result<Text> MakeText(std::string_view bytes) {
  if (bytes.size() < kMinTextBytes) {
    return InvalidArgumentError(StrCat("the text has ", bytes.size(), " bytes, at least ",
                                       kMinTextBytes, " are needed to train on"));
  }
  std::array<bool, 256> occurs{};
  for (const char c : bytes) occurs[static_cast<unsigned char>(c)] = true;
  Text text;
  std::array<uint8_t, 256> symbol_of{};
  for (size_t byte = 0; byte < occurs.size(); ++byte) {
    if (!occurs[byte]) continue;
    symbol_of[byte] = static_cast<uint8_t>(text.alphabet.size());
    text.alphabet += static_cast<char>(byte);
  }
  if (text.alphabet.size() < 2) {
    return InvalidArgumentError("the text repeats one character, so there is nothing to learn");
  }
  text.symbols.reserve(bytes.size());
  for (const char c : bytes) text.symbols.push_back(symbol_of[static_cast<unsigned char>(c)]);
  return text;
}

Result<Text> LoadText(const std::filesystem::path& path) {
  FLEXMIG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  auto text = MakeText(bytes);
  if (!text.ok()) return text.status().WithContext(path.string());
  return text;
}

}  // namespace flexmig::char_lm

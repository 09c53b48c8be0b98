#include "mutator.h"

#include <algorithm>
#include <string_view>

namespace flexmig::fuzz {
namespace {

// What separates, quotes, signs, ends or overflows in the formats that are parsed here.
constexpr std::string_view kTokens[] = {",",
                                        ":",
                                        ";",
                                        "=",
                                        "\n",
                                        "\r\n",
                                        "\t",
                                        " ",
                                        "\"",
                                        "'",
                                        "\\",
                                        "{",
                                        "}",
                                        "[",
                                        "]",
                                        "#",
                                        "-",
                                        "+",
                                        ".",
                                        "/",
                                        "..",
                                        "0",
                                        "-1",
                                        "1e9",
                                        "e",
                                        "nan",
                                        "inf",
                                        "0x",
                                        "~",
                                        "%",
                                        "&",
                                        "*",
                                        "null",
                                        "true",
                                        "\xff",
                                        "\xc3\xa9",
                                        "\xef\xbb\xbf",
                                        "2147483648",
                                        "4294967296",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "18446744073709551616",
                                        "0.30000000000000004",
                                        "1e308",
                                        "1e-320"};

}  // namespace

size_t Mutator::UpTo(size_t bound) { return random_.NextBelow(bound + 1); }

const std::string& Mutator::AnyOfCorpus() { return corpus_[random_.NextBelow(corpus_.size())]; }

std::string Mutator::Next() {
  std::string input = AnyOfCorpus();
  for (size_t changes = 1 + UpTo(3); changes > 0; --changes) Change(input);
  input.resize(std::min(input.size(), kMaxInputBytes));
  return input;
}

void Mutator::Change(std::string& input) {
  enum Kind { kFlipBit, kSetByte, kInsertToken, kRemove, kRepeat, kSplice, kTruncate, kKinds };
  const auto kind = static_cast<Kind>(random_.NextBelow(kKinds));
  const size_t place = UpTo(input.size());
  // Short parts more often than long ones: the square of a uniform number.
  const double unit = random_.NextUnit();
  const auto length =
      static_cast<size_t>(unit * unit * static_cast<double>(input.size() - place + 1));
  switch (kind) {
    case kFlipBit:
      if (place < input.size()) input[place] = static_cast<char>(input[place] ^ (1 << UpTo(7)));
      break;
    case kSetByte:
      if (place < input.size()) input[place] = static_cast<char>(UpTo(255));
      break;
    case kInsertToken: input.insert(place, kTokens[random_.NextBelow(std::size(kTokens))]); break;
    case kRemove: input.erase(place, length); break;
    case kRepeat: input.insert(place, input.substr(place, length)); break;
    case kSplice: {
      const std::string& other = AnyOfCorpus();
      const size_t begin = UpTo(other.size());
      input.replace(place, length, other, begin, UpTo(other.size() - begin));
      break;
    }
    case kTruncate: input.resize(place); break;
    case kKinds: break;
  }
}

}  // namespace flexmig::fuzz

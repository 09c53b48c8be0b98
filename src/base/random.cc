#include "flexmig/base/random.h"

#include <cerrno>
#include <vector>

#include <sys/random.h>

#include "flexmig/base/check.h"

namespace flexmig {

std::string RandomHex(size_t bytes) {
  std::vector<unsigned char> raw(bytes);
  size_t filled = 0;
  while (filled < bytes) {
    const ssize_t n = ::getrandom(raw.data() + filled, bytes - filled, 0);
    if (n > 0) filled += static_cast<size_t>(n);
    // Only EINTR and short reads are possible with valid arguments (getrandom(2)).
    FLEXMIG_CHECK(n > 0 || errno == EINTR);
  }
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes);
  for (const unsigned char byte : raw) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace flexmig

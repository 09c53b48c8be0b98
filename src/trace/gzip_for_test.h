#pragma once

#include <string>

#include <zlib.h>

namespace flexmig::trace {

// `text` as one gzip member. Returns "" if zlib fails, which no test takes for success.
inline std::string Gzip(const std::string& text) {
  z_stream stream{};
  if (::deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string input = text;  // zlib takes a pointer to non-const
  std::string out(::deflateBound(&stream, input.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return code == Z_STREAM_END ? out : std::string();
}

}  // namespace flexmig::trace

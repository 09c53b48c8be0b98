#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include "flexmig/base/status.h"

namespace flexmig::trace {

// Bytes in order, from a file or from memory.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // Fills up to `size` bytes of `buffer` and returns how many; 0 only at the end. After an error
  // the source is spent. REQUIRES: size > 0.
  virtual Result<size_t> Read(char* buffer, size_t size) = 0;

 protected:
  ByteSource() = default;
};

// Errors: kNotFound, kPermissionDenied, kInvalidArgument for a directory; the message names the
// path.
Result<std::unique_ptr<ByteSource>> OpenFile(const std::filesystem::path& path);

std::unique_ptr<ByteSource> FromMemory(std::string content);

// The next up to `size` bytes of `source`, which is replaced by one that gives them again; fewer
// only if it ends before. Errors: those of Read.
Result<std::string> PeekBytes(std::unique_ptr<ByteSource>& source, size_t size);

// `source` itself, or its content if its first two bytes are gzip's; several gzip members one after
// the other are one content. `name` stands in messages. Reading reports kDataLoss if the compressed
// data is damaged, cut short or followed by something else.
// Errors: those of the first Read.
Result<std::unique_ptr<ByteSource>> Decompressed(std::unique_ptr<ByteSource> source,
                                                 std::string name);

}  // namespace flexmig::trace

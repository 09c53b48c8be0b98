#include "flexmig/trace/byte_source.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"
#include "flexmig/base/unique_fd.h"

namespace flexmig::trace {
namespace {

class FileSource final : public ByteSource {
 public:
  FileSource(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<size_t> Read(char* buffer, size_t size) override {
    ssize_t n = 0;
    int error_number = 0;
    do {
      n = ::read(fd_.get(), buffer, size);
      error_number = errno;
    } while (n < 0 && error_number == EINTR);
    if (n < 0) return ErrnoError(error_number, StrCat("reading ", path_));
    return static_cast<size_t>(n);
  }

 private:
  UniqueFd fd_;
  std::string path_;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string content) : content_(std::move(content)) {}

  Result<size_t> Read(char* buffer, size_t size) override {
    const size_t n = std::min(size, content_.size() - at_);
    std::memcpy(buffer, content_.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  std::string content_;
  size_t at_ = 0;
};

// Gives back the bytes that were read to sniff, then the rest.
class PrefixedSource final : public ByteSource {
 public:
  PrefixedSource(std::string prefix, std::unique_ptr<ByteSource> rest)
      : prefix_(std::move(prefix)), rest_(std::move(rest)) {}

  Result<size_t> Read(char* buffer, size_t size) override {
    if (prefix_.empty()) return rest_->Read(buffer, size);
    const size_t n = std::min(size, prefix_.size());
    std::memcpy(buffer, prefix_.data(), n);
    prefix_.erase(0, n);
    return n;
  }

 private:
  std::string prefix_;
  std::unique_ptr<ByteSource> rest_;
};

class GzipSource final : public ByteSource {
 public:
  GzipSource(std::unique_ptr<ByteSource> compressed, std::string name)
      : compressed_(std::move(compressed)), name_(std::move(name)) {
    // 15 is the largest window, + 16 asks for gzip framing with its checksum. Fails only for lack
    // of memory or a zlib of another version.
    FLEXMIG_CHECK(::inflateInit2(&stream_, 15 + 16) == Z_OK);
  }
  ~GzipSource() override { ::inflateEnd(&stream_); }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  Result<size_t> Read(char* buffer, size_t size) override {
    stream_.next_out = reinterpret_cast<Bytef*>(buffer);
    const size_t wanted = std::min<size_t>(size, 1U << 30);  // avail_out has 32 bits
    stream_.avail_out = static_cast<uInt>(wanted);
    while (stream_.avail_out == wanted) {
      if (stream_.avail_in == 0) {
        FLEXMIG_ASSIGN_OR_RETURN(const size_t n, compressed_->Read(input_.data(), input_.size()));
        if (n == 0) {
          if (between_members_) return size_t{0};
          return DataLossError(StrCat(name_, ": the gzip data is cut short"));
        }
        stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
        stream_.avail_in = static_cast<uInt>(n);
      }
      if (between_members_) {
        between_members_ = false;
        FLEXMIG_CHECK(::inflateReset(&stream_) == Z_OK);
      }
      const int code = ::inflate(&stream_, Z_NO_FLUSH);
      if (code == Z_STREAM_END) {
        between_members_ = true;
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        return DataLossError(StrCat(name_, ": the gzip data is damaged (",
                                    stream_.msg != nullptr ? stream_.msg : "no reason given", ")"));
      }
    }
    return wanted - stream_.avail_out;
  }

 private:
  std::unique_ptr<ByteSource> compressed_;
  std::string name_;
  z_stream stream_{};
  std::array<char, 1 << 16> input_{};
  bool between_members_ = false;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> OpenFile(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoError(errno, StrCat("opening ", path.string()));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return ErrnoError(errno, StrCat("stat ", path.string()));
  if (S_ISDIR(info.st_mode)) {
    return InvalidArgumentError(StrCat(path.string(), " is a directory, a file is needed"));
  }
  return std::unique_ptr<ByteSource>(std::make_unique<FileSource>(std::move(fd), path.string()));
}

std::unique_ptr<ByteSource> FromMemory(std::string content) {
  return std::make_unique<MemorySource>(std::move(content));
}

Result<std::string> PeekBytes(std::unique_ptr<ByteSource>& source, size_t size) {
  std::string prefix(size, '\0');
  size_t held = 0;
  while (held < size) {
    FLEXMIG_ASSIGN_OR_RETURN(const size_t n, source->Read(prefix.data() + held, size - held));
    if (n == 0) break;
    held += n;
  }
  prefix.resize(held);
  source = std::make_unique<PrefixedSource>(prefix, std::move(source));
  return prefix;
}

Result<std::unique_ptr<ByteSource>> Decompressed(std::unique_ptr<ByteSource> source,
                                                 std::string name) {
  constexpr std::string_view kGzipMagic = "\x1f\x8b";
  FLEXMIG_ASSIGN_OR_RETURN(const std::string prefix, PeekBytes(source, kGzipMagic.size()));
  if (prefix != kGzipMagic) return source;
  return std::unique_ptr<ByteSource>(
      std::make_unique<GzipSource>(std::move(source), std::move(name)));
}

}  // namespace flexmig::trace

#include "flexmig/trace/line_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "flexmig/base/strings.h"

namespace flexmig::trace {

namespace {
constexpr size_t kReadBytes = size_t{1} << 16;
}

std::string QuotedForMessage(std::string_view text) {
  constexpr size_t kShown = 40;
  std::string shown(text.substr(0, kShown));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return StrCat("'", shown, text.size() > kShown ? "'..." : "'");
}

LineReader::LineReader(std::unique_ptr<ByteSource> source, std::string name)
    : source_(std::move(source)), name_(std::move(name)), buffer_(kReadBytes) {}

// Moves what is held to the front and reads behind it; 0 at the end.
Result<size_t> LineReader::Fill() {
  const size_t held = end_ - begin_;
  std::memmove(buffer_.data(), buffer_.data() + begin_, held);
  begin_ = 0;
  end_ = held;
  FLEXMIG_ASSIGN_OR_RETURN(const size_t n,
                           source_->Read(buffer_.data() + end_, buffer_.size() - end_));
  end_ += n;
  return n;
}

Result<std::optional<std::string_view>> LineReader::Next() {
  size_t searched = 0;
  while (true) {
    const char* from = buffer_.data() + begin_;
    const size_t held = end_ - begin_;
    const void* newline = std::memchr(from + searched, '\n', held - searched);
    if (newline != nullptr) {
      const auto length = static_cast<size_t>(static_cast<const char*>(newline) - from);
      begin_ += length + 1;
      ++line_number_;
      if (length > kMaxLineBytes) return TooLong();
      return std::optional<std::string_view>(std::string_view(from, length));
    }
    searched = held;
    if (held > kMaxLineBytes) {
      ++line_number_;
      FLEXMIG_RETURN_IF_ERROR(SkipRestOfLine());
      return TooLong();
    }
    FLEXMIG_ASSIGN_OR_RETURN(const size_t n, Fill());
    if (n > 0) continue;
    if (held == 0) return std::optional<std::string_view>();
    ++line_number_;
    begin_ = end_;
    return ErrorAt(held + 1, "a newline at the end of the last line; the file may be cut short");
  }
}

Status LineReader::SkipRestOfLine() {
  while (true) {
    const char* from = buffer_.data() + begin_;
    const void* newline = std::memchr(from, '\n', end_ - begin_);
    if (newline != nullptr) {
      begin_ += static_cast<size_t>(static_cast<const char*>(newline) - from) + 1;
      return OkStatus();
    }
    begin_ = end_;
    FLEXMIG_ASSIGN_OR_RETURN(const size_t n, Fill());
    if (n == 0) return OkStatus();
  }
}

Status LineReader::ErrorAt(size_t column, std::string_view expected) const {
  return InvalidArgumentError(
      StrCat(name_, ":", std::max<int64_t>(line_number_, 1), ":", column, ": expected ", expected));
}

Status LineReader::TooLong() const {
  return ErrorAt(kMaxLineBytes + 1, StrCat("a line of at most ", kMaxLineBytes, " bytes"));
}

}  // namespace flexmig::trace

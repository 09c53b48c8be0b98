#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/trace/byte_source.h"

namespace flexmig::trace {

// `text` as it can stand in a message: quoted, cut after 40 bytes, without what would upset a
// terminal.
std::string QuotedForMessage(std::string_view text);

// A text one line at a time. Every line, the last one too, ends in a newline, so that a file that
// was cut short is noticed; lines have at most kMaxLineBytes.
//
// Messages are "name:line:column: expected ...", both counted from 1, columns in bytes.
// Memory: one buffer of 64 KiB, whatever the length of the text. Threading: one owner.
class LineReader {
 public:
  // A line that is longer is not a job but some other file.
  static constexpr size_t kMaxLineBytes = 4096;

  // `name` stands in messages.
  LineReader(std::unique_ptr<ByteSource> source, std::string name);

  // The next line without its newline, valid until the next call; nullopt at the end.
  // Errors: kInvalidArgument for a line that is too long or has no newline, after which the next
  // call goes on behind it; those of the source, after which it is spent.
  Result<std::optional<std::string_view>> Next();

  // Of the line that was read last; 0 before the first.
  [[nodiscard]] int64_t line_number() const { return line_number_; }

  // kInvalidArgument, at a column of the line that was read last (line 1 before the first).
  [[nodiscard]] Status ErrorAt(size_t column, std::string_view expected) const;

 private:
  Result<size_t> Fill();
  Status SkipRestOfLine();
  [[nodiscard]] Status TooLong() const;

  std::unique_ptr<ByteSource> source_;
  std::string name_;
  std::vector<char> buffer_;  // [begin_, end_) is read but not yet given out
  size_t begin_ = 0;
  size_t end_ = 0;
  int64_t line_number_ = 0;
};

}  // namespace flexmig::trace

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/trace/byte_source.h"
#include "flexmig/trace/line_reader.h"
#include "flexmig/trace/row_reader.h"

namespace flexmig::trace {

// One cell of a row, without its quotes.
struct Field {
  std::string_view text;
  size_t column = 0;  // from 1, in bytes
};

// The rows of a CSV table with a header line, as other projects publish them: columns are found by
// name, others are ignored; a field may be quoted (RFC 4180) but holds no newline; a carriage
// return before the newline is dropped.
//
// Threading: one owner.
class DelimitedReader {
 public:
  // Reads the header. Errors: kInvalidArgument for an empty file, those of `source`.
  static Result<DelimitedReader> Create(std::unique_ptr<ByteSource> source, std::string name);

  // Create, then Select.
  static Result<DelimitedReader> Create(std::unique_ptr<ByteSource> source, std::string name,
                                        std::span<const std::string_view> wanted);

  [[nodiscard]] bool HasColumn(std::string_view column) const;

  // Names the columns that Next gives, in its order. Errors: kInvalidArgument for a header that
  // lacks one or has one twice. REQUIRES: before the first Next.
  Status Select(std::span<const std::string_view> wanted);

  // The wanted fields of the next row, valid until the next call; nullopt at the end.
  // Errors: kInvalidArgument for a row with another number of columns than the header or with
  // unbalanced quotes, after which the next call goes on behind it; those of LineReader::Next.
  Result<std::optional<std::span<const Field>>> Next();

  // Rows given out or refused so far.
  [[nodiscard]] int64_t rows() const { return rows_; }

  // The field as a number or text, or kInvalidArgument with its place and "expected `what`".
  [[nodiscard]] Result<int64_t> Whole(const Field& field, int64_t min, int64_t max,
                                      std::string_view what) const;
  [[nodiscard]] Result<int64_t> Millionths(const Field& field, int64_t max_whole,
                                           std::string_view what) const;
  // Seconds from 0 to kMaxSeconds, in microseconds.
  [[nodiscard]] Result<int64_t> Seconds(const Field& field) const;
  // What own CSV can hold.
  [[nodiscard]] Result<std::string> Text(const Field& field) const;

  // kInvalidArgument: expected `what`, found the field.
  [[nodiscard]] Status Wrong(const Field& field, std::string_view what) const;

 private:
  DelimitedReader(std::unique_ptr<ByteSource> source, std::string name)
      : lines_(std::move(source), std::move(name)) {}
  // The fields of the line into `cells_`.
  Status Split(std::string_view line);

  LineReader lines_;
  int64_t rows_ = 0;
  std::vector<size_t> positions_;  // of the wanted columns
  std::vector<std::string> header_;
  std::vector<Field> cells_;
  std::vector<Field> wanted_cells_;
  std::string unquoted_;  // quoted fields of the line, without their quotes
};

// What a reader's Next makes of a failed line: kInvalidArgument is a bad row, anything else ends
// the reading.
Result<std::optional<Row>> BadOrFatal(const Status& status);

}  // namespace flexmig::trace

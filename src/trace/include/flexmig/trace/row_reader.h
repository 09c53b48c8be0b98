#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "flexmig/base/status.h"
#include "flexmig/trace/job_record.h"

namespace flexmig::trace {

// A row that is well-formed but no GPU job that ran: the format's header says which these are.
struct LeftOutRow {
  std::string_view reason;  // static storage, e.g. "asks for no GPU"
};

// A malformed row; kInvalidArgument that names file, line and column.
struct BadRow {
  Status why;
};

using Row = std::variant<JobRecord, LeftOutRow, BadRow>;

// One trace format, read from front to back. Job ids occur once; times are as the source has them,
// not sorted.
//
// Threading: one owner.
class RowReader {
 public:
  virtual ~RowReader() = default;
  RowReader(const RowReader&) = delete;
  RowReader& operator=(const RowReader&) = delete;

  // The next row, or nullopt at the end. Errors: what ends the reading (the source fails, gzip is
  // damaged, JSON is none); after one the reader is spent.
  virtual Result<std::optional<Row>> Next() = 0;

 protected:
  RowReader() = default;
};

}  // namespace flexmig::trace

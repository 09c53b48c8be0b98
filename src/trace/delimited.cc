#include "delimited.h"

#include <algorithm>

#include "flexmig/base/strings.h"
#include "flexmig/trace/csv_writer.h"
#include "flexmig/trace/job_record.h"

#include "decimal.h"

namespace flexmig::trace {

Result<DelimitedReader> DelimitedReader::Create(std::unique_ptr<ByteSource> source,
                                                std::string name) {
  DelimitedReader reader(std::move(source), std::move(name));
  FLEXMIG_ASSIGN_OR_RETURN(const auto line, reader.lines_.Next());
  if (!line) return reader.lines_.ErrorAt(1, "a header line, found an empty file");
  FLEXMIG_RETURN_IF_ERROR(reader.Split(*line));
  for (const Field& cell : reader.cells_) reader.header_.emplace_back(cell.text);
  return reader;
}

Result<DelimitedReader> DelimitedReader::Create(std::unique_ptr<ByteSource> source,
                                                std::string name,
                                                std::span<const std::string_view> wanted) {
  FLEXMIG_ASSIGN_OR_RETURN(auto reader, Create(std::move(source), std::move(name)));
  FLEXMIG_RETURN_IF_ERROR(reader.Select(wanted));
  return reader;
}

bool DelimitedReader::HasColumn(std::string_view column) const {
  return std::find(header_.begin(), header_.end(), column) != header_.end();
}

Status DelimitedReader::Select(std::span<const std::string_view> wanted) {
  positions_.clear();
  for (const std::string_view column : wanted) {
    const auto at = std::find(header_.begin(), header_.end(), column);
    if (at == header_.end()) {
      return lines_.ErrorAt(1, StrCat("a header line with the column '", column, "', found ",
                                      QuotedForMessage(StrJoin(header_, ","))));
    }
    if (std::find(at + 1, header_.end(), column) != header_.end()) {
      return lines_.ErrorAt(1, StrCat("a header line with the column '", column, "' once"));
    }
    positions_.push_back(static_cast<size_t>(at - header_.begin()));
  }
  wanted_cells_.resize(wanted.size());
  return OkStatus();
}

Result<std::optional<std::span<const Field>>> DelimitedReader::Next() {
  auto line = lines_.Next();
  if (!line.ok()) {
    if (line.status().code() == StatusCode::kInvalidArgument) ++rows_;
    return line.status();
  }
  if (!*line) return std::optional<std::span<const Field>>();
  ++rows_;
  FLEXMIG_RETURN_IF_ERROR(Split(**line));
  if (cells_.size() != header_.size()) {
    const Field& last = cells_.back();
    return lines_.ErrorAt(
        last.column + last.text.size(),
        StrCat(header_.size(), " columns as in the header, found ", cells_.size()));
  }
  for (size_t i = 0; i < positions_.size(); ++i) wanted_cells_[i] = cells_[positions_[i]];
  return std::optional(std::span<const Field>(wanted_cells_));
}

Status DelimitedReader::Split(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  cells_.clear();
  unquoted_.clear();
  unquoted_.reserve(line.size());  // views into it must stay
  size_t at = 0;
  while (true) {
    if (at < line.size() && line[at] == '"') {
      const size_t column = at + 1;
      const size_t start = unquoted_.size();
      for (++at;; ++at) {
        if (at == line.size()) return lines_.ErrorAt(column, "a closing quote in the same line");
        if (line[at] == '"') {
          if (at + 1 == line.size() || line[at + 1] != '"') break;
          ++at;  // a doubled quote is one
        }
        unquoted_ += line[at];
      }
      ++at;
      if (at < line.size() && line[at] != ',') {
        return lines_.ErrorAt(at + 1, "a comma or the end of the line behind a closing quote");
      }
      cells_.push_back({std::string_view(unquoted_).substr(start), column});
    } else {
      const size_t end = std::min(line.find(',', at), line.size());
      cells_.push_back({line.substr(at, end - at), at + 1});
      at = end;
    }
    if (at == line.size()) return OkStatus();
    ++at;
  }
}

Result<int64_t> DelimitedReader::Whole(const Field& field, int64_t min, int64_t max,
                                       std::string_view what) const {
  const auto value = ParseInt(field.text, min, max);
  if (!value.ok()) return Wrong(field, what);
  return *value;
}

Result<int64_t> DelimitedReader::Millionths(const Field& field, int64_t max_whole,
                                            std::string_view what) const {
  const auto value = ParseMillionths(field.text, max_whole);
  if (!value) return Wrong(field, what);
  return *value;
}

Result<int64_t> DelimitedReader::Seconds(const Field& field) const {
  return Millionths(field, kMaxSeconds,
                    "seconds: a number from 0 to 1000000000 with at most 6 decimals");
}

Result<std::string> DelimitedReader::Text(const Field& field) const {
  if (!IsCsvText(field.text)) {
    return Wrong(field, "text without commas, quotes and control characters");
  }
  return std::string(field.text);
}

Status DelimitedReader::Wrong(const Field& field, std::string_view what) const {
  return lines_.ErrorAt(field.column, StrCat(what, ", found ", QuotedForMessage(field.text)));
}

Result<std::optional<Row>> BadOrFatal(const Status& status) {
  if (status.code() != StatusCode::kInvalidArgument) return status;
  return std::optional<Row>(BadRow{status});
}

}  // namespace flexmig::trace

#include "json_array.h"

#include <utility>

#include "flexmig/base/strings.h"
#include "flexmig/trace/line_reader.h"

namespace flexmig::trace {

JsonArrayReader::JsonArrayReader(std::unique_ptr<ByteSource> source, std::string name)
    : source_(std::move(source)), name_(std::move(name)), buffer_(size_t{1} << 16) {}

Result<std::optional<char>> JsonArrayReader::Look() {
  if (begin_ == end_) {
    FLEXMIG_ASSIGN_OR_RETURN(end_, source_->Read(buffer_.data(), buffer_.size()));
    begin_ = 0;
    if (end_ == 0) return std::optional<char>();
  }
  return std::optional(buffer_[begin_]);
}

Result<std::optional<char>> JsonArrayReader::LookBehindBlanks() {
  while (true) {
    FLEXMIG_ASSIGN_OR_RETURN(const auto c, Look());
    if (!c || (*c != ' ' && *c != '\t' && *c != '\r' && *c != '\n')) return c;
    Take();
  }
}

Result<std::optional<std::string_view>> JsonArrayReader::Next() {
  if (!open_) {
    FLEXMIG_ASSIGN_OR_RETURN(const auto c, LookBehindBlanks());
    if (c != '[') return Expected("'[', the beginning of an array of jobs", c);
    Take();
    open_ = true;
  }
  FLEXMIG_ASSIGN_OR_RETURN(auto c, LookBehindBlanks());
  if (c == ']') {
    Take();
    FLEXMIG_ASSIGN_OR_RETURN(c, LookBehindBlanks());
    if (c) return Expected("the end of the file behind the array", c);
    return std::optional<std::string_view>();
  }
  if (!first_) {
    if (c != ',') return Expected("',' or ']' behind a job", c);
    Take();
    FLEXMIG_ASSIGN_OR_RETURN(c, LookBehindBlanks());
  }
  first_ = false;
  if (c != '{') return Expected("'{', the beginning of a job", c);
  FLEXMIG_RETURN_IF_ERROR(ReadElement());
  return std::optional<std::string_view>(element_);
}

Status JsonArrayReader::ReadElement() {
  element_.clear();
  element_place_ = place_;
  size_t depth = 0;
  bool in_string = false;
  bool escaped = false;
  do {
    FLEXMIG_ASSIGN_OR_RETURN(const auto c, Look());
    if (!c) return Expected("the end of the job; the file may be cut short", c);
    if (element_.size() == kMaxElementBytes) {
      return Expected(StrCat("a job of at most ", kMaxElementBytes, " bytes"), c);
    }
    element_ += *c;
    Take();
    if (in_string) {
      in_string = escaped || *c != '"';
      escaped = !escaped && *c == '\\';
    } else if (*c == '"') {
      in_string = true;
    } else if (*c == '{' || *c == '[') {
      ++depth;
    } else if (*c == '}' || *c == ']') {
      --depth;
    }
  } while (depth > 0);
  return OkStatus();
}

Status JsonArrayReader::ErrorAt(size_t offset, std::string_view expected) const {
  Place place = element_place_;
  for (const char c : std::string_view(element_).substr(0, offset)) place.Pass(c);
  return InvalidArgumentError(
      StrCat(name_, ":", place.line, ":", place.column, ": expected ", expected));
}

Status JsonArrayReader::Expected(std::string_view what, std::optional<char> found) const {
  return InvalidArgumentError(
      StrCat(name_, ":", place_.line, ":", place_.column, ": expected ", what, ", found ",
             found ? QuotedForMessage(std::string_view(&*found, 1)) : "the end of the file"));
}

}  // namespace flexmig::trace

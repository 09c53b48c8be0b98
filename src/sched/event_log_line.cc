#include "event_log_line.h"

#include <algorithm>

#include "event_log_words.h"

namespace flexmig::sched {

namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool Line::Take(std::string_view word) {
  const std::string_view rest = text_.substr(std::min(at_, text_.size()));
  if (!rest.starts_with(word)) return false;
  if (word.back() == '=') {
    at_ += word.size();
    return true;
  }
  if (rest.size() > word.size() && rest[word.size()] != ' ') return false;
  begin_ = at_;
  at_ += word.size();
  SkipSpace();
  return true;
}

Result<std::string_view> Line::Word() {
  begin_ = at_;
  if (AtEnd()) return Wrong("a word is missing");
  const size_t end = std::min(text_.find(' ', at_), text_.size());
  if (end == at_) return Wrong("a word is missing");
  const std::string_view word = text_.substr(at_, end - at_);
  at_ = end;
  SkipSpace();
  return word;
}

Result<std::string> Line::Text() {
  FLEXMIG_ASSIGN_OR_RETURN(const std::string_view word, Word());
  std::string text;
  if (word == "%") return text;
  for (size_t i = 0; i < word.size(); ++i) {
    if (IsPlain(word[i])) {
      text += word[i];
      continue;
    }
    const int high = word[i] == '%' && i + 2 < word.size() ? HexDigit(word[i + 1]) : -1;
    const int low = high >= 0 ? HexDigit(word[i + 2]) : -1;
    const char byte = static_cast<char>(high * 16 + low);
    // What stands for itself is never escaped, so that every text has one form.
    if (high < 0 || low < 0 || IsPlain(byte)) {
      begin_ += i;
      return Wrong("expected a letter, a digit, one of . _ - : / or %XX");
    }
    text += byte;
    i += 2;
  }
  return text;
}

Result<int64_t> Line::Number(int64_t min, int64_t max) {
  FLEXMIG_ASSIGN_OR_RETURN(const std::string_view word, Word());
  return NumberIn(word, min, max);
}

Result<int64_t> Line::NumberIn(std::string_view digits, int64_t min, int64_t max) const {
  const auto number = ParseInt(digits, min, max);
  if (!number.ok()) return Wrong(number.status().message());
  if (StrCat(*number) != digits) return Wrong("a number is written without leading zeros");
  return *number;
}

Result<int> Line::Int(int64_t min, int64_t max) {
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t number, Number(min, max));
  return static_cast<int>(number);
}

Result<JobId> Line::Job() {
  FLEXMIG_ASSIGN_OR_RETURN(std::string text, Text());
  return JobId(std::move(text));
}

Status Line::End() {
  begin_ = at_;
  if (!AtEnd()) return Wrong("nothing more is expected here");
  if (!text_.ends_with(' ')) return OkStatus();
  --begin_;
  return Wrong("a space at the end of the line");
}

Status Line::Wrong(std::string_view what) const {
  return InvalidArgumentError(StrCat(name_, ":", number_, ":", begin_ + 1, ": ", what));
}

Status Line::WrongNext(std::string_view what) {
  begin_ = at_;
  return Wrong(what);
}

void Line::SkipSpace() {
  if (!AtEnd()) ++at_;
}

}  // namespace flexmig::sched

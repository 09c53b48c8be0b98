#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "flexmig/base/status.h"
#include "flexmig/base/strings.h"
#include "flexmig/base/strong_id.h"
#include "flexmig/sched/replay.h"

namespace flexmig::sched {

inline constexpr int64_t kMaxInt = std::numeric_limits<int>::max();
// Half the range is left for sums of two times.
inline constexpr int64_t kMaxMicros = std::numeric_limits<int64_t>::max() / 2;

// The words of one line of an event log, with single spaces between them.
class Line {
 public:
  // `name` and `number` are for messages; the texts outlive the line.
  Line(std::string_view text, std::string_view name, size_t number)
      : text_(text), name_(name), number_(number) {}

  [[nodiscard]] bool AtEnd() const { return at_ >= text_.size(); }
  // Takes the next word if it is `word`, or the beginning of it if `word` ends in '='; says whether
  // it did.
  bool Take(std::string_view word);

  // Errors of all that follows: kInvalidArgument with name:line:column.

  // The next word as it stands there, and unescaped.
  Result<std::string_view> Word();
  Result<std::string> Text();
  Result<JobId> Job();
  Result<int64_t> Number(int64_t min, int64_t max);
  Result<int> Int(int64_t min, int64_t max);
  // `digits` are part of the word last taken.
  Result<int64_t> NumberIn(std::string_view digits, int64_t min, int64_t max) const;
  // Errors if anything is left.
  Status End();

  // An error at the word last taken; at the next one.
  [[nodiscard]] Status Wrong(std::string_view what) const;
  [[nodiscard]] Status WrongNext(std::string_view what);

 private:
  void SkipSpace();

  std::string_view text_;
  std::string_view name_;
  size_t number_;
  size_t at_ = 0;
  size_t begin_ = 0;  // of the word last taken
};

// The lines of a text, of which the last may be cut short.
class Lines {
 public:
  Lines(std::string_view text, std::string_view name) : rest_(text), name_(name) {}

  // Moves to the next line; false if there is no whole one.
  bool Next() {
    const size_t end = rest_.find('\n');
    if (end == std::string_view::npos) return false;
    current_ = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    ++number_;
    return true;
  }
  [[nodiscard]] Line Current() const { return {current_, name_, number_}; }
  [[nodiscard]] bool cut_short() const { return !rest_.empty(); }
  // An error where the next line would begin.
  [[nodiscard]] Status Missing(std::string_view what) const {
    return InvalidArgumentError(StrCat(name_, ":", number_ + 1, ":1: ", what));
  }

 private:
  std::string_view rest_;
  std::string_view name_;
  std::string_view current_;
  size_t number_ = 0;
};

template <typename T>
Status ReadInto(Result<T> result, T& into) {
  if (!result.ok()) return result.status();
  into = *std::move(result);
  return OkStatus();
}

// Reads the header, up to and with the line "events".
Status ReadSetup(Lines& lines, SchedulerSetup& setup);

}  // namespace flexmig::sched

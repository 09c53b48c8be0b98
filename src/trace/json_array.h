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

// Cuts a JSON array into the text of its elements, which must be objects, so that an array of any
// length needs the memory of one. It only balances brackets and skips strings; whether an element
// is JSON is for its parser to say.
//
// Threading: one owner.
class JsonArrayReader {
 public:
  // An object of more bytes is not a job but some other file.
  static constexpr size_t kMaxElementBytes = size_t{1} << 20;

  // `name` stands in messages.
  JsonArrayReader(std::unique_ptr<ByteSource> source, std::string name);

  // The next element, valid until the next call; nullopt behind the closing bracket.
  // Errors: kInvalidArgument, with line and column, for what is no array of objects, is cut short,
  // or is followed by something else; those of the source. After an error the reader is spent.
  Result<std::optional<std::string_view>> Next();

  // kInvalidArgument at byte `offset` of the last element.
  [[nodiscard]] Status ErrorAt(size_t offset, std::string_view expected) const;

 private:
  struct Place {
    int64_t line = 1;
    int64_t column = 1;
    void Pass(char c) {
      if (c == '\n') {
        ++line;
        column = 1;
      } else {
        ++column;
      }
    }
  };

  // The next byte, or nullopt at the end; Take passes it.
  Result<std::optional<char>> Look();
  void Take() { place_.Pass(buffer_[begin_++]); }
  Result<std::optional<char>> LookBehindBlanks();
  Status ReadElement();
  [[nodiscard]] Status Expected(std::string_view what, std::optional<char> found) const;

  std::unique_ptr<ByteSource> source_;
  std::string name_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  Place place_;
  bool open_ = false;
  bool first_ = true;
  std::string element_;
  Place element_place_;
};

}  // namespace flexmig::trace

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace flexmig::agent {

// Joins what several streams write into one text, a whole line at a time, with the stream's prefix
// in front of each line.
//
// A line that is begun is held back until it ends, FlushPartial is called, or it grows above 64
// KiB. If another stream comes between the pieces of such a line, the first piece gets an end of
// line. Without prefixes nothing is held, added or changed. Threading: thread-compatible.
class LineMixer {
 public:
  explicit LineMixer(bool with_prefixes) : with_prefixes_(with_prefixes) {}

  // Returns the new stream's number.
  size_t AddStream(std::string prefix);

  void Add(size_t stream, std::string_view bytes);
  // A line of nobody, without its end.
  void AddLine(std::string_view line);

  [[nodiscard]] bool HasPartial(size_t stream) const { return !streams_[stream].partial.empty(); }
  // Moves the begun line of `stream` into the text.
  void FlushPartial(size_t stream);
  // Moves all begun lines into the text, and ends the last.
  void Finish();

  // The text that is not consumed yet. Valid until the next call that changes the object.
  [[nodiscard]] std::string_view pending() const {
    return std::string_view(text_).substr(consumed_);
  }
  // REQUIRES: bytes <= pending().size().
  void Consume(size_t bytes);

 private:
  struct Stream {
    std::string prefix;
    std::string partial;
  };
  static constexpr size_t kNone = ~size_t{0};

  void Emit(size_t stream, std::string_view bytes);
  void EndOpenLine();

  const bool with_prefixes_;
  std::vector<Stream> streams_;
  std::string text_;
  size_t consumed_ = 0;
  size_t open_ = kNone;  // the stream in whose line the text ends
};

}  // namespace flexmig::agent

#include "line_mixer.h"

#include "flexmig/base/check.h"

namespace flexmig::agent {

namespace {

// Far above any line meant for people, far below what hurts in memory for hundreds of ranks.
constexpr size_t kMaxPartialBytes = 64 << 10;

}  // namespace

size_t LineMixer::AddStream(std::string prefix) {
  streams_.push_back({std::move(prefix), {}});
  return streams_.size() - 1;
}

void LineMixer::Add(size_t stream, std::string_view bytes) {
  if (!with_prefixes_) {
    text_ += bytes;
    return;
  }
  std::string& partial = streams_[stream].partial;
  const size_t last_end = bytes.rfind('\n');
  if (last_end == std::string_view::npos) {
    partial += bytes;
  } else {
    partial += bytes.substr(0, last_end + 1);
    FlushPartial(stream);
    partial = bytes.substr(last_end + 1);
  }
  if (partial.size() > kMaxPartialBytes) FlushPartial(stream);
}

void LineMixer::AddLine(std::string_view line) {
  EndOpenLine();
  text_ += line;
  text_ += '\n';
}

void LineMixer::FlushPartial(size_t stream) {
  Emit(stream, streams_[stream].partial);
  streams_[stream].partial.clear();
}

void LineMixer::Finish() {
  for (size_t stream = 0; stream < streams_.size(); ++stream) FlushPartial(stream);
  EndOpenLine();
}

void LineMixer::Emit(size_t stream, std::string_view bytes) {
  while (!bytes.empty()) {
    if (open_ != stream) {
      EndOpenLine();
      text_ += streams_[stream].prefix;
      open_ = stream;
    }
    const size_t end = bytes.find('\n');
    const size_t length = end == std::string_view::npos ? bytes.size() : end + 1;
    text_ += bytes.substr(0, length);
    if (end != std::string_view::npos) open_ = kNone;
    bytes.remove_prefix(length);
  }
}

void LineMixer::EndOpenLine() {
  if (open_ != kNone) text_ += '\n';
  open_ = kNone;
}

void LineMixer::Consume(size_t bytes) {
  FLEXMIG_CHECK(bytes <= pending().size());
  consumed_ += bytes;
  // Moving the rest to the front each time would cost the square of a long backlog.
  if (consumed_ == text_.size() || consumed_ > kMaxPartialBytes) {
    text_.erase(0, consumed_);
    consumed_ = 0;
  }
}

}  // namespace flexmig::agent

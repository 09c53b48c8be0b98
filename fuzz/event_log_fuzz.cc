// Any bytes are a recording or an error that names line and column, never a crash; what is read is
// written as the same bytes, and can be replayed or is refused.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "flexmig/base/check.h"
#include "flexmig/sched/event_log_text.h"
#include "flexmig/sched/replay.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto recording = flexmig::sched::ParseRecording(text, "f");
  if (!recording.ok()) {
    FLEXMIG_CHECK(recording.status().code() == flexmig::StatusCode::kInvalidArgument);
    FLEXMIG_CHECK(recording.status().message().starts_with("f:"));
    return 0;
  }
  const std::string written = flexmig::sched::FormatRecording(*recording);
  FLEXMIG_CHECK(text.starts_with(written));
  FLEXMIG_CHECK(recording->cut_short == (text.size() > written.size()));
  FLEXMIG_CHECK(text.substr(written.size()).find('\n') == std::string_view::npos);

  auto scheduler = flexmig::sched::MakeScheduler(recording->setup);
  if (!scheduler.ok()) return 0;
  const auto replayed = flexmig::sched::Replay(recording->log, *scheduler);
  if (!replayed.ok()) return 0;
  auto again = flexmig::sched::MakeScheduler(recording->setup);
  const auto replayed_again = flexmig::sched::Replay(*replayed, *again);
  FLEXMIG_CHECK(replayed_again.ok());
  FLEXMIG_CHECK(!flexmig::sched::FirstDifference(*replayed, *replayed_again));
  return 0;
}

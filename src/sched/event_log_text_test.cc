#include "flexmig/sched/event_log_text.h"

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"

#include "world_for_test.h"

namespace flexmig::sched {
namespace {

// The worked example of docs/formats/event-log.md.
constexpr std::string_view kExample =
    "flexmig-event-log 1\n"
    "queue easy\n"
    "allocation first-fit\n"
    "reservation-depth 512\n"
    "ended-jobs-kept 1024\n"
    "default-quota leaves=4\n"
    "quota ann leaves=6 jobs=2\n"
    "gpu a100-40 GPU-sim-0 -1\n"
    "leaf 0 19 0 1 MIG-sim-0-0\n"
    "leaf 0 19 1 1 MIG-sim-0-1\n"
    "leaf 0 19 2 1 MIG-sim-0-2\n"
    "events\n"
    "0 submit train leaves=2 estimate=60000000 user=ann\n"
    "0 submit eval leaves=1 limit=5000000 after-ok=train\n"
    "0 submit huge leaves=9\n"
    "0 tick reject huge kInvalidArgument "
    "9%20leaves%20of%20one%20profile%20are%20more%20than%20this%20node%20has%3B%20the%20largest"
    "%20possible%20number%20is%203 start train 0,1\n"
    "58000000 finish-ok train\n"
    "58000000 tick start eval 0\n"
    "63000000 tick end eval\n"
    "63200000 finish-failed eval\n";

TEST(EventLogTextTest, WhatIsReadIsWrittenAsTheSameBytes) {
  const auto recording = ParseRecording(kExample, "log");
  ASSERT_TRUE(recording.ok()) << recording.status().ToString();
  EXPECT_EQ(recording->log.events.size(), 8U);
  EXPECT_FALSE(recording->cut_short);
  EXPECT_EQ(FormatRecording(*recording), kExample);
}

TEST(EventLogTextTest, AnEventOfEveryKindKeepsAllItsFields) {
  Job job = MakeJob("a b%", 3, 10);
  job.request.min_memory = Bytes::GiB(4);
  job.request.max_gpus = 2;
  job.request.min_compute_slices = 1;
  job.request.max_nodes = 2;
  job.request.comm = alloc::Comm::kLight;
  job.time_limit = Duration(20);
  job.priority = -7;
  job.user = "\xC3\xA9va";
  job.held = true;
  job.after = {{JobId("x"), Dependency::Condition::kEndedOk},
               {JobId(""), Dependency::Condition::kEnded}};
  job.moldable = MoldableRange{2, 4, {1, 2, 2}};
  EXPECT_EQ(FormatEvent({At(-3), SubmitEvent{job}}),
            "-3 submit a%20b%25 leaves=3 memory=4294967296 gpus=2 slices=1 nodes=2 comm=light "
            "estimate=10 limit=20 priority=-7 user=%C3%A9va held after-ok=x after-end=% "
            "range=2..4:1,2,2");
  const JobId id("j");
  EXPECT_EQ(FormatEvent({At(1), CancelEvent{id}}), "1 cancel j");
  EXPECT_EQ(FormatEvent({At(1), FinishEvent{id, JobEnd::kOk}}), "1 finish-ok j");
  EXPECT_EQ(FormatEvent({At(1), FinishEvent{id, JobEnd::kFailed}}), "1 finish-failed j");
  EXPECT_EQ(FormatEvent({At(1), HoldEvent{id}}), "1 hold j");
  EXPECT_EQ(FormatEvent({At(1), ReleaseHoldEvent{id}}), "1 release j");
  EXPECT_EQ(FormatEvent({At(1), LeafLostEvent{mig::LeafId(5)}}), "1 leaf-lost 5");
  EXPECT_EQ(FormatEvent({At(1), LeafBackEvent{mig::LeafId(5)}}), "1 leaf-back 5");
  EXPECT_EQ(FormatEvent({At(1), TickEvent{1, {EndJob{id}}}}), "1 tick max=1 end j");
}

TEST(EventLogTextTest, ALineThatWasCutShortIsLeftOut) {
  const std::string_view cut = kExample.substr(0, kExample.size() - 4);
  const auto recording = ParseRecording(cut, "log");
  ASSERT_TRUE(recording.ok()) << recording.status().ToString();
  EXPECT_TRUE(recording->cut_short);
  EXPECT_EQ(recording->log.events.size(), 7U);
}

TEST(EventLogTextTest, EveryMistakeNamesLineAndColumn) {
  const auto refused = [](std::string_view from, std::string_view to) {
    std::string text(kExample);
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    const auto recording = ParseRecording(text, "log");
    EXPECT_EQ(recording.status().code(), StatusCode::kInvalidArgument);
    return recording.status().message();
  };
  EXPECT_EQ(ParseRecording("", "log").status().message(), "log:1:1: expected flexmig-event-log");
  EXPECT_EQ(refused("log 1\n", "log 2\n"), "log:1:19: '2' is not a whole number from 1 to 1");
  EXPECT_EQ(refused("queue easy\n", ""), "log:2:1: expected queue");
  EXPECT_EQ(refused("a100-40", "a100-41").substr(0, 9), "log:8:5: ");
  EXPECT_EQ(refused("leaf 0 19 1", "leaf 0 18 1"), "log:10:8: the board has no such profile");
  EXPECT_EQ(refused("leaf 0 19 1", "leaf 0 19 9"),
            "log:11:11: leaves of a GPU are sorted by their start");
  EXPECT_EQ(refused("events\n", "event\n"), "log:12:1: expected events");
  EXPECT_EQ(refused("0 submit train", "00 submit train"),
            "log:13:1: a number is written without leading zeros");
  EXPECT_EQ(refused("submit train", "sbmit train"),
            "log:13:3: expected submit, cancel, finish-ok, finish-failed, hold, release, "
            "leaf-lost, leaf-back or tick");
  EXPECT_EQ(refused("train leaves=2", "tr!in leaves=2"),
            "log:13:12: expected a letter, a digit, one of . _ - : / or %XX");
  EXPECT_EQ(refused("leaves=2 estimate", "estimate"), "log:13:16: expected leaves=");
  EXPECT_EQ(refused("user=ann\n", "user=ann \n"), "log:13:51: a space at the end of the line");
  EXPECT_EQ(refused("user=ann\n", "user=ann x\n"), "log:13:52: nothing more is expected here");
  EXPECT_EQ(refused("kInvalidArgument", "kInvalid"),
            "log:16:20: expected an error code such as kInvalidArgument");
  EXPECT_EQ(refused("finish-ok train", "finish-ok"), "log:17:19: a word is missing");
}

TEST(EventLogTextTest, TheExampleReplaysToItsOwnDecisions) {
  const auto recording = ParseRecording(kExample, "log");
  ASSERT_TRUE(recording.ok());
  auto scheduler = MakeScheduler(recording->setup);
  ASSERT_TRUE(scheduler.ok());
  const auto replayed = Replay(recording->log, *scheduler);
  ASSERT_TRUE(replayed.ok()) << replayed.status().ToString();
  EXPECT_EQ(FirstDifference(recording->log, *replayed), std::nullopt);
}

TEST(EventLogTextTest, ADifferenceIsNamed) {
  auto recording = *ParseRecording(kExample, "log");
  EventLog other = recording.log;
  std::get<TickEvent>(other.events[5].what).decisions.clear();
  EXPECT_EQ(FirstDifference(recording.log, other),
            "event 6: '58000000 tick start eval 0' against '58000000 tick'");
  other = recording.log;
  other.events.pop_back();
  EXPECT_EQ(FirstDifference(recording.log, other), "8 events against 7");
  recording.log.events.erase(recording.log.events.begin());
  auto scheduler = MakeScheduler(recording.setup);
  ASSERT_TRUE(scheduler.ok());
  EXPECT_EQ(Replay(recording.log, *scheduler).status().message(),
            "event 1: job eval is to run after job train, which is not known");
}

}  // namespace
}  // namespace flexmig::sched

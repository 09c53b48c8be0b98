#include "capture.h"

#include <algorithm>
#include <chrono>

#include "context.h"

namespace flexmig::cuda_sim {

using cuda_abi::CaptureMode;

namespace {

// How many captures are under way, so that other calls need not take the lock.
std::atomic<int> captures_under_way{0};

std::vector<std::shared_ptr<Capture>>& Captures() {  // guarded by CaptureMutex
  static auto* const captures = new std::vector<std::shared_ptr<Capture>>;
  return *captures;
}

// REQUIRES for all that follow: CaptureMutex is held.

void AddTail(Stream& stream, const std::vector<size_t>& nodes) {
  for (const size_t node : nodes) {
    if (std::ranges::find(stream.capture_tail, node) == stream.capture_tail.end()) {
      stream.capture_tail.push_back(node);
    }
  }
}

void Finish(const std::shared_ptr<Capture>& capture) {
  capture->is_over = true;
  for (const auto& member : capture->members) {
    member->capture = nullptr;
    member->capture_tail.clear();
  }
  capture->members.clear();
  std::erase(Captures(), capture);
  captures_under_way = static_cast<int>(Captures().size());
}

// Whether `stream`, a default stream, would order with one that is being captured.
bool WouldJoinImplicitly(const std::shared_ptr<Stream>& stream) {
  if (stream != stream->context().legacy_stream()) return false;
  bool would = false;
  for (const auto& capture : Captures()) {
    for (const auto& member : capture->members) {
      if (&member->context() != &stream->context() || !member->is_blocking()) continue;
      capture->is_invalid = true;
      would = true;
    }
  }
  return would;
}

}  // namespace

std::mutex& CaptureMutex() {
  static auto* const mutex = new std::mutex;
  return *mutex;
}

size_t Graph::Add(Node node) {
  nodes_.push_back(std::move(node));
  return nodes_.size() - 1;
}

bool Graph::AreBefore(const std::vector<size_t>& nodes, const std::vector<size_t>& ends) const {
  std::vector<bool> reached(nodes_.size(), false);
  for (const size_t end : ends) reached[end] = true;
  // Dependencies are earlier nodes, so one pass from the end finds all.
  for (size_t i = nodes_.size(); i-- > 0;) {
    if (!reached[i]) continue;
    for (const size_t before : nodes_[i].after) reached[before] = true;
  }
  return std::ranges::all_of(nodes, [&](size_t node) { return reached[node]; });
}

GraphProgram::GraphProgram(const Graph& graph) {
  std::vector<const Stream*> names;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Graph::Node& node = graph.nodes()[i];
    steps_.push_back({node.body, node.after});
    auto lane = std::ranges::find(names, node.lane);
    if (lane == names.end()) {
      lane = names.insert(lane, node.lane);
      lanes_.emplace_back();
    }
    lanes_[static_cast<size_t>(lane - names.begin())].push_back(i);
  }
}

ResultCode GraphProgram::Run() const {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<bool> is_done(steps_.size(), false);
  auto outcome = ResultCode::kSuccess;
  const auto run_lane = [&](const std::vector<size_t>& lane) {
    for (const size_t index : lane) {
      const Step& step = steps_[index];
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] {
          return outcome != ResultCode::kSuccess ||
                 std::ranges::all_of(step.after, [&](size_t before) { return is_done[before]; });
        });
        if (outcome != ResultCode::kSuccess) return;
      }
      const ResultCode code = step.body == nullptr ? ResultCode::kSuccess : step.body();
      const std::lock_guard lock(mutex);
      is_done[index] = true;
      if (code != ResultCode::kSuccess && outcome == ResultCode::kSuccess) outcome = code;
      changed.notify_all();
    }
  };
  // Threads inherit the blocked signals of the stream's.
  std::vector<std::thread> helpers;
  for (size_t i = 1; i < lanes_.size(); ++i) {
    helpers.emplace_back([&run_lane, &lane = lanes_[i]] { run_lane(lane); });
  }
  if (!lanes_.empty()) run_lane(lanes_[0]);
  for (std::thread& helper : helpers) helper.join();
  return outcome;
}

ResultCode Submit(const std::shared_ptr<Stream>& stream, Body body, std::vector<Mark> after,
                  Mark* mark) {
  if (captures_under_way.load() > 0) {
    const std::lock_guard lock(CaptureMutex());
    if (const auto& capture = stream->capture) {
      if (capture->is_invalid) return ResultCode::kStreamCaptureInvalidated;
      const size_t node =
          capture->graph->Add({std::move(body), stream->capture_tail, stream.get()});
      stream->capture_tail = {node};
      return ResultCode::kSuccess;
    }
    if (WouldJoinImplicitly(stream)) return ResultCode::kStreamCaptureImplicit;
  }
  Mark end = stream->context().Submit(stream, std::move(after), std::move(body));
  if (mark != nullptr) *mark = std::move(end);
  return ResultCode::kSuccess;
}

CaptureMode& ThreadCaptureMode() {
  thread_local auto mode = CaptureMode::kGlobal;
  return mode;
}

ResultCode CheckNotCaptured() {
  if (captures_under_way.load() == 0) return ResultCode::kSuccess;
  const CaptureMode mine = ThreadCaptureMode();
  if (mine == CaptureMode::kRelaxed) return ResultCode::kSuccess;
  const std::lock_guard lock(CaptureMutex());
  bool forbidden = false;
  for (const auto& capture : Captures()) {
    const bool is_mine = capture->thread == std::this_thread::get_id();
    const bool forbids =
        is_mine ? capture->mode != CaptureMode::kRelaxed
                : mine == CaptureMode::kGlobal && capture->mode == CaptureMode::kGlobal;
    if (!forbids) continue;
    capture->is_invalid = true;
    forbidden = true;
  }
  return forbidden ? ResultCode::kStreamCaptureUnsupported : ResultCode::kSuccess;
}

ResultCode BeginCapture(const std::shared_ptr<Stream>& stream, CaptureMode mode) {
  // The legacy default stream cannot be captured.
  if (stream == stream->context().legacy_stream()) return ResultCode::kStreamCaptureUnsupported;
  const std::lock_guard lock(CaptureMutex());
  if (stream->capture != nullptr) return ResultCode::kIllegalState;
  static uint64_t last_id = 0;
  auto capture = std::make_shared<Capture>(++last_id, mode, stream);
  capture->members.push_back(stream);
  stream->capture = capture;
  stream->capture_tail.clear();
  Captures().push_back(std::move(capture));
  captures_under_way = static_cast<int>(Captures().size());
  return ResultCode::kSuccess;
}

ResultCode EndCapture(const std::shared_ptr<Stream>& stream, std::shared_ptr<Graph>* graph) {
  const std::lock_guard lock(CaptureMutex());
  const std::shared_ptr<Capture> capture = stream->capture;
  if (capture == nullptr) return ResultCode::kIllegalState;
  if (capture->origin != stream) {
    capture->is_invalid = true;
    return ResultCode::kStreamCaptureUnmatched;
  }
  if (capture->mode != CaptureMode::kRelaxed && capture->thread != std::this_thread::get_id()) {
    return ResultCode::kStreamCaptureWrongThread;
  }
  const bool is_joined = std::ranges::all_of(capture->members, [&](const auto& member) {
    return capture->graph->AreBefore(member->capture_tail, stream->capture_tail);
  });
  Finish(capture);
  if (capture->is_invalid) return ResultCode::kStreamCaptureInvalidated;
  if (!is_joined) return ResultCode::kStreamCaptureUnjoined;
  *graph = capture->graph;
  return ResultCode::kSuccess;
}

ResultCode LaunchGraph(const std::shared_ptr<GraphProgram>& program,
                       const std::shared_ptr<Stream>& stream) {
  const std::lock_guard lock(program->launch_mutex);
  return Submit(
      stream, [program] { return program->Run(); }, {program->last_launch}, &program->last_launch);
}

ResultCode RecordEvent(Event& event, const std::shared_ptr<Stream>& stream) {
  {
    const std::lock_guard lock(CaptureMutex());
    if (const auto& capture = stream->capture) {
      if (capture->is_invalid) return ResultCode::kStreamCaptureInvalidated;
      event.mark.reset();
      event.times.reset();
      event.capture = capture;
      event.captured_after = stream->capture_tail;
      return ResultCode::kSuccess;
    }
  }
  auto times = std::make_shared<Event::Times>();
  Mark mark;
  const ResultCode code = Submit(
      stream,
      [times] {
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        times->ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
        return ResultCode::kSuccess;
      },
      {}, &mark);
  if (code != ResultCode::kSuccess) return code;
  const std::lock_guard lock(CaptureMutex());
  event.capture = nullptr;
  event.mark = std::move(mark);
  event.times = std::move(times);
  return ResultCode::kSuccess;
}

ResultCode WaitEvent(const std::shared_ptr<Stream>& stream, Event& event) {
  std::vector<Mark> after;
  {
    const std::lock_guard lock(CaptureMutex());
    const auto& theirs = event.capture;
    if (theirs != nullptr && !theirs->is_over) {
      if (theirs->is_invalid) return ResultCode::kStreamCaptureInvalidated;
      if (stream->capture != nullptr && stream->capture != theirs) {
        stream->capture->is_invalid = true;
        theirs->is_invalid = true;
        return ResultCode::kStreamCaptureMerge;
      }
      if (stream == stream->context().legacy_stream()) {
        theirs->is_invalid = true;
        return ResultCode::kStreamCaptureImplicit;
      }
      if (stream->capture == nullptr) {
        stream->capture = theirs;
        stream->capture_tail.clear();
        theirs->members.push_back(stream);
      }
      AddTail(*stream, event.captured_after);
      return ResultCode::kSuccess;
    }
    if (theirs != nullptr) return ResultCode::kCapturedEvent;
    if (!event.mark) return ResultCode::kSuccess;  // never recorded: nothing to wait for
    if (stream->capture != nullptr) {
      stream->capture->is_invalid = true;
      return ResultCode::kStreamCaptureIsolation;
    }
    after.push_back(*event.mark);
  }
  return Submit(stream, nullptr, std::move(after));
}

void ForgetStream(const std::shared_ptr<Stream>& stream) {
  const std::lock_guard lock(CaptureMutex());
  if (stream->capture == nullptr) return;
  stream->capture->is_invalid = true;
  if (stream->capture->origin == stream) Finish(std::shared_ptr<Capture>(stream->capture));
}

}  // namespace flexmig::cuda_sim

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "stream.h"

namespace flexmig::cuda_sim {

// Work with its dependencies, as a capture has recorded it.
class Graph {
 public:
  struct Node {
    Body body;
    std::vector<size_t> after;     // earlier nodes
    const Stream* lane = nullptr;  // that it was captured from; identity only
  };

  // Returns its index.
  size_t Add(Node node);
  [[nodiscard]] const std::deque<Node>& nodes() const { return nodes_; }
  // A node as clients see it.
  [[nodiscard]] cuda_abi::GraphNode HandleOf(size_t index) const {
    return reinterpret_cast<cuda_abi::GraphNode>(const_cast<Node*>(&nodes_[index]));
  }
  // Whether each of `nodes` is one of `ends` or comes before one.
  [[nodiscard]] bool AreBefore(const std::vector<size_t>& nodes,
                               const std::vector<size_t>& ends) const;

 private:
  std::deque<Node> nodes_;  // addresses stay
};

// A graph that can be launched.
class GraphProgram {
 public:
  explicit GraphProgram(const Graph& graph);
  // Runs all nodes, branches side by side, in the calling thread and others that end with it.
  // The first error is returned; nothing begins behind it.
  ResultCode Run() const;

  std::mutex launch_mutex;  // guards:
  Mark last_launch;

 private:
  struct Step {
    Body body;
    std::vector<size_t> after;
  };
  std::vector<Step> steps_;
  std::vector<std::vector<size_t>> lanes_;  // steps that follow each other
};

// What streams record instead of doing it, from cuStreamBeginCapture to cuStreamEndCapture.
class Capture {
 public:
  Capture(uint64_t number, cuda_abi::CaptureMode how, std::shared_ptr<Stream> first)
      : id(number), mode(how), thread(std::this_thread::get_id()), origin(std::move(first)) {}

  const uint64_t id;
  const cuda_abi::CaptureMode mode;
  const std::thread::id thread;
  const std::shared_ptr<Stream> origin;
  const std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  // Guarded by the captures' lock.
  bool is_invalid = false;
  bool is_over = false;
  std::vector<std::shared_ptr<Stream>> members;
  std::vector<cuda_abi::GraphNode> dependencies;  // last told to a client
};

class Event {
 public:
  explicit Event(uint32_t how) : flags(how) {}
  const uint32_t flags;

  struct Times {
    std::atomic<int64_t> ns{0};  // when the stream came by
  };
  // Guarded by the captures' lock.
  std::optional<Mark> mark;  // the last record
  std::shared_ptr<Times> times;
  std::shared_ptr<Capture> capture;  // instead, if that was captured
  std::vector<size_t> captured_after;
};

// One lock for captures and events.
std::mutex& CaptureMutex();

// Puts work into a stream, or into the graph that the stream is being captured into. `mark`, if not
// null, is set to the work's end unless it was captured.
// kStreamCaptureImplicit for the default stream while a stream that orders with it is captured.
ResultCode Submit(const std::shared_ptr<Stream>& stream, Body body, std::vector<Mark> after = {},
                  Mark* mark = nullptr);

// Whether the calling thread may make a call that captures forbid, such as one that waits for the
// device: kStreamCaptureUnsupported if not, and the captures that forbid it are invalid.
ResultCode CheckNotCaptured();
// The calling thread's attitude to that.
cuda_abi::CaptureMode& ThreadCaptureMode();

ResultCode BeginCapture(const std::shared_ptr<Stream>& stream, cuda_abi::CaptureMode mode);
ResultCode EndCapture(const std::shared_ptr<Stream>& stream, std::shared_ptr<Graph>* graph);
// Puts a program into a stream, as one piece of work that waits for the program's last launch.
ResultCode LaunchGraph(const std::shared_ptr<GraphProgram>& program,
                       const std::shared_ptr<Stream>& stream);
ResultCode RecordEvent(Event& event, const std::shared_ptr<Stream>& stream);
ResultCode WaitEvent(const std::shared_ptr<Stream>& stream, Event& event);
// A stream that is destroyed takes its capture with it.
void ForgetStream(const std::shared_ptr<Stream>& stream);

}  // namespace flexmig::cuda_sim

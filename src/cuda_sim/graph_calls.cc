// Captures and graphs.

#include <algorithm>

#include "calls.h"

namespace flexmig::cuda_abi {

using cuda_sim::GraphProgram;
using cuda_sim::Process;
using cuda_sim::WithContext;
using cuda_sim::WithStream;
using SimContext = cuda_sim::Context;
using SimGraph = cuda_sim::Graph;
using SimStream = std::shared_ptr<cuda_sim::Stream>;

namespace {

ResultCode Instantiate(GraphExec* exec, Graph graph, uint64_t flags) {
  constexpr uint64_t kAll = 15;  // CUDA_GRAPH_INSTANTIATE_FLAG_*
  constexpr uint64_t kDeviceLaunch = 4;
  if (exec == nullptr || (flags & ~kAll) != 0) return ResultCode::kInvalidValue;
  if ((flags & kDeviceLaunch) != 0) return ResultCode::kNotSupported;
  return WithContext([&](Process& process, SimContext&) {
    const auto found = process.graphs.Find(graph);
    if (found == nullptr) return ResultCode::kInvalidValue;
    *exec = process.programs.Add(std::make_shared<GraphProgram>(*found));
    return ResultCode::kSuccess;
  });
}

// What a client may know of a stream's capture; any of the pointers may be null but the status.
ResultCode CaptureInfo(Stream stream, CaptureStatus* status, uint64_t* id, Graph* graph,
                       const GraphNode** dependencies, const GraphEdgeData** edges, size_t* count) {
  if (status == nullptr) return ResultCode::kInvalidValue;
  return WithStream(stream, [&](Process& process, const SimStream& found) {
    const std::lock_guard lock(cuda_sim::CaptureMutex());
    const auto& capture = found->capture;
    *status = CaptureStatus::kNone;
    if (capture == nullptr) return ResultCode::kSuccess;
    *status = capture->is_invalid ? CaptureStatus::kInvalidated : CaptureStatus::kActive;
    if (capture->is_invalid) return ResultCode::kSuccess;
    if (id != nullptr) *id = capture->id;
    if (graph != nullptr) *graph = process.graphs.Add(capture->graph);
    if (dependencies != nullptr) {
      capture->dependencies.clear();
      for (const size_t node : found->capture_tail) {
        capture->dependencies.push_back(capture->graph->HandleOf(node));
      }
      *dependencies = capture->dependencies.data();
    }
    if (edges != nullptr) *edges = nullptr;  // plain edges have no data
    if (count != nullptr) *count = found->capture_tail.size();
    return ResultCode::kSuccess;
  });
}

}  // namespace

extern "C" {

ResultCode cuStreamBeginCapture_v2(Stream stream, CaptureMode mode) noexcept {
  if (mode < CaptureMode::kGlobal || mode > CaptureMode::kRelaxed) {
    return ResultCode::kInvalidValue;
  }
  return WithStream(stream, [&](Process&, const SimStream& found) {
    return cuda_sim::BeginCapture(found, mode);
  });
}

ResultCode cuStreamEndCapture(Stream stream, Graph* graph) noexcept {
  if (graph == nullptr) return ResultCode::kInvalidValue;
  return WithStream(stream, [&](Process& process, const SimStream& found) {
    std::shared_ptr<SimGraph> captured;
    *graph = nullptr;
    const ResultCode code = cuda_sim::EndCapture(found, &captured);
    if (code == ResultCode::kSuccess) *graph = process.graphs.Add(std::move(captured));
    return code;
  });
}

ResultCode cuStreamIsCapturing(Stream stream, CaptureStatus* status) noexcept {
  return CaptureInfo(stream, status, nullptr, nullptr, nullptr, nullptr, nullptr);
}
ResultCode cuStreamGetCaptureInfo(Stream stream, CaptureStatus* status, uint64_t* id) noexcept {
  return CaptureInfo(stream, status, id, nullptr, nullptr, nullptr, nullptr);
}
ResultCode cuStreamGetCaptureInfo_v2(Stream stream, CaptureStatus* status, uint64_t* id,
                                     Graph* graph, const GraphNode** dependencies,
                                     size_t* count) noexcept {
  return CaptureInfo(stream, status, id, graph, dependencies, nullptr, count);
}
ResultCode cuStreamGetCaptureInfo_v3(Stream stream, CaptureStatus* status, uint64_t* id,
                                     Graph* graph, const GraphNode** dependencies,
                                     const GraphEdgeData** edges, size_t* count) noexcept {
  return CaptureInfo(stream, status, id, graph, dependencies, edges, count);
}

ResultCode cuThreadExchangeStreamCaptureMode(CaptureMode* mode) noexcept {
  if (mode == nullptr || *mode < CaptureMode::kGlobal || *mode > CaptureMode::kRelaxed) {
    return ResultCode::kInvalidValue;
  }
  return cuda_sim::WithDriver([&](Process&) {
    std::swap(cuda_sim::ThreadCaptureMode(), *mode);
    return ResultCode::kSuccess;
  });
}

ResultCode cuGraphInstantiate_v2(GraphExec* exec, Graph graph, GraphNode* error_node, char* log,
                                 size_t log_bytes) noexcept {
  if (error_node != nullptr) *error_node = nullptr;
  if (log != nullptr && log_bytes > 0) *log = '\0';
  return Instantiate(exec, graph, 0);
}
ResultCode cuGraphInstantiateWithFlags(GraphExec* exec, Graph graph, uint64_t flags) noexcept {
  return Instantiate(exec, graph, flags);
}
ResultCode cuGraphInstantiateWithParams(GraphExec* exec, Graph graph,
                                        GraphInstantiateParams* params) noexcept {
  if (params == nullptr) return ResultCode::kInvalidValue;
  params->error_node = nullptr;
  const ResultCode code = Instantiate(exec, graph, params->flags);
  params->result = code == ResultCode::kSuccess ? 0 : 1;
  return code;
}

// Nothing has to be brought to the device.
ResultCode cuGraphUpload(GraphExec exec, Stream stream) noexcept {
  return WithStream(stream, [&](Process& process, const SimStream&) {
    return process.programs.Find(exec) == nullptr ? ResultCode::kInvalidValue
                                                  : ResultCode::kSuccess;
  });
}

// As one piece of work of the stream. Launches of one program do not overlap, as CUDA's do not.
ResultCode cuGraphLaunch(GraphExec exec, Stream stream) noexcept {
  return WithStream(stream, [&](Process& process, const SimStream& found) {
    const auto program = process.programs.Find(exec);
    if (program == nullptr) return ResultCode::kInvalidValue;
    return cuda_sim::LaunchGraph(program, found);
  });
}

ResultCode cuGraphExecDestroy(GraphExec exec) noexcept {
  return WithContext([&](Process& process, SimContext&) {
    return process.programs.Remove(exec) == nullptr ? ResultCode::kInvalidValue
                                                    : ResultCode::kSuccess;
  });
}

ResultCode cuGraphDestroy(Graph graph) noexcept {
  return WithContext([&](Process& process, SimContext&) {
    return process.graphs.Remove(graph) == nullptr ? ResultCode::kInvalidValue
                                                   : ResultCode::kSuccess;
  });
}

ResultCode cuGraphGetNodes(Graph graph, GraphNode* nodes, size_t* count) noexcept {
  if (count == nullptr) return ResultCode::kInvalidValue;
  return WithContext([&](Process& process, SimContext&) {
    const auto found = process.graphs.Find(graph);
    if (found == nullptr) return ResultCode::kInvalidValue;
    const size_t size = found->nodes().size();
    if (nodes != nullptr) {
      for (size_t i = 0; i < *count; ++i) nodes[i] = i < size ? found->HandleOf(i) : nullptr;
      *count = std::min(*count, size);
    } else {
      *count = size;
    }
    return ResultCode::kSuccess;
  });
}

}  // extern "C"
}  // namespace flexmig::cuda_abi

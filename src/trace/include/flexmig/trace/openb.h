#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/sched/time.h"
#include "flexmig/trace/byte_source.h"
#include "flexmig/trace/row_reader.h"

// Alibaba's openb data of 2023 (alibaba/clusterdata, cluster-trace-gpu-v2023; the meaning of the
// columns is from its README and from "Beware of Fragmentation", ATC 2023).

namespace flexmig::trace {

// A row of openb_pod_list_*.csv: columns name, cpu_milli, memory_mib, num_gpu, gpu_milli, gpu_spec,
// qos, pod_phase, creation_time, deletion_time, scheduled_time.
struct OpenbPod {
  int64_t row = 0;  // from 0
  std::string name;
  int64_t cpu_milli = 0;                      // thousandths of a core
  int64_t memory_mib = 0;                     // host memory
  int num_gpu = 0;                            // 0 for a pod without GPU
  int gpu_milli = 0;                          // thousandths of each GPU: 1 to 1000, 0 without GPU
  std::vector<std::string> gpu_spec;          // GPU models that would do; empty for any
  std::string qos;                            // LS, BE, Burstable, Guaranteed
  std::string phase;                          // Running, Succeeded, Failed, Pending
  sched::TimePoint created;                   // from the start of the collection
  sched::TimePoint deleted;                   // or the end of the collection
  std::optional<sched::TimePoint> scheduled;  // nullopt if it never was
};

// A row of openb_node_list_*.csv: columns sn, cpu_milli, memory_mib, gpu, model.
struct OpenbNode {
  std::string name;
  int64_t cpu_milli = 0;
  int64_t memory_mib = 0;
  int gpus = 0;
  std::string model;  // empty without GPUs
};

// Bounds that readers keep: a thousand times the largest node.
inline constexpr int64_t kMaxCpuMilli = 1'000'000'000;
inline constexpr int64_t kMaxMemoryMib = 1'000'000'000'000;
inline constexpr int kMaxGpusPerNode = 1000;

// The jobs of a pod list: id = row; submitted when created; duration = deletion - scheduling;
// demand = num_gpu x gpu_milli / 1000; vc = qos; status = pod_phase. Left out: pods without GPU,
// and pods that were never scheduled. Host CPU and memory are not carried over. Errors:
// kInvalidArgument for a header that lacks a column.
Result<std::unique_ptr<RowReader>> OpenOpenbPods(std::unique_ptr<ByteSource> source,
                                                 std::string name);

// All rows, plain or gzip. Errors: those of OpenFile and Decompressed, and kInvalidArgument for the
// first malformed row.
Result<std::vector<OpenbPod>> LoadOpenbPods(const std::filesystem::path& path);
Result<std::vector<OpenbNode>> LoadOpenbNodes(const std::filesystem::path& path);

// The same from a source that was opened before.
Result<std::vector<OpenbPod>> ReadOpenbPods(std::unique_ptr<ByteSource> source, std::string name);
Result<std::vector<OpenbNode>> ReadOpenbNodes(std::unique_ptr<ByteSource> source, std::string name);

}  // namespace flexmig::trace

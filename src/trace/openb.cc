#include "flexmig/trace/openb.h"

#include <array>
#include <utility>

#include "flexmig/base/strings.h"

#include "delimited.h"

namespace flexmig::trace {

namespace {

constexpr std::array<std::string_view, 11> kPodColumns = {
    "name", "cpu_milli", "memory_mib",    "num_gpu",       "gpu_milli",     "gpu_spec",
    "qos",  "pod_phase", "creation_time", "deletion_time", "scheduled_time"};
constexpr std::array<std::string_view, 5> kNodeColumns = {"sn", "cpu_milli", "memory_mib", "gpu",
                                                          "model"};
constexpr std::string_view kMilliCores = "thousandths of a core: a whole number from 0 to 10^9";
constexpr std::string_view kMib = "MiB: a whole number from 0 to 10^12";
constexpr std::string_view kGpus = "a whole number of GPUs from 0 to 1000";

Result<sched::TimePoint> Time(const DelimitedReader& reader, const Field& field) {
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t micros, reader.Seconds(field));
  return sched::TimePoint(sched::Duration(micros));
}

Result<OpenbPod> ParsePod(const DelimitedReader& reader, std::span<const Field> fields) {
  const Field& milli = fields[4];
  const Field& spec = fields[5];
  const Field& deletion = fields[9];
  const Field& scheduling = fields[10];
  OpenbPod pod;
  pod.row = reader.rows() - 1;
  FLEXMIG_ASSIGN_OR_RETURN(pod.name, reader.Text(fields[0]));
  FLEXMIG_ASSIGN_OR_RETURN(pod.cpu_milli, reader.Whole(fields[1], 0, kMaxCpuMilli, kMilliCores));
  FLEXMIG_ASSIGN_OR_RETURN(pod.memory_mib, reader.Whole(fields[2], 0, kMaxMemoryMib, kMib));
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t gpus, reader.Whole(fields[3], 0, kMaxGpusPerNode, kGpus));
  pod.num_gpu = static_cast<int>(gpus);
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t gpu_milli,
                           reader.Whole(milli, gpus == 0 ? 0 : 1, gpus == 0 ? 0 : 1000,
                                        "thousandths of each GPU: a whole number from 1 to 1000, "
                                        "0 if num_gpu is 0"));
  pod.gpu_milli = static_cast<int>(gpu_milli);
  if (!spec.text.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(const std::string models, reader.Text(spec));
    for (const std::string_view model : StrSplit(models, '|')) {
      if (model.empty()) return reader.Wrong(spec, "GPU models separated by '|'");
      pod.gpu_spec.emplace_back(model);
    }
  }
  FLEXMIG_ASSIGN_OR_RETURN(pod.qos, reader.Text(fields[6]));
  FLEXMIG_ASSIGN_OR_RETURN(pod.phase, reader.Text(fields[7]));
  FLEXMIG_ASSIGN_OR_RETURN(pod.created, Time(reader, fields[8]));
  FLEXMIG_ASSIGN_OR_RETURN(pod.deleted, Time(reader, deletion));
  if (pod.deleted < pod.created) return reader.Wrong(deletion, "a time not before creation_time");
  if (!scheduling.text.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(pod.scheduled, Time(reader, scheduling));
    if (*pod.scheduled < pod.created || *pod.scheduled > pod.deleted) {
      return reader.Wrong(scheduling, "a time between creation_time and deletion_time, or nothing");
    }
  }
  return pod;
}

Result<OpenbNode> ParseNode(const DelimitedReader& reader, std::span<const Field> fields) {
  OpenbNode node;
  FLEXMIG_ASSIGN_OR_RETURN(node.name, reader.Text(fields[0]));
  FLEXMIG_ASSIGN_OR_RETURN(node.cpu_milli, reader.Whole(fields[1], 0, kMaxCpuMilli, kMilliCores));
  FLEXMIG_ASSIGN_OR_RETURN(node.memory_mib, reader.Whole(fields[2], 0, kMaxMemoryMib, kMib));
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t gpus, reader.Whole(fields[3], 0, kMaxGpusPerNode, kGpus));
  node.gpus = static_cast<int>(gpus);
  FLEXMIG_ASSIGN_OR_RETURN(node.model, reader.Text(fields[4]));
  if (node.gpus > 0 && node.model.empty()) return reader.Wrong(fields[4], "a GPU model");
  return node;
}

JobRecord ToJob(const OpenbPod& pod) {
  JobRecord job;
  job.id = TraceJobId(pod.row);
  job.submit_time = pod.created;
  job.duration = pod.deleted - *pod.scheduled;
  job.demand_micro_gpus = int64_t{1000} * pod.num_gpu * pod.gpu_milli;
  job.num_gpus = pod.num_gpu;
  job.vc = pod.qos;
  job.status = pod.phase;
  return job;
}

class OpenbRows final : public RowReader {
 public:
  explicit OpenbRows(DelimitedReader rows) : rows_(std::move(rows)) {}

  Result<std::optional<Row>> Next() override {
    const auto fields = rows_.Next();
    if (!fields.ok()) return BadOrFatal(fields.status());
    if (!*fields) return std::optional<Row>();
    const auto pod = ParsePod(rows_, **fields);
    if (!pod.ok()) return std::optional<Row>(BadRow{pod.status()});
    if (pod->num_gpu == 0) return std::optional<Row>(LeftOutRow{"asks for no GPU"});
    if (!pod->scheduled) return std::optional<Row>(LeftOutRow{"was never scheduled"});
    return std::optional<Row>(ToJob(*pod));
  }

 private:
  DelimitedReader rows_;
};

template <typename T>
Result<std::vector<T>> ReadAll(std::unique_ptr<ByteSource> source, std::string name,
                               std::span<const std::string_view> columns,
                               Result<T> (*parse)(const DelimitedReader&, std::span<const Field>)) {
  FLEXMIG_ASSIGN_OR_RETURN(auto rows,
                           DelimitedReader::Create(std::move(source), std::move(name), columns));
  std::vector<T> all;
  while (true) {
    FLEXMIG_ASSIGN_OR_RETURN(const auto fields, rows.Next());
    if (!fields) return all;
    FLEXMIG_ASSIGN_OR_RETURN(T one, parse(rows, *fields));
    all.push_back(std::move(one));
  }
}

}  // namespace

Result<std::unique_ptr<RowReader>> OpenOpenbPods(std::unique_ptr<ByteSource> source,
                                                 std::string name) {
  FLEXMIG_ASSIGN_OR_RETURN(
      auto rows, DelimitedReader::Create(std::move(source), std::move(name), kPodColumns));
  return std::unique_ptr<RowReader>(std::make_unique<OpenbRows>(std::move(rows)));
}

Result<std::vector<OpenbPod>> ReadOpenbPods(std::unique_ptr<ByteSource> source, std::string name) {
  return ReadAll<OpenbPod>(std::move(source), std::move(name), kPodColumns, ParsePod);
}

Result<std::vector<OpenbNode>> ReadOpenbNodes(std::unique_ptr<ByteSource> source,
                                              std::string name) {
  return ReadAll<OpenbNode>(std::move(source), std::move(name), kNodeColumns, ParseNode);
}

Result<std::vector<OpenbPod>> LoadOpenbPods(const std::filesystem::path& path) {
  FLEXMIG_ASSIGN_OR_RETURN(auto file, OpenFile(path));
  FLEXMIG_ASSIGN_OR_RETURN(auto content, Decompressed(std::move(file), path.string()));
  return ReadOpenbPods(std::move(content), path.string());
}

Result<std::vector<OpenbNode>> LoadOpenbNodes(const std::filesystem::path& path) {
  FLEXMIG_ASSIGN_OR_RETURN(auto file, OpenFile(path));
  FLEXMIG_ASSIGN_OR_RETURN(auto content, Decompressed(std::move(file), path.string()));
  return ReadOpenbNodes(std::move(content), path.string());
}

}  // namespace flexmig::trace

#include "flexmig/report/run_recorder.h"

#include <algorithm>

#include "flexmig/base/strings.h"

#include "csv_text.h"

namespace flexmig::report {

namespace {

using sched::TimePoint;

FragmentationMeter::Mix MixOf(const sim::Workload& workload, const sim::Scheme& scheme) {
  FragmentationMeter::Mix mix;
  for (const sim::WorkloadJob& job : workload.jobs) {
    const alloc::AllocationRequest request = scheme.RequestFor(job);
    ++mix[{request.leaf_count, request.min_compute_slices}];
  }
  return mix;
}

int64_t Micros(TimePoint time) { return time.time_since_epoch().count(); }

}  // namespace

std::string JobsCsvHeader() {
  return "policy,load,setting,seed,job_id,state,submit_s,start_s,finish_s,wait_s,jct_s,run_s,"
         "asked_slices,held_slices,ranks,leaves\n";
}

std::string TimeseriesCsvHeader() {
  std::string header = "policy,load,setting,seed,time_s";
  for (const std::string_view name : kQuantityNames) header += StrCat(",", name);
  return header + "\n";
}

RunRecorder::RunRecorder(const RunKey& key, const sim::Workload& workload,
                         const sim::Scheme& scheme, const mig::GpuModel& model,
                         const RecorderOptions& options, AtomicFile* jobs, AtomicFile* timeseries)
    : key_(key),
      workload_(workload),
      options_(options),
      jobs_(jobs),
      timeseries_(timeseries),
      row_prefix_(StrCat(CsvText(key.policy_name), ",", key.load ? StrCat(*key.load) : "", ",",
                         CsvText(key.setting), ",", key.seed, ",")),
      meter_(MixOf(workload, scheme)),
      series_(options.timeseries_rows),
      by_time_(Micros(workload.jobs.front().submit_time), options.windows),
      by_demand_(0, options.windows),
      last_(workload.jobs.front().submit_time) {
  gantt_.from = gantt_.to = last_ + options.gantt_from;
  gantt_.units_per_gpu = model.placement_units;
}

Status RunRecorder::OnBegin(TimePoint /*now*/, const sched::Scheduler& scheduler) {
  pool_ = &scheduler.pool();
  meter_.Begin(*pool_);
  const auto gpus = static_cast<int>(pool_->inventory().gpus.size());
  gantt_.first_gpu = std::min(options_.gantt_first_gpu, gpus);
  gantt_.gpu_count = std::min(options_.gantt_gpus, gpus - gantt_.first_gpu);
  return OkStatus();
}

Status RunRecorder::OnSubmit(TimePoint now, size_t job) {
  EnterGantt(now);
  ++waiting_jobs_;
  arrived_slices_ += workload_.jobs[job].slices;
  return OkStatus();
}

Status RunRecorder::OnStart(TimePoint now, size_t job, const alloc::Allocation& allocation) {
  --waiting_jobs_;
  ++running_jobs_;
  Running& running = running_[job];
  running.start_time = now;
  running.leaves = allocation.leaves;
  for (const mig::LeafId id : running.leaves) {
    running.held_slices += pool_->leaf(id).profile->compute_slices;
  }
  running.asked_slices = std::min(workload_.jobs[job].slices, running.held_slices);
  held_slices_ += running.held_slices;
  asked_slices_ += running.asked_slices;
  meter_.OnLease(*pool_, running.leaves);
  Draw(job, now, running);
  return OkStatus();
}

Status RunRecorder::OnFinish(TimePoint now, size_t job) {
  EnterGantt(now);
  --running_jobs_;
  return WriteRow(job, &running_.at(job), now);
}

Status RunRecorder::OnRelease(TimePoint now, size_t job) {
  EnterGantt(now);
  const auto at = running_.find(job);
  const Running& running = at->second;
  held_slices_ -= running.held_slices;
  asked_slices_ -= running.asked_slices;
  meter_.OnRelease(*pool_, running.leaves);
  if (running.gantt_job) gantt_.jobs[*running.gantt_job].release_time = now;
  running_.erase(at);
  return OkStatus();
}

Status RunRecorder::OnReject(TimePoint now, size_t job) {
  EnterGantt(now);
  --waiting_jobs_;
  return WriteRow(job, nullptr, now);
}

Status RunRecorder::OnOutOfService(TimePoint now, mig::GpuIndex gpu) {
  EnterGantt(now);
  ++gpus_out_;
  meter_.Update(*pool_, gpu);
  if (InGantt(gpu)) {
    out_since_[gpu.value()] = now;
    if (gantt_begun_ && !gantt_.is_cut) gantt_.outages.push_back({gpu.value(), now, now});
  }
  return OkStatus();
}

Status RunRecorder::OnInService(TimePoint now, mig::GpuIndex gpu) {
  EnterGantt(now);
  --gpus_out_;
  meter_.Update(*pool_, gpu);
  if (out_since_.erase(gpu.value()) > 0) {
    // A GPU is out once at a time, so its last outage is the open one.
    const auto open =
        std::find_if(gantt_.outages.rbegin(), gantt_.outages.rend(),
                     [&](const Gantt::Outage& outage) { return outage.gpu == gpu.value(); });
    if (open != gantt_.outages.rend() && open->until == open->from) open->until = now;
  }
  return OkStatus();
}

Status RunRecorder::OnMoment(TimePoint now, const sched::Scheduler& /*scheduler*/) {
  const Sample sample = Now(now);
  series_.Add(sample);
  by_time_.Add(Micros(now), sample.values);
  by_demand_.Add(arrived_slices_, sample.values);
  last_ = now;
  return OkStatus();
}

Sample RunRecorder::Now(TimePoint now) const {
  const double unusable = meter_.UnusableSlices();
  const auto free = static_cast<double>(meter_.free_slices());
  return {now,
          {static_cast<double>(running_jobs_), static_cast<double>(waiting_jobs_),
           static_cast<double>(held_slices_), static_cast<double>(asked_slices_), free,
           static_cast<double>(gpus_out_), free > 0 ? unusable / free : 0, unusable}};
}

bool RunRecorder::InGantt(mig::GpuIndex gpu) const {
  return gpu.value() >= gantt_.first_gpu && gpu.value() < gantt_.first_gpu + gantt_.gpu_count;
}

void RunRecorder::EnterGantt(TimePoint now) {
  if (gantt_begun_ || now < gantt_.from) return;
  gantt_begun_ = true;
  for (const auto& [gpu, since] : out_since_) gantt_.outages.push_back({gpu, since, since});
  std::vector<std::pair<TimePoint, size_t>> by_start;
  for (const auto& [job, running] : running_) by_start.emplace_back(running.start_time, job);
  std::sort(by_start.begin(), by_start.end());
  for (const auto& [start, job] : by_start) Draw(job, now, running_.at(job));
}

// Pieces are kept from the start of jobs on, not from their end, so that up to the moment at which
// there is no more room none is missing.
void RunRecorder::Draw(size_t job, TimePoint now, Running& running) {
  if (!gantt_begun_ || gantt_.is_cut) return;
  std::vector<mig::LeafId> leaves;
  for (const mig::LeafId id : running.leaves) {
    if (InGantt(pool_->leaf(id).gpu)) leaves.push_back(id);
  }
  if (leaves.empty()) return;
  // Inventories are sorted by GPU and placement, so neighbours stand together.
  std::sort(leaves.begin(), leaves.end());
  std::vector<Gantt::Piece> pieces;
  for (const mig::LeafId id : leaves) {
    const mig::Leaf& leaf = pool_->leaf(id);
    if (!pieces.empty() && pieces.back().gpu == leaf.gpu.value() &&
        pieces.back().start + pieces.back().size == leaf.placement.start) {
      pieces.back().size += leaf.placement.size;
      ++pieces.back().leaves;
      continue;
    }
    pieces.push_back(
        {gantt_.jobs.size(), leaf.gpu.value(), leaf.placement.start, leaf.placement.size, 1});
  }
  if (gantt_.pieces.size() + pieces.size() > options_.gantt_pieces) {
    gantt_.is_cut = true;
    gantt_.to = std::max(now, gantt_.from);
    return;
  }
  const sim::WorkloadJob& known = workload_.jobs[job];
  running.gantt_job = gantt_.jobs.size();
  gantt_.jobs.push_back({StrCat(known.id.value()), known.slices, running.held_slices,
                         known.submit_time, running.start_time, TimePoint::max()});
  gantt_.pieces.insert(gantt_.pieces.end(), pieces.begin(), pieces.end());
}

Status RunRecorder::WriteRow(size_t job, const Running* running, TimePoint finish) {
  if (jobs_ == nullptr) return OkStatus();
  const sim::WorkloadJob& known = workload_.jobs[job];
  std::string row = row_prefix_;
  row += CsvText(StrCat(known.id.value()));
  row += running != nullptr ? ",done," : ",left-out,";
  row += CsvSeconds(known.submit_time.time_since_epoch());
  if (running == nullptr) {
    row += StrCat(",,,,,,", known.slices, ",0,0,\n");
    return jobs_->Write(row);
  }
  row +=
      StrCat(",", CsvSeconds(running->start_time.time_since_epoch()), ",",
             CsvSeconds(finish.time_since_epoch()), ",",
             CsvSeconds(running->start_time - known.submit_time), ",",
             CsvSeconds(finish - known.submit_time), ",", CsvSeconds(finish - running->start_time),
             ",", known.slices, ",", running->held_slices, ",", running->leaves.size(), ",");
  for (size_t r = 0; r < running->leaves.size(); ++r) {
    const mig::Leaf& leaf = pool_->leaf(running->leaves[r]);
    const int gpu = leaf.gpu.value();
    const mig::NodeIndex node = pool_->inventory().gpus[static_cast<size_t>(gpu)].node;
    row += StrCat(r == 0 ? "" : " ", node.value(), "/", gpu, "/", leaf.placement.start, "+",
                  leaf.placement.size);
  }
  row += '\n';
  return jobs_->Write(row);
}

Result<RunDetail> RunRecorder::Finish(const sim::Outcome& outcome) {
  series_.End();
  by_time_.End(Micros(last_));
  by_demand_.End(arrived_slices_);
  if (timeseries_ != nullptr) {
    for (const Sample& sample : series_.samples()) {
      std::string row = StrCat(row_prefix_, CsvSeconds(sample.time.time_since_epoch()));
      for (const double value : sample.values) row += StrCat(",", CsvNumber(value));
      row += '\n';
      FLEXMIG_RETURN_IF_ERROR(timeseries_->Write(row));
    }
  }
  RunDetail detail;
  detail.sample_window = series_.window();
  detail.by_time = by_time_;
  detail.by_demand = by_demand_;
  std::vector<sched::Duration> completion_times;
  std::vector<sched::Duration> wait_times;
  for (size_t i = 0; i < outcome.jobs.size(); ++i) {
    if (!outcome.jobs[i].done) continue;
    completion_times.push_back(outcome.jobs[i].finish_time - workload_.jobs[i].submit_time);
    wait_times.push_back(outcome.jobs[i].start_time - workload_.jobs[i].submit_time);
  }
  detail.completion_time = Distribution::Of(std::move(completion_times));
  detail.wait_time = Distribution::Of(std::move(wait_times));
  if (!gantt_.is_cut) gantt_.to = std::max(last_, gantt_.from);
  detail.gantt = std::move(gantt_);
  return detail;
}

Distribution Distribution::Of(std::vector<sched::Duration> all) {
  Distribution distribution;
  if (all.empty()) return distribution;
  std::sort(all.begin(), all.end());
  for (size_t step = 0; step <= kSteps; ++step) {
    const size_t rank = (all.size() * step + kSteps - 1) / kSteps;
    distribution.values.push_back(all[std::max<size_t>(rank, 1) - 1]);
  }
  return distribution;
}

}  // namespace flexmig::report

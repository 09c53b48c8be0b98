#pragma once

#include <memory>
#include <string>

#include "flexmig/base/status.h"
#include "flexmig/trace/byte_source.h"
#include "flexmig/trace/row_reader.h"

// One reader a format, one file each. Each takes the source over, reads the header, and reports
// kInvalidArgument for another one; `name` stands in messages. docs/formats/traces.md says where
// the traces are.

namespace flexmig::trace {

// The project's own format (csv_reader.h).
Result<std::unique_ptr<RowReader>> OpenOwnCsv(std::unique_ptr<ByteSource> source, std::string name);

// Microsoft Philly, cluster_job_log: a JSON array of jobs with the members status, vc, jobid, user,
// submitted_time and attempts, each attempt with start_time, end_time and detail, each of its
// servers with ip and gpus (meaning: README.md of msr-fiddle/philly-traces). id = position from 0;
// submitted at submitted_time; duration = the attempts' run times together, those without start or
// end not counted (a logging error, says the source); GPUs = those of the last attempt that names
// any. Left out: no attempt, no attempt with both times, last attempt without end ("still
// running"), no GPU. Bad: attempts that overlap, end before they start or are out of order.
// Local time without zone: one hour off across the change to winter time on 2017-11-05.
Result<std::unique_ptr<RowReader>> OpenPhillyJson(std::unique_ptr<ByteSource> source,
                                                  std::string name);

// SenseTime Helios, cluster_log.csv: user, vc, gpu_num, state, submit_time, start_time, end_time;
// other columns are not looked at (meaning: README.md of S-Lab-System-Group/HeliosData). Times in
// China's local time, which has no summer time. See slurm_row.h for the mapping.
Result<std::unique_ptr<RowReader>> OpenHeliosCsv(std::unique_ptr<ByteSource> source,
                                                 std::string name);

// Shanghai AI Laboratory Acme, trace_seren.csv and trace_kalos.csv: user, gpu_num, type, state,
// submit_time, start_time, end_time with offsets from UTC; vc = type, the kind of workload; other
// columns are not looked at (meaning: README.md of InternLM/AcmeTrace). `duration` is not used: in
// the example rows of Kalos it is end - submission, against its own note.
Result<std::unique_ptr<RowReader>> OpenAcmeCsv(std::unique_ptr<ByteSource> source,
                                               std::string name);

// Alibaba PAI, gpu-v2020 (meaning: README.md of alibaba/clusterdata, cluster-trace-gpu-v2020), two
// tables told apart by their header:
// - pai_task_table.csv with the line of pai_task_table.header in front. Each task is a job:
// submitted at
//   its start_time, which is its launch (the wait before is not known); demand = inst_num x
//   plan_gpu / 100, on at least one GPU for each instance; status = status. Left out: no GPU, no
//   start or no end.
// - the simulator's sample: user, num_gpu, duration, submit_time; vc = gpu_type if there. Left out:
// no
//   GPU.
// pai_job_table.csv says nothing about GPUs and is refused with that reason.
Result<std::unique_ptr<RowReader>> OpenPaiCsv(std::unique_ptr<ByteSource> source,
                                              const std::string& name);

// Standard Workload Format 2.2 (Feitelson, Parallel Workloads Archive): 18 numbers a line,
// separated by blanks, -1 for unknown, comments behind ";". It knows no GPUs: each processor is
// taken for one. id = job number; demand = processors requested, else allocated; user and vc = the
// numbers of user and queue. Left out: no processors, no run time, lines for parts of a job (status
// 2, 3, 4).
Result<std::unique_ptr<RowReader>> OpenSwf(std::unique_ptr<ByteSource> source, std::string name);

}  // namespace flexmig::trace

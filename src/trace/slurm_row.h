#pragma once

#include <optional>
#include <string_view>

#include "flexmig/sched/time.h"
#include "flexmig/trace/row_reader.h"

#include "delimited.h"

namespace flexmig::trace {

// What the job logs of Helios and Acme have in common: both come from Slurm.
struct SlurmFields {
  const Field& gpu_num;
  const Field& user;
  const Field& group;  // becomes vc
  const Field& state;
  const Field& submit_time;
  const Field& start_time;
  const Field& end_time;
};

// The row as a job: id = number of the row from 0; duration = end - start; demand = gpu_num. Left
// out: rows that ask for no GPU, and those without a start or an end. Bad: times that do not rise
// from submission to start to end.
Row ParseSlurmRow(const DelimitedReader& reader, const SlurmFields& fields,
                  std::optional<sched::TimePoint> (*parse_time)(std::string_view),
                  std::string_view time_form);

}  // namespace flexmig::trace

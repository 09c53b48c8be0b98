#pragma once

#include <span>
#include <string>
#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/trace/job_record.h"

namespace flexmig::trace {

// The first line of every trace, without its newline.
inline constexpr std::string_view kCsvHeader =
    "job_id,submit_s,duration_s,gpu_demand,num_gpus,mem_gib_if_known,user,vc,status";

// Whether a trace can hold `text` in one of its text columns: the format has no quoting, so commas,
// double quotes and control characters cannot be written.
bool IsCsvText(std::string_view text);

// The records as a trace, header included. Reading it back gives equal records, but for memory,
// which is rounded to a millionth of a GiB.
// Errors: kInvalidArgument, naming the job, for what the format cannot hold: text that IsCsvText
// refuses, numbers out of the bounds in job_record.h, or records out of order.
Result<std::string> WriteCsv(std::span<const JobRecord> records);

}  // namespace flexmig::trace

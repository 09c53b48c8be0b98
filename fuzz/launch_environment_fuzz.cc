// The environment of a rank: the input is lines of NAME=value, of which the last counts.
//
// Promises checked: a refusal is kNotFound or kInvalidArgument; what is accepted keeps the
// invariants of JobEnvironment, and is the same after ToVariables and back.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"
#include "flexmig/launch/job_environment.h"

namespace flexmig::launch {
namespace {

Result<JobEnvironment> Read(const std::map<std::string, std::string>& variables) {
  return FromVariables([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end() || found->second.empty()) return std::nullopt;
    return found->second;
  });
}

void Check(std::string_view text) {
  std::map<std::string, std::string> variables;
  for (const std::string_view line : StrSplit(text, '\n')) {
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    variables[std::string(line.substr(0, equals))] = line.substr(equals + 1);
  }
  const auto job = Read(variables);
  if (!job.ok()) {
    FLEXMIG_CHECK(job.status().code() == StatusCode::kNotFound ||
                  job.status().code() == StatusCode::kInvalidArgument);
    return;
  }
  FLEXMIG_CHECK(job->world_size >= 1);
  FLEXMIG_CHECK(job->rank.value() >= 0 && job->rank.value() < job->world_size);
  FLEXMIG_CHECK(job->leaves.size() == static_cast<size_t>(job->world_size));
  FLEXMIG_CHECK(job->segment.size() == 32);

  const auto again = Read(ToVariables(*job));
  FLEXMIG_CHECK(again.ok());
  FLEXMIG_CHECK(again->job_id == job->job_id && again->rank == job->rank);
  FLEXMIG_CHECK(again->world_size == job->world_size && again->segment == job->segment);
  FLEXMIG_CHECK(again->master_address == job->master_address);
  FLEXMIG_CHECK(again->master_port == job->master_port && again->leaves == job->leaves);
}

}  // namespace
}  // namespace flexmig::launch

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  flexmig::launch::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}

#pragma once

#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

#include "flexmig/agent/job.h"
#include "flexmig/base/status.h"

namespace flexmig::app {

// What the user wrote about the size of a job; texts are parsed by ours, whose messages name ranges
// and units.
struct SizeFlags {
  std::string leaf_count;
  std::string like;
  std::string gpu_fraction;
  std::string memory;
  std::string max_gpus;
  std::string comm = "heavy";
};
void AddSizeFlags(CLI::App& command, SizeFlags& flags);
// Errors: kInvalidArgument, with the flag's name in front.
Result<agent::JobSize> ParseSize(const SizeFlags& flags);

// How leaves are chosen unless --policy says otherwise.
inline constexpr std::string_view kDefaultPolicy = "topo";
void AddPolicyFlag(CLI::App& command, std::string& policy);

// A parsed flag, or the error with the flag's name in front.
template <typename T>
Result<T> Flag(const char* name, Result<T> value) {
  if (!value.ok()) return value.status().WithContext(name);
  return value;
}

}  // namespace flexmig::app

#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace flexmig::sweep {

// Everything that one run depends on, as the command line has it (docs/reference/simulate.md).
struct Setting {
  std::string trace;       // a file, or "generate:SPEC"
  std::string model;       // "a100-40"
  std::string cluster;     // "8", or "8x8": nodes x GPUs
  std::string span_nodes;  // which jobs may span nodes; empty unless HasNodes(cluster)
  std::string mapping;
  std::string multi_gpu;
  std::string resample;  // "none", or another trace of the same kind, by the seed
  std::string load;      // empty for the trace's own
  std::string speed_class;
  std::string oversize;
  std::string queue;
  std::string allocation;     // of policies on leaves, else empty
  std::string communication;  // likewise
  std::string costs;          // "create,destroy,restart" of policies that reconfigure, else empty
  uint64_t seed = 1;
  std::string policy;

  friend auto operator<=>(const Setting&, const Setting&) = default;
};

// One list for each of them.
struct Grid {
  std::vector<std::string> traces;
  std::vector<std::string> models = {"a100-40"};
  std::vector<std::string> clusters = {"8"};
  std::vector<std::string> span_nodes = {"wide"};
  std::vector<std::string> mappings = {"fraction"};
  std::vector<std::string> multi_gpus = {"leaves"};
  std::vector<std::string> resamples = {"none"};
  std::vector<std::string> loads = {""};
  std::vector<std::string> speed_classes = {"middling"};
  std::vector<std::string> oversizes = {"faster"};
  std::vector<std::string> queues = {"fifo"};
  std::vector<std::string> allocations = {"first-fit"};
  std::vector<std::string> communications = {"0.9"};
  std::vector<std::string> costs = {""};
  std::vector<uint64_t> seeds = {1};
  std::vector<std::string> policies;
};

// Whether a policy runs jobs on several leaves, so that it depends on allocation and communication;
// and whether it changes layouts, so that it depends on costs.
bool UsesLeaves(const std::string& policy);
bool Reconfigures(const std::string& policy);
// Whether a cluster is written as NODESxGPUS, so that runs depend on who may span nodes.
bool HasNodes(const std::string& cluster);

// All runs of the grid, each once: what a policy does not depend on is empty. Runs over one
// workload follow one another.
std::vector<Setting> SettingsOf(const Grid& grid);

// What the runs of one comparison have in common: the setting without policy, seed, and what only
// some policies depend on.
Setting WorkloadOf(Setting setting);

}  // namespace flexmig::sweep

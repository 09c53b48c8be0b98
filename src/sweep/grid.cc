#include "flexmig/sweep/grid.h"

#include <set>

namespace flexmig::sweep {
namespace {

// Calls `body` for every value, which it finds in `field` of `setting`.
template <typename T, typename Body>
void ForEach(const std::vector<T>& values, T& field, const Body& body) {
  for (const T& value : values) {
    field = value;
    body();
  }
}

}  // namespace

bool UsesLeaves(const std::string& policy) { return policy.starts_with("flexmig"); }

bool Reconfigures(const std::string& policy) { return policy.starts_with("dynamic-"); }

bool HasNodes(const std::string& cluster) { return cluster.find('x') != std::string::npos; }

std::vector<Setting> SettingsOf(const Grid& grid) {
  std::vector<Setting> settings;
  std::set<Setting> known;
  Setting at;
  const auto add = [&] {
    Setting setting = at;
    if (!HasNodes(setting.cluster)) setting.span_nodes = "";
    if (!UsesLeaves(setting.policy)) setting.allocation = setting.communication = "";
    if (!Reconfigures(setting.policy)) setting.costs = "";
    if (known.insert(setting).second) settings.push_back(std::move(setting));
  };
  const auto by_run = [&] {
    ForEach(grid.queues, at.queue, [&] {
      ForEach(grid.allocations, at.allocation, [&] {
        ForEach(grid.communications, at.communication, [&] {
          ForEach(grid.costs, at.costs, [&] { ForEach(grid.policies, at.policy, add); });
        });
      });
    });
  };
  const auto by_speed = [&] {
    ForEach(grid.speed_classes, at.speed_class, [&] {
      ForEach(grid.oversizes, at.oversize,
              [&] { ForEach(grid.loads, at.load, [&] { ForEach(grid.seeds, at.seed, by_run); }); });
    });
  };
  const auto by_jobs = [&] {
    ForEach(grid.mappings, at.mapping, [&] {
      ForEach(grid.multi_gpus, at.multi_gpu,
              [&] { ForEach(grid.resamples, at.resample, by_speed); });
    });
  };
  ForEach(grid.traces, at.trace, [&] {
    ForEach(grid.models, at.model, [&] {
      ForEach(grid.clusters, at.cluster, [&] { ForEach(grid.span_nodes, at.span_nodes, by_jobs); });
    });
  });
  return settings;
}

Setting WorkloadOf(Setting setting) {
  setting.policy = setting.allocation = setting.communication = setting.costs = "";
  setting.seed = 0;
  return setting;
}

}  // namespace flexmig::sweep

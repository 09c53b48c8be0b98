// flexmig simulate arrival: the published arrival experiment, on any cluster and pod list in
// openb's format.

#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "flexmig/arrival/experiment.h"
#include "flexmig/base/strings.h"

#include "commands.h"
#include "exit_code.h"
#include "output.h"

namespace flexmig::app {

namespace {

struct Arguments {
  std::string nodes;
  std::string pods;
  std::string policies = "random,dot-product,clustering,packing,best-fit,fgd";
  std::string demand = "1.3";
  std::string first_seed = "42";
  std::string seeds = "10";
  OutputFormat output = OutputFormat::kTable;
};

// Over the seeds; the spread is the standard deviation of one run, 0 for one seed.
struct Spread {
  double mean = 0;
  double deviation = 0;
};

// Per cent of demand at which fragmentation is read; the published figures. Allocation is compared
// when the cluster is full, fragmentation while it fills.
constexpr size_t kFragmentationAt[] = {10, 20, 30, 40, 50, 60};

struct Row {
  std::string policy;
  std::optional<Spread> at_100;  // nullopt if the demand does not come that far
  std::optional<Spread> at_end;
  std::vector<std::optional<Spread>> fragmented;
};

std::optional<Spread> SpreadOf(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  Spread spread;
  const auto n = static_cast<double>(values.size());
  for (const double value : values) spread.mean += value / n;
  for (const double value : values) {
    spread.deviation += (value - spread.mean) * (value - spread.mean);
  }
  spread.deviation = n > 1 ? std::sqrt(spread.deviation / (n - 1)) : 0;
  return spread;
}

// The spread of `value` at `percent` of demand; runs in which no arrival fell there do not count.
template <typename Value>
std::optional<Spread> At(const std::vector<arrival::Outcome>& runs, size_t percent, Value value) {
  std::vector<double> values;
  for (const arrival::Outcome& run : runs) {
    if (percent < run.curve.size() && run.curve[percent].arrivals > 0) {
      values.push_back(value(run.curve[percent]));
    }
  }
  return SpreadOf(values);
}

Result<std::vector<Row>> RunAll(const Arguments& arguments, const arrival::Setting& setting,
                                double demand, uint64_t first_seed, int64_t seeds) {
  const arrival::Fragmentation fragmentation(setting);
  const auto end = static_cast<size_t>(std::llround(100 * demand));
  std::vector<std::unique_ptr<arrival::NodePolicy>> policies;
  for (const std::string_view name : StrSplit(arguments.policies, ',')) {
    FLEXMIG_ASSIGN_OR_RETURN(auto policy, arrival::MakePolicy(name, setting, fragmentation));
    policies.push_back(std::move(policy));
  }
  std::vector<Row> rows;
  for (const auto& policy : policies) {
    std::vector<arrival::Outcome> runs;
    for (int64_t i = 0; i < seeds; ++i) {
      FLEXMIG_ASSIGN_OR_RETURN(
          auto outcome, arrival::RunExperiment(setting, *policy, fragmentation,
                                               {first_seed + static_cast<uint64_t>(i), demand}));
      runs.push_back(std::move(outcome));
    }
    const auto allocated = [](const auto& point) { return point.allocated_percent; };
    const auto fragmented = [](const auto& point) { return point.fragmented_percent; };
    Row row{std::string(policy->name()), At(runs, 100, allocated), At(runs, end, allocated), {}};
    for (const size_t percent : kFragmentationAt) {
      row.fragmented.push_back(At(runs, percent, fragmented));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string Cell(const std::optional<Spread>& spread) {
  if (!spread) return "-";
  return StrCat(FormatFixed(spread->mean, 2), " +- ", FormatFixed(spread->deviation, 2));
}

// What a result is read with, in front of the numbers.
struct Context {
  std::string setting;
  std::string demand;
};

std::string RenderTable(const Context& context, const std::vector<Row>& rows, size_t end) {
  std::string out = StrCat(context.setting, "\n", context.demand, "\n\n",
                           "GPUs allocated, % of all, when so much of the demand has arrived\n");
  Table allocated({"policy", ">100 %", StrCat(">", end, " %")});
  for (const Row& row : rows) {
    allocated.AddRow({row.policy, Cell(row.at_100), Cell(row.at_end)});
  }
  out += allocated.Text();
  std::vector<std::string> header = {"policy"};
  for (const size_t percent : kFragmentationAt) header.push_back(StrCat(">", percent, " %"));
  Table fragmented(header);
  for (const Row& row : rows) {
    std::vector<std::string> cells = {row.policy};
    for (const auto& spread : row.fragmented) cells.push_back(Cell(spread));
    fragmented.AddRow(cells);
  }
  return StrCat(out, "\nGPUs fragmented, % of the idle ones\n", fragmented.Text(),
                "\nmean +- standard deviation of one run, over the seeds\n");
}

std::string RenderJson(const Context& context, const std::vector<Row>& rows, size_t end) {
  using Json = nlohmann::ordered_json;
  const auto json_of = [](const std::optional<Spread>& spread) {
    return spread ? Json{{"mean", spread->mean}, {"deviation", spread->deviation}} : Json();
  };
  Json json = {
      {"setting", context.setting}, {"demand", context.demand}, {"policies", Json::array()}};
  for (const Row& row : rows) {
    Json entry = {{"policy", row.policy}, {"allocated_percent", Json::object()}};
    entry["allocated_percent"]["100"] = json_of(row.at_100);
    entry["allocated_percent"][StrCat(end)] = json_of(row.at_end);
    for (size_t i = 0; i < std::size(kFragmentationAt); ++i) {
      entry["fragmented_percent"][StrCat(kFragmentationAt[i])] = json_of(row.fragmented[i]);
    }
    json["policies"].push_back(entry);
  }
  return json.dump(2) + "\n";
}

Result<std::string> Run(const Arguments& arguments) {
  constexpr int64_t kMaxSeed = std::numeric_limits<int64_t>::max() / 2;
  constexpr int64_t kMaxSeeds = 100'000;
  const auto named = [](std::string_view flag, auto value) {
    return value.ok() ? value : decltype(value)(value.status().WithContext(flag));
  };
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t first_seed,
                           named("--first-seed", ParseInt(arguments.first_seed, 0, kMaxSeed)));
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t seeds,
                           named("--seeds", ParseInt(arguments.seeds, 1, kMaxSeeds)));
  FLEXMIG_ASSIGN_OR_RETURN(const double demand,
                           named("--demand", ParseDouble(arguments.demand, 0.01, 10)));
  FLEXMIG_ASSIGN_OR_RETURN(const auto nodes, trace::LoadOpenbNodes(arguments.nodes));
  FLEXMIG_ASSIGN_OR_RETURN(const auto pods, trace::LoadOpenbPods(arguments.pods));
  FLEXMIG_ASSIGN_OR_RETURN(const auto setting, arrival::MakeSetting(nodes, pods));
  FLEXMIG_ASSIGN_OR_RETURN(const auto rows, RunAll(arguments, setting, demand,
                                                   static_cast<uint64_t>(first_seed), seeds));
  const Context context{
      StrCat(nodes.size(), " nodes with ", setting.gpu_milli / arrival::kGpuMilli, " GPUs; ",
             pods.size(), " pods of ", setting.demands.size(), " kinds"),
      StrCat("the list in random order, then draws from it, until ", demand,
             " of the GPUs are asked for; nobody leaves; seeds ", first_seed, " to ",
             first_seed + seeds - 1)};
  const auto end = static_cast<size_t>(std::llround(100 * demand));
  return arguments.output == OutputFormat::kJson ? RenderJson(context, rows, end)
                                                 : RenderTable(context, rows, end);
}

}  // namespace

void AddSimulateArrivalCommand(CLI::App& simulate, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = simulate.add_subcommand(
      "arrival", "Fill a cluster of unequal nodes with pods, by the policies of the FGD paper");
  command->add_option("--nodes", arguments->nodes, "openb node list, plain or gzip")->required();
  command->add_option("--pods", arguments->pods, "openb pod list, plain or gzip")->required();
  const auto option = [&](const char* flag, std::string& value, const char* help) {
    command->add_option(flag, value, help)->capture_default_str();
  };
  option("--policies", arguments->policies,
         "Of random, dot-product, clustering, packing, best-fit, fgd");
  option("--demand", arguments->demand, "GPUs that arriving pods ask for, per GPU of the cluster");
  option("--seeds", arguments->seeds, "Number of seeds");
  option("--first-seed", arguments->first_seed, "The first of them");
  AddOutputOption(*command, arguments->output);
  command->callback([arguments, &exit_code] {
    const auto text = Run(*arguments);
    exit_code = Report(text.ok() ? WriteOut(*text) : text.status());
  });
}

}  // namespace flexmig::app

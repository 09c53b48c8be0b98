#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "flexmig/agent/job.h"
#include "flexmig/alloc/policy.h"
#include "flexmig/base/strings.h"

#include "commands.h"
#include "exit_code.h"
#include "leases.h"
#include "node.h"
#include "output.h"
#include "size_flags.h"

namespace flexmig::app {
namespace {

using Json = nlohmann::ordered_json;

struct ExplainFlags {
  std::string backend;
  SizeFlags size;
  std::string policy = std::string(kDefaultPolicy);
  OutputFormat format = OutputFormat::kTable;
};

// A term of the score, for people and for programs.
struct Term {
  const char* name;
  const char* key;
  int weight;
  double value;

  [[nodiscard]] double points() const { return weight * value; }
};

std::vector<Term> TermsOf(const alloc::TopoTerms& terms, const alloc::TopoWeights& weights) {
  const double fragmentation = static_cast<double>(terms.fragmentation) / terms.scale;
  return {
      {"link load", "link_load", weights.link, static_cast<double>(terms.link_load)},
      {"NUMA nodes crossed", "numa_crossed", weights.numa, static_cast<double>(terms.numa_crossed)},
      {"fragmentation", "fragmentation", weights.frag, fragmentation},
      {"GPUs opened", "gpus_opened", weights.gpus, static_cast<double>(terms.gpus_opened)}};
}

double PointsOf(const alloc::ScoredAllocation& choice) {
  return static_cast<double>(choice.score) / choice.terms.scale;
}

// "GPU 0: leaves 1 2 3; GPU 4: leaf 28".
std::string DescribeLeaves(const alloc::Allocation& allocation,
                           const mig::NodeInventory& inventory) {
  std::vector<std::string> gpus;
  int last = -1;
  size_t leaves = 0;
  for (const mig::LeafId id : allocation.leaves) {
    const int gpu = inventory.leaves[static_cast<size_t>(id.value())].gpu.value();
    if (gpu != last) gpus.push_back(StrCat("GPU ", gpu, ": leaf"));
    leaves = gpu == last ? leaves + 1 : 1;
    if (leaves == 2) gpus.back().replace(gpus.back().find("leaf"), 4, "leaves");
    gpus.back() += StrCat(" ", id.value());
    last = gpu;
  }
  return StrJoin(gpus, "; ");
}

std::string AsTable(const alloc::Explanation& explanation, const mig::NodeInventory& inventory) {
  std::string text =
      StrCat("policy     ", explanation.policy, ": ", explanation.rule, "\n", "chosen     ",
             DescribeLeaves(explanation.chosen.allocation, inventory), "\n");
  const auto& runner_up = explanation.runner_up;
  if (runner_up) {
    text += StrCat("runner-up  ", DescribeLeaves(runner_up->allocation, inventory), "\n");
  }
  if (!explanation.by_score) {
    text += "This policy does not weigh; the terms are those of topo, for comparison.\n";
  } else if (!runner_up) {
    text += "Of the choices looked at none scores differently.\n";
  }
  std::vector<std::string> header{"TERM", ">WEIGHT", ">CHOSEN", ">POINTS"};
  if (runner_up) header.insert(header.end(), {">RUNNER-UP", ">POINTS"});
  Table table(std::move(header));
  const auto chosen = TermsOf(explanation.chosen.terms, explanation.weights);
  const auto other = runner_up ? TermsOf(runner_up->terms, explanation.weights) : chosen;
  for (size_t i = 0; i < chosen.size(); ++i) {
    std::vector<std::string> row{chosen[i].name, StrCat(chosen[i].weight),
                                 FormatFixed(chosen[i].value, 2),
                                 FormatFixed(chosen[i].points(), 1)};
    if (runner_up) {
      row.push_back(FormatFixed(other[i].value, 2));
      row.push_back(FormatFixed(other[i].points(), 1));
    }
    table.AddRow(std::move(row));
  }
  std::vector<std::string> sum{"score", "", "", FormatFixed(PointsOf(explanation.chosen), 1)};
  if (runner_up) sum.insert(sum.end(), {"", FormatFixed(PointsOf(*runner_up), 1)});
  table.AddRow(std::move(sum));
  return text + "\n" + table.Text();
}

Json ChoiceJson(const alloc::ScoredAllocation& choice, const alloc::TopoWeights& weights,
                const mig::NodeInventory& inventory) {
  Json terms = Json::object();
  for (const Term& term : TermsOf(choice.terms, weights)) {
    terms[term.key] = {{"value", term.value}, {"weight", term.weight}, {"points", term.points()}};
  }
  Json leaves = Json::array();
  for (const mig::LeafId id : choice.allocation.leaves) {
    const mig::Leaf& leaf = inventory.leaves[static_cast<size_t>(id.value())];
    leaves.push_back(
        {{"leaf", id.value()}, {"gpu", leaf.gpu.value()}, {"uuid", leaf.uuid.value()}});
  }
  return {{"score", PointsOf(choice)}, {"terms", std::move(terms)}, {"leaves", std::move(leaves)}};
}

std::string AsJson(const alloc::Explanation& explanation, const mig::NodeInventory& inventory) {
  Json document = {{"policy", explanation.policy},
                   {"rule", explanation.rule},
                   {"by_score", explanation.by_score},
                   {"chosen", ChoiceJson(explanation.chosen, explanation.weights, inventory)},
                   {"runner_up", nullptr}};
  if (explanation.runner_up) {
    document["runner_up"] = ChoiceJson(*explanation.runner_up, explanation.weights, inventory);
  }
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Status RunExplain(const ExplainFlags& flags) {
  FLEXMIG_ASSIGN_OR_RETURN(const agent::JobSize size, ParseSize(flags.size));
  FLEXMIG_ASSIGN_OR_RETURN(const auto policy, alloc::MakePolicy(flags.policy));
  FLEXMIG_ASSIGN_OR_RETURN(const Node node, OpenNode(flags.backend));
  FLEXMIG_ASSIGN_OR_RETURN(const auto store, OpenLeases(node));
  FLEXMIG_ASSIGN_OR_RETURN(const auto busy, store.Snapshot());
  FLEXMIG_ASSIGN_OR_RETURN(const auto inventory, hw::ReadInventory(*node.backend));
  FLEXMIG_ASSIGN_OR_RETURN(const auto request, agent::RequestFor(size, inventory));
  const alloc::LeafPool pool = agent::PoolOf(inventory, busy);
  FLEXMIG_ASSIGN_OR_RETURN(const auto explanation, policy->Explain(request, pool));
  return WriteOut(flags.format == OutputFormat::kJson ? AsJson(explanation, inventory)
                                                      : AsTable(explanation, inventory));
}

}  // namespace

void AddExplainCommand(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("explain", "Show which leaves a job would get now, and why");
  const auto flags = std::make_shared<ExplainFlags>();
  AddBackendOption(*command, flags->backend);
  AddSizeFlags(*command, flags->size);
  AddPolicyFlag(*command, flags->policy);
  AddOutputOption(*command, flags->format);
  command->callback([flags, &exit_code] { exit_code = Report(RunExplain(*flags)); });
}

}  // namespace flexmig::app

#include "plan_output.h"

#include <algorithm>
#include <map>
#include <optional>

#include <nlohmann/json.hpp>

#include "flexmig/base/strings.h"

namespace flexmig::app {
namespace {

using Json = nlohmann::ordered_json;
using partition::GpuOutcome;
using partition::GpuPlan;

const mig::GpuModel& ModelOf(const GpuPlan& plan) { return *plan.present.status.model; }

std::string DescribeLayout(const GpuPlan& plan, bool mig_enabled, const mig::MigLayout& layout) {
  return mig_enabled ? mig::DescribeLayout(ModelOf(plan), layout) : "MIG off";
}

mig::MigLayout Difference(const mig::MigLayout& from, const mig::MigLayout& what) {
  mig::MigLayout rest;
  std::ranges::set_difference(from, what, std::back_inserter(rest));
  return rest;
}

// "MIG on, + 7 x 1g.5gb".
std::string DescribeChange(const GpuPlan& plan) {
  const mig::MigLayout present = plan.present.layout();
  const mig::MigLayout removed = Difference(present, plan.target);
  const mig::MigLayout added = Difference(plan.target, present);
  size_t repaired = 0;
  std::vector<std::string> parts;
  for (const partition::Step& step : plan.steps) {
    if (step.kind == partition::Step::Kind::kEnableMig) parts.emplace_back("MIG on");
    if (step.kind == partition::Step::Kind::kCreateComputeInstance) ++repaired;
  }
  repaired -= added.size();
  if (!removed.empty()) parts.push_back("- " + mig::DescribeLayout(ModelOf(plan), removed));
  if (!added.empty()) parts.push_back("+ " + mig::DescribeLayout(ModelOf(plan), added));
  if (repaired > 0) parts.push_back(StrCat("repair ", repaired));
  if (!plan.mig_enabled && !plan.steps.empty()) parts.emplace_back("MIG off");
  return parts.empty() ? "nothing" : StrJoin(parts, ", ");
}

std::string_view OutcomeName(GpuOutcome::Kind kind) {
  switch (kind) {
    case GpuOutcome::Kind::kUnchanged: return "unchanged";
    case GpuOutcome::Kind::kApplied: return "applied";
    case GpuOutcome::Kind::kRolledBack: return "failed, as before";
    case GpuOutcome::Kind::kLeftover: return "failed, left over";
    case GpuOutcome::Kind::kNotTried: return "not tried";
  }
  FLEXMIG_CHECK(false && "a GpuOutcome::Kind outside its enumeration");
}

// The sums over all GPUs; a sum with an unknown part is unknown.
std::string DescribePrice(const partition::NodePlan& plan) {
  std::optional<int> sms = 0;
  int total_sms = 0;
  std::optional<Bytes> memory = Bytes();
  std::optional<Bytes> total_memory = Bytes();
  int slices = 0;
  int total_slices = 0;
  for (const GpuPlan& gpu : plan.gpus) {
    const mig::LayoutPrice& price = gpu.price;
    sms = sms && price.sms ? std::optional(*sms + *price.sms) : std::nullopt;
    total_sms += price.total_sms;
    memory = memory && price.memory ? std::optional(*memory + *price.memory) : std::nullopt;
    total_memory = total_memory && price.total_memory
                       ? std::optional(*total_memory + *price.total_memory)
                       : std::nullopt;
    slices += price.memory_slices;
    total_slices += price.total_memory_slices;
  }
  return StrCat("the layout offers ", FormatOptional(sms), " of ", total_sms, " SMs, ",
                FormatOptional(memory), " of ", FormatOptional(total_memory), ", ", slices, " of ",
                total_slices, " memory slices\n");
}

std::string PlanTable(const partition::NodePlan& plan) {
  Table table({">GPU", "MODEL", "NOW", "WANTED", "CHANGE", ">KEPT", ">STEPS"});
  for (const GpuPlan& gpu : plan.gpus) {
    const auto& status = gpu.present.status;
    table.AddRow({StrCat(status.index.value()), std::string(ModelOf(gpu).key),
                  DescribeLayout(gpu, status.mig_enabled, gpu.present.layout()),
                  DescribeLayout(gpu, gpu.mig_enabled, gpu.target), DescribeChange(gpu),
                  StrCat(gpu.kept), StrCat(gpu.steps.size())});
  }
  return table.Text();
}

std::string StepLines(const GpuPlan& gpu, const std::vector<partition::Step>& steps) {
  std::string text;
  for (const partition::Step& step : steps) {
    text += StrCat("GPU ", gpu.present.status.index.value(), ": ",
                   partition::DescribeStep(ModelOf(gpu), step), "\n");
  }
  return text;
}

Json LayoutJson(const mig::GpuModel& model, const mig::MigLayout& layout) {
  Json instances = Json::array();
  for (const mig::PlacedProfile& placed : layout) {
    const mig::Profile* profile = model.FindProfile(placed.profile);
    instances.push_back(
        {{"profile", profile == nullptr ? Json() : Json(std::string(profile->name))},
         {"profile_id", placed.profile.value()},
         {"start", placed.placement.start},
         {"size", placed.placement.size}});
  }
  return instances;
}

Json StepsJson(const mig::GpuModel& model, const std::vector<partition::Step>& steps) {
  Json names = Json::array();
  for (const auto& step : steps) names.push_back(partition::DescribeStep(model, step));
  return names;
}

Json OptionalJson(const std::optional<int>& value) { return value ? Json(*value) : Json(); }
Json OptionalJson(const std::optional<Bytes>& value) {
  return value ? Json(value->count()) : Json();
}

Json GpuJson(const GpuPlan& gpu) {
  const auto& status = gpu.present.status;
  Json blockers = Json::array();
  for (const auto& blocker : gpu.blockers) blockers.push_back(blocker.what);
  return {{"gpu", status.index.value()},
          {"uuid", status.uuid.value()},
          {"model", std::string(ModelOf(gpu).key)},
          {"present",
           {{"mig_enabled", status.mig_enabled},
            {"instances", LayoutJson(ModelOf(gpu), gpu.present.layout())}}},
          {"wanted",
           {{"mig_enabled", gpu.mig_enabled}, {"instances", LayoutJson(ModelOf(gpu), gpu.target)}}},
          {"kept", gpu.kept},
          {"steps", StepsJson(ModelOf(gpu), gpu.steps)},
          {"blockers", std::move(blockers)},
          {"price",
           {{"sms", OptionalJson(gpu.price.sms)},
            {"total_sms", gpu.price.total_sms},
            {"memory_bytes", OptionalJson(gpu.price.memory)},
            {"total_memory_bytes", OptionalJson(gpu.price.total_memory)},
            {"memory_slices", gpu.price.memory_slices},
            {"total_memory_slices", gpu.price.total_memory_slices}}}};
}

}  // namespace

std::string FormatPlan(const partition::NodePlan& plan, OutputFormat format, bool show_steps) {
  if (format != OutputFormat::kTable) {
    Json gpus = Json::array();
    for (const GpuPlan& gpu : plan.gpus) gpus.push_back(GpuJson(gpu));
    return FormatDocument(
        {{"done", plan.is_done()}, {"blocked", plan.is_blocked()}, {"gpus", std::move(gpus)}},
        format);
  }
  std::string text = PlanTable(plan);
  if (show_steps) {
    for (const GpuPlan& gpu : plan.gpus) text += StepLines(gpu, gpu.steps);
  }
  text += "\n" + DescribePrice(plan);
  for (const GpuPlan& gpu : plan.gpus) {
    for (const auto& blocker : gpu.blockers) {
      text += StrCat("blocked: GPU ", gpu.present.status.index.value(), ": ", blocker.what, "\n");
    }
  }
  return text;
}

std::string FormatReport(const partition::ApplyReport& report, OutputFormat format,
                         bool show_steps) {
  if (format != OutputFormat::kTable) {
    Json gpus = Json::array();
    for (size_t i = 0; i < report.gpus.size(); ++i) {
      const GpuPlan& plan = report.plan.gpus[i];
      Json gpu = GpuJson(plan);
      gpu["outcome"] = {{"result", std::string(OutcomeName(report.gpus[i].kind))},
                        {"steps", StepsJson(ModelOf(plan), report.gpus[i].steps)},
                        {"mig_enabled", report.gpus[i].mig_enabled},
                        {"instances", LayoutJson(ModelOf(plan), report.gpus[i].layout)}};
      gpus.push_back(std::move(gpu));
    }
    return FormatDocument({{"ok", report.status.ok()},
                           {"error", report.status.ok() ? Json() : Json(report.status.message())},
                           {"gpus", std::move(gpus)}},
                          format);
  }
  Table table({">GPU", "MODEL", "WAS", "IS", "RESULT", ">STEPS"});
  std::string steps;
  for (size_t i = 0; i < report.gpus.size(); ++i) {
    const GpuPlan& plan = report.plan.gpus[i];
    const GpuOutcome& outcome = report.gpus[i];
    const auto& status = plan.present.status;
    table.AddRow({StrCat(status.index.value()), std::string(ModelOf(plan).key),
                  DescribeLayout(plan, status.mig_enabled, plan.present.layout()),
                  DescribeLayout(plan, outcome.mig_enabled, outcome.layout),
                  std::string(OutcomeName(outcome.kind)), StrCat(outcome.steps.size())});
    if (show_steps) steps += StepLines(plan, outcome.steps);
  }
  return table.Text() + steps;
}

}  // namespace flexmig::app

#include "simulate_report.h"

#include <algorithm>
#include <optional>
#include <variant>

#include <nlohmann/json.hpp>

#include "flexmig/base/strings.h"
#include "flexmig/report/summary_fields.h"

#include "output.h"

namespace flexmig::app {

namespace {

using sim::Summary;

double Seconds(sched::Duration duration) { return std::chrono::duration<double>(duration).count(); }

// Makespan as a multiple of the best baseline's; nullopt unless both did every job under the same
// speed model.
std::optional<double> MakespanRatio(const Summary& summary, const Summary* best) {
  if (best == nullptr || summary.role == sim::Role::kReference || summary.jobs_left_out > 0 ||
      best->makespan.count() == 0) {
    return std::nullopt;
  }
  return Seconds(summary.makespan) / Seconds(best->makespan);
}

Table ResultTable(const SimulationReport& report) {
  Table table({"policy", ">done", ">left out", ">makespan", ">mean JCT", ">med. JCT", ">p95 JCT",
               ">mean wait", ">held", ">asked", ">reconf.", ">reconf. time", ">x best"});
  table.AddRow({"", "jobs", "jobs", "s", "s", "s", "s", "s", "%", "%", "", "GPU s", ""});
  const Summary* best = sim::BestBaseline(report.summaries);
  for (const Summary& s : report.summaries) {
    const auto ratio = MakespanRatio(s, best);
    // Without a job there is nothing to average.
    const auto fixed = [&s](double value) {
      return s.jobs_done == 0 ? "-" : FormatFixed(value, 1);
    };
    table.AddRow({s.policy, StrCat(s.jobs_done), StrCat(s.jobs_left_out),
                  fixed(Seconds(s.makespan)), fixed(s.mean_jct_s), fixed(Seconds(s.median_jct)),
                  fixed(Seconds(s.p95_jct)), fixed(s.mean_wait_s), fixed(100 * s.held_utilisation),
                  fixed(100 * s.asked_utilisation), StrCat(s.reconfigurations),
                  fixed(Seconds(s.reconfiguration_time)), ratio ? FormatFixed(*ratio, 3) : "-"});
  }
  return table;
}

// A line for each policy on leaves; empty if there is none.
std::string Comparison(const SimulationReport& report) {
  const Summary* best = sim::BestBaseline(report.summaries);
  std::string text;
  for (const Summary& s : report.summaries) {
    if (s.role != sim::Role::kFlexmig) continue;
    const auto ratio = MakespanRatio(s, best);
    if (s.jobs_left_out > 0) {
      text += StrCat(s.policy, " left jobs out: its makespan is not compared.\n");
    } else if (!ratio) {
      text +=
          StrCat("No baseline did every job: the makespan of ", s.policy, " is not compared.\n");
    } else {
      text +=
          StrCat(s.policy, " against ", best->policy,
                 ", the baseline with the shortest makespan: makespan x ", FormatFixed(*ratio, 3),
                 ", mean JCT x ", FormatFixed(s.mean_jct_s / best->mean_jct_s, 3),
                 " (above 1: ", s.policy, " is slower).\n");
    }
  }
  return text;
}

}  // namespace

std::string RenderTable(const SimulationReport& report) {
  size_t width = 0;
  for (const auto& [name, text] : report.assumptions) width = std::max(width, name.size());
  std::string out;
  for (const auto& [name, text] : report.assumptions) {
    out += StrCat(name, std::string(width - name.size() + 2, ' '), text, "\n");
  }
  out += "policies\n";
  for (size_t i = 0; i < report.summaries.size(); ++i) {
    out += StrCat("  ", report.summaries[i].policy, ": ", report.policy_descriptions[i], "\n");
  }
  out += "\n" + ResultTable(report).Text();
  out +=
      "\nJCT: finish - submit; p95 and median by nearest rank. held, asked: share of all compute "
      "slices\nover the makespan that jobs held, and that they had asked for of it. x best: "
      "makespan as a\nmultiple of the best baseline's; - if jobs were left out or without speed "
      "model.\n";
  for (const Summary& s : report.summaries) {
    if (s.jobs_left_out == 0) continue;
    out += StrCat(s.policy, " left out ", s.jobs_left_out, " of ", s.jobs_done + s.jobs_left_out,
                  " jobs that it can never run, first ", s.first_rejection, ".\n");
  }
  return out + Comparison(report);
}

std::string RenderJson(const SimulationReport& report) {
  using Json = nlohmann::ordered_json;
  Json json;
  for (const auto& [name, text] : report.assumptions) json["assumptions"][name] = text;
  for (size_t i = 0; i < report.summaries.size(); ++i) {
    json["policies"][report.summaries[i].policy] = report.policy_descriptions[i];
  }
  const Summary* best = sim::BestBaseline(report.summaries);
  json["results"] = Json::array();
  for (const Summary& s : report.summaries) {
    const auto ratio = MakespanRatio(s, best);
    Json& result = json["results"].emplace_back();
    for (const report::SummaryField& field : report::SummaryFields(s)) {
      std::visit([&](const auto& value) { result[std::string(field.name)] = value; }, field.value);
    }
    result["makespan_over_best_baseline"] = ratio ? Json(*ratio) : Json();
  }
  for (const Summary& s : report.summaries) {
    const auto ratio = MakespanRatio(s, best);
    if (s.role != sim::Role::kFlexmig || !ratio) continue;
    json["comparisons"].push_back({{"policy", s.policy},
                                   {"best_baseline", best->policy},
                                   {"makespan_ratio", *ratio},
                                   {"mean_jct_ratio", s.mean_jct_s / best->mean_jct_s}});
  }
  // A file name need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string RenderCsv(const SimulationReport& report) {
  std::string out;
  for (const auto& [name, text] : report.assumptions) out += StrCat("# ", name, ": ", text, "\n");
  for (size_t i = 0; i < report.summaries.size(); ++i) {
    out +=
        StrCat("# policy ", report.summaries[i].policy, ": ", report.policy_descriptions[i], "\n");
  }
  out +=
      "policy,jobs_done,jobs_left_out,makespan_s,mean_jct_s,median_jct_s,p95_jct_s,mean_wait_s,"
      "held_utilisation,asked_utilisation,reconfigurations,reconfiguration_gpu_s,"
      "makespan_over_best_baseline\n";
  const Summary* best = sim::BestBaseline(report.summaries);
  for (const Summary& s : report.summaries) {
    const auto ratio = MakespanRatio(s, best);
    out += StrCat(s.policy, ",", s.jobs_done, ",", s.jobs_left_out, ",", Seconds(s.makespan), ",",
                  s.mean_jct_s, ",", Seconds(s.median_jct), ",", Seconds(s.p95_jct), ",",
                  s.mean_wait_s, ",", s.held_utilisation, ",", s.asked_utilisation, ",",
                  s.reconfigurations, ",", Seconds(s.reconfiguration_time), ",",
                  ratio ? StrCat(*ratio) : "", "\n");
  }
  return out;
}

}  // namespace flexmig::app

// flexmig simulate sweep: many runs into one file; flexmig simulate compare: what they say.

#include "sweep_command.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include "flexmig/base/strings.h"
#include "flexmig/report/render.h"
#include "flexmig/sweep/compare.h"
#include "flexmig/sweep/experiment.h"
#include "flexmig/sweep/grid.h"
#include "flexmig/sweep/results_file.h"
#include "flexmig/sweep/run.h"

#include "comparison_page.h"
#include "exit_code.h"
#include "output.h"
#include "simulate_output.h"

namespace flexmig::app {
namespace {

struct SweepArguments {
  sweep::Grid grid;
  std::string seeds = "1";
  std::string threads;
  std::string results;
};

volatile std::sig_atomic_t interrupted = 0;

// "5" is 1 to 5, "3-7" from 3 to 7.
Result<std::vector<uint64_t>> ParseSeeds(std::string_view text) {
  constexpr int64_t kMax = 1'000'000;
  const size_t dash = text.find('-');
  int64_t first = 1;
  if (dash != std::string_view::npos) {
    FLEXMIG_ASSIGN_OR_RETURN(first, ParseInt(text.substr(0, dash), 0, kMax));
  }
  FLEXMIG_ASSIGN_OR_RETURN(
      const int64_t last,
      ParseInt(dash == std::string_view::npos ? text : text.substr(dash + 1), first, kMax));
  std::vector<uint64_t> seeds;
  for (int64_t seed = first; seed <= last; ++seed) seeds.push_back(static_cast<uint64_t>(seed));
  return seeds;
}

// One line that is written again and again, on a terminal only.
class ProgressLine {
 public:
  void Show(size_t done, size_t total) {
    const auto now = Clock::now();
    if (first_ == 0) first_ = done - 1;
    if (!is_terminal_ || (done < total && now - shown_ < std::chrono::milliseconds(200))) return;
    shown_ = now;
    const double seconds = std::chrono::duration<double>(now - begin_).count();
    const double rate = static_cast<double>(done - first_) / std::max(seconds, 1e-3);
    std::fprintf(stderr, "\r%zu of %zu runs, %.1f a second, %.0f s left \033[K", done, total, rate,
                 static_cast<double>(total - done) / rate);
    if (done == total) std::fputc('\n', stderr);
  }

 private:
  using Clock = std::chrono::steady_clock;
  const bool is_terminal_ = ::isatty(2) == 1;
  const Clock::time_point begin_ = Clock::now();
  Clock::time_point shown_{};
  size_t first_ = 0;
};

Result<std::string> Sweep(SweepArguments arguments) {
  auto seeds = ParseSeeds(arguments.seeds);
  if (!seeds.ok()) return seeds.status().WithContext("--seeds");
  arguments.grid.seeds = *seeds;
  int64_t threads = std::max(1u, std::thread::hardware_concurrency());
  if (!arguments.threads.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(threads, ParseInt(arguments.threads, 1, 1024));
  }
  const auto settings = sweep::SettingsOf(arguments.grid);
  sweep::Experiment experiment;
  // All of them first: a typing error should not cost the hours before it.
  for (const sweep::Setting& setting : settings) {
    FLEXMIG_RETURN_IF_ERROR(experiment.Check(setting));
  }
  FLEXMIG_ASSIGN_OR_RETURN(auto writer, sweep::ResultsWriter::Open(arguments.results));
  FLEXMIG_ASSIGN_OR_RETURN(const auto known, sweep::ReadResults(arguments.results));
  ProgressLine progress;
  sweep::SweepWork work;
  work.threads = static_cast<int>(threads);
  work.run = [&](const sweep::Setting& setting) { return experiment.Run(setting); };
  work.on_done = [&](size_t done, size_t total) {
    progress.Show(done, total);
    return interrupted == 0;
  };
  // Ends behind whole runs; a second one kills.
  std::signal(SIGINT, [](int) {
    interrupted = 1;
    std::signal(SIGINT, SIG_DFL);
  });
  FLEXMIG_RETURN_IF_ERROR(sweep::RunSweep(settings, known, writer, work));
  return StrCat(settings.size(), " runs in ", arguments.results, "\n");
}

struct CompareArguments {
  std::vector<std::string> files;
  std::string output = "markdown";
  std::string html;
};

Result<std::string> Compare(const CompareArguments& arguments) {
  const std::string& output = arguments.output;
  if (output != "markdown" && output != "csv") {
    return InvalidArgumentError(
        StrCat("--output: '", output, "' is not markdown or csv; --html FILE writes a page"));
  }
  if (!arguments.html.empty()) {
    FLEXMIG_RETURN_IF_ERROR(report::CheckCanRenderHtml().WithContext("--html"));
  }
  sweep::Results all;
  for (const std::string& file : arguments.files) {
    FLEXMIG_ASSIGN_OR_RETURN(auto results, sweep::ReadResults(file));
    all.merge(results);
    if (!results.empty()) {
      return InvalidArgumentError(
          StrCat(file, ": it has ", results.size(), " settings that an earlier file has, too"));
    }
  }
  if (all.empty()) return NotFoundError("there are no results");
  const auto rows = sweep::Compare(all);
  if (!arguments.html.empty()) {
    const auto page = report::RenderHtml(ComparisonPage(rows, CommandLine()));
    FLEXMIG_RETURN_IF_ERROR(page.status().WithContext("--html"));
    FLEXMIG_RETURN_IF_ERROR(WriteWhole(arguments.html, *page));
  }
  return output == "csv" ? sweep::RenderCsv(rows) : sweep::RenderMarkdown(rows);
}

void Finish(const Result<std::string>& text, int& exit_code) {
  exit_code = text.ok() ? Report(WriteOut(*text)) : Report(text.status());
}

}  // namespace

void AddSweepCommands(CLI::App& simulate, int& exit_code) {
  auto arguments = std::make_shared<SweepArguments>();
  CLI::App* sweep = simulate.add_subcommand(
      "sweep", "Run every combination of some settings and keep the results in a file.");
  sweep::Grid& grid = arguments->grid;
  grid.policies = {"exclusive", "static:best", "dynamic-drain", "dynamic-partial", "flexmig"};
  const auto list = [&](const char* name, std::vector<std::string>& values, const char* help,
                        char delimiter = ',') {
    return sweep->add_option(name, values, help)->delimiter(delimiter)->capture_default_str();
  };
  list("--trace", grid.traces, "Traces, or generate:SPEC; between them spaces", ' ')->required();
  list("--model", grid.models, "Boards");
  list("--cluster", grid.clusters, "GPUs, or NODESxGPUS");
  list("--span-nodes", grid.span_nodes, "Jobs that may span nodes: no, wide, any");
  list("--mapping", grid.mappings, "GPUs to slices");
  list("--multi-gpu", grid.multi_gpus, "leaves, fit, skip");
  list("--resample", grid.resamples, "none, order, blocks:N: another trace for every seed");
  list("--load", grid.loads, "Offered loads; none for the trace's own");
  list("--class", grid.speed_classes, "saturating, middling, light");
  list("--oversize", grid.oversizes, "faster, same");
  list("--queue", grid.queues, "Queue policies");
  list("--alloc", grid.allocations, "How policies on leaves choose them");
  list("--comm", grid.communications, "What exchange costs them; between several spaces", ' ');
  list("--costs", grid.costs, "CREATE,DESTROY,RESTART of policies that reconfigure; spaces", ' ');
  list("--policies", grid.policies, "Policies");
  sweep->add_option("--seeds", arguments->seeds, "5 for 1 to 5, or 3-7")->capture_default_str();
  sweep->add_option("--threads", arguments->threads, "Runs at once [default: processors]");
  sweep->add_option("--results", arguments->results, "File that results are added to")->required();
  sweep->callback([arguments, &exit_code] { Finish(Sweep(*arguments), exit_code); });

  auto comparison = std::make_shared<CompareArguments>();
  CLI::App* compare = simulate.add_subcommand(
      "compare", "Set the policies of a sweep against the best baseline, seed by seed.");
  compare->add_option("results", comparison->files, "Files that sweeps have written")->required();
  compare->add_option("-o,--output", comparison->output, "markdown or csv")->capture_default_str();
  compare->add_option("--html", comparison->html,
                      "Also write a page of charts and tables to this file");
  compare->callback([comparison, &exit_code] { Finish(Compare(*comparison), exit_code); });
}

}  // namespace flexmig::app

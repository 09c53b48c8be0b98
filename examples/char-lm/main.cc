// char-lm: trains a small character-level language model on the leaves of one job.
//
//   flexmig run -n 4 -- char-lm        data-parallel on four leaves
//   char-lm                            the same training in one process

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"
#include "flexmig/launch/job_environment.h"

#include "curve.h"
#include "report.h"
#include "sample.h"
#include "text.h"
#include "trainer.h"

namespace flexmig::char_lm {
namespace {

// As in the README: 0 done, 1 failed, 2 usage, 4 not found, 6 permission.
constexpr int kFailed = 1;
constexpr int kUsage = 2;

struct Options {
  std::string text = "/usr/share/common-licenses/GPL-3";
  int steps = 600;
  int report_interval = 0;  // steps; 0 for a tenth of all
  bool quiet = false;
  std::string json;  // file, "-" for stdout, "" for none
  TrainerOptions trainer;
};

void AddOptions(CLI::App& app, Options& options) {
  app.add_option("--text", options.text, "File to learn, at least 1024 bytes")
      ->capture_default_str();
  app.add_option("--steps", options.steps, "Steps of training")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  app.add_option("--batch", options.trainer.batch,
                 "Characters a step over all ranks; a multiple of the number of ranks")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--context", options.trainer.context, "Characters that the model sees")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--hidden", options.trainer.hidden, "Hidden units")
      ->check(CLI::Range(1, 8192))
      ->capture_default_str();
  app.add_option("--lr", options.trainer.learning_rate, "Learning rate of Adam")
      ->check(CLI::Range(1e-9, 1e3))
      ->capture_default_str();
  app.add_option("--seed", options.trainer.seed, "Seed of parameters, batches and sample")
      ->check(CLI::Range(int64_t{0}, std::numeric_limits<int64_t>::max()))  // else -1 wraps
      ->capture_default_str();
  app.add_option("--report", options.report_interval,
                 "Steps between two lines of progress (default: a tenth of the steps)")
      ->check(CLI::Range(1, 10'000'000));
  app.add_flag("--quiet", options.quiet, "Print the result only: no progress, curve or sample");
  app.add_option("--json", options.json,
                 "Write the result to this file; \"-\" is stdout, the report then goes to stderr");
}

int ExitCodeOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument: return kUsage;
    case StatusCode::kNotFound: return 4;
    case StatusCode::kPermissionDenied: return 6;
    case StatusCode::kOk:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kResourceExhausted:
    case StatusCode::kAlreadyExists:
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded:
    case StatusCode::kAborted:
    case StatusCode::kUnimplemented:
    case StatusCode::kDataLoss:
    case StatusCode::kInternal: break;
  }
  return kFailed;
}

int Fail(const Status& status, int exit_code) {
  std::cerr << "char-lm: " << status.message() << std::endl;
  return exit_code;
}

// "GPU 0  MIG-7f37c7aa-...", one line a rank; empty outside `flexmig run`.
std::vector<std::string> Leaves() {
  std::vector<std::string> lines;
  const auto job = launch::FromProcessEnvironment();
  if (!job.ok()) return lines;
  for (const auto& leaf : job->leaves) {
    lines.push_back(StrCat("GPU ", leaf.gpu, "  ", leaf.mig_uuid));
  }
  return lines;
}

Status WriteJson(const std::string& path, const Summary& summary) {
  if (path != "-") return WriteFileAtomically(path, ToJson(summary));
  std::cout << ToJson(summary) << std::flush;
  return std::cout ? OkStatus() : UnavailableError("stdout cannot be written");
}

int Train(const Options& options, Peers& peers) {
  auto text = LoadText(options.text);
  if (!text.ok()) return Fail(text.status(), ExitCodeOf(text.status()));
  auto created = Trainer::Create(*text, options.trainer, peers);
  if (!created.ok()) return Fail(created.status(), ExitCodeOf(created.status()));
  Trainer& trainer = **created;

  const bool reports = peers.rank() == 0;
  const bool is_verbose = reports && !options.quiet;
  std::ostream& out = options.json == "-" ? std::cerr : std::cout;
  std::optional<ProgressTable> progress;
  if (is_verbose) {
    PrintHeader(out, options.text, *text, options.trainer, trainer.model(), peers.world_size(),
                Leaves());
    const int interval =
        options.report_interval > 0 ? options.report_interval : std::max(1, options.steps / 10);
    progress.emplace(out, interval, options.trainer.batch);
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto elapsed = [begin] { return std::chrono::steady_clock::now() - begin; };
  std::vector<double> losses;
  while (losses.size() < static_cast<size_t>(options.steps)) {
    const auto loss = trainer.Step();
    if (!loss.ok()) return Fail(loss.status(), kFailed);
    losses.push_back(*loss);
    if (progress) progress->Add(losses, elapsed());
  }
  const auto training_time = elapsed();
  if (const Status equal = trainer.VerifyEqualParameters(); !equal.ok())
    return Fail(equal, kFailed);
  if (!reports) return 0;

  if (is_verbose) {
    out << "\n"
        << DrawCurve(losses, 64, 13) << "\nsample:\n"
        << WriteSample(trainer.model(), *text, 400, options.trainer.seed) << "\n\n";
  }
  const Summary summary =
      Summarize(losses, options.trainer, training_time, trainer, peers.world_size());
  PrintSummary(out, summary);
  if (!options.json.empty()) {
    if (const Status s = WriteJson(options.json, summary); !s.ok()) return Fail(s, ExitCodeOf(s));
  }
  return 0;
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Trains a small character-level language model. Under `flexmig run -n N -- char-lm` the N\n"
      "ranks share the work of every step; alone it trains in one process, with the same result.",
      "char-lm");
  AddOptions(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  auto peers = Peers::FromEnvironment();
  if (!peers.ok()) return Fail(peers.status(), kFailed);
  return Train(options, *peers);
}

}  // namespace
}  // namespace flexmig::char_lm

int main(int argc, char** argv) { return flexmig::char_lm::Main(argc, argv); }

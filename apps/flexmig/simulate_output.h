#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/report/atomic_file.h"
#include "flexmig/report/report_data.h"
#include "flexmig/report/run_recorder.h"

namespace flexmig::app {

// As written on the command line; empty where not given.
struct OutputArguments {
  std::string out;   // folder
  std::string html;  // file
  std::string gantt_gpus = "0-7";
  std::string gantt_from = "0s";
};

// The files of a simulation (docs/formats/simulation-output.md), written while it runs. Nothing
// appears under its name before Commit; summary.json is removed first and appears last, so that its
// presence says that the files of a folder belong together.
class SimulationOutput {
 public:
  // Makes the folder if it is missing. Errors: kInvalidArgument naming the flag; kUnimplemented if
  // a page is asked for by --html that this build cannot write; those of the file system.
  static Result<SimulationOutput> Create(const OutputArguments& arguments);

  // Whether anything is to be written.
  [[nodiscard]] bool is_wanted() const { return jobs_ || !html_.empty(); }
  // A recorder of one run. REQUIRES: is_wanted(); all arguments outlive it, as this does.
  std::unique_ptr<report::RunRecorder> Record(const report::RunKey& key,
                                              const sim::Workload& workload,
                                              const sim::Scheme& scheme,
                                              const mig::GpuModel& model);
  // Puts all files in place, on disk. Returns a note for people, empty if there is nothing to say.
  Result<std::string> Commit(const report::ReportData& data);

 private:
  std::filesystem::path folder_;  // empty for none
  std::filesystem::path html_;
  report::RecorderOptions options_;
  std::optional<report::AtomicFile> jobs_;
  std::optional<report::AtomicFile> timeseries_;
};

// Writes a file that appears whole, on disk. Errors: those of report::AtomicFile.
Status WriteWhole(const std::filesystem::path& path, std::string_view text);

// The words of this process's command line, the program's name without its folder.
std::vector<std::string> CommandLine();

}  // namespace flexmig::app

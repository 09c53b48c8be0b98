#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "flexmig/base/env.h"
#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"
#include "flexmig/doctor/checks.h"
#include "flexmig/doctor/read_host.h"
#include "flexmig/nvml/nvml_backend.h"

#include "commands.h"
#include "exit_code.h"
#include "job_collectives.h"
#include "node.h"
#include "output.h"

namespace flexmig::app {
namespace {

using Json = nlohmann::ordered_json;

struct DoctorFlags {
  std::string backend = "nvml";
  std::optional<std::string> nccl;
  OutputFormat format = OutputFormat::kTable;
};

Result<std::vector<doctor::GpuView>> ReadGpus(hw::MigBackend& backend,
                                              const std::filesystem::path& driver_root,
                                              bool is_simulated) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto statuses, backend.ListGpus());
  std::vector<doctor::GpuView> gpus;
  for (const hw::GpuStatus& status : statuses) {
    doctor::GpuView& gpu = gpus.emplace_back();
    gpu.status = status;
    gpu.observed = partition::Observe(backend, status.index, partition::CreatedRecord(), nullptr);
    // A simulated board has the address of a device that may be here, but is another one.
    if (!is_simulated) gpu.link = doctor::ReadPciLink("/sys", status.pci_bus_id);
    gpu.device_minor =
        doctor::ReadDeviceMinor(driver_root, status.pci_bus_id).value_or(status.index.value());
  }
  return gpus;
}

doctor::BoardsView ReadBoards(const std::string& backend,
                              const std::filesystem::path& driver_root) {
  doctor::BoardsView boards;
  boards.backend = backend;
  boards.is_simulated = backend.starts_with("sim:");
  if (!boards.is_simulated) {
    const auto options = nvml::NvmlOptionsFromEnvironment();
    const auto version = nvml::ReadDriverVersion(options);
    boards.driver = version.ok() ? Result<doctor::DriverInfo>({options.library, *version})
                                 : Result<doctor::DriverInfo>(version.status());
  }
  const auto node = OpenNode(backend);
  boards.gpus = node.ok() ? ReadGpus(*node->backend, driver_root, boards.is_simulated)
                          : Result<std::vector<doctor::GpuView>>(node.status());
  return boards;
}

std::string AsText(const doctor::Findings& findings) {
  Table table({"CHECK", "RESULT", "FOUND"});
  std::string mends;
  for (const doctor::Finding& finding : findings) {
    const std::string level(doctor::LevelName(finding.level));
    table.AddRow({finding.check, level, finding.what});
    if (!finding.mend.empty()) mends += StrCat("\n", finding.check, ": ", finding.mend);
  }
  if (!mends.empty()) mends = StrCat("\nWhat to do", mends, "\n");
  return table.Text() + mends;
}

Json AsDocument(const doctor::Findings& findings) {
  Json checks = Json::array();
  for (const doctor::Finding& finding : findings) {
    checks.push_back({{"check", finding.check},
                      {"result", std::string(doctor::LevelName(finding.level))},
                      {"found", finding.what},
                      {"mend", finding.mend.empty() ? Json() : Json(finding.mend)}});
  }
  return {{"healthy", doctor::IsHealthy(findings)}, {"checks", std::move(checks)}};
}

// What `flexmig run` would choose for a job on two leaves of one GPU.
doctor::CollectivesDecision DecideCollectives(const DoctorFlags& flags) {
  CollectivesFlags asked;
  // By name: a build with sanitizers has another default.
  asked.mode = GetEnv("FLEXMIG_COLLECTIVES").value_or("auto");
  const auto job = JobCollectives::Prepare(asked, flags.backend);
  if (!job.ok()) return {"none", "`flexmig run` would refuse", job.status().message()};
  const auto choice = job->Choose({{"MIG-0", 0}, {"MIG-1", 0}});
  if (!choice.ok()) return {"none", "`flexmig run` would refuse", choice.status().message()};
  return {std::string(runtime::CollectivesName(choice->collectives)), choice->reason,
          job->drop_in_missing()};
}

// Sets `exit_code` if something fails.
Status RunDoctor(const DoctorFlags& flags, int& exit_code) {
  if (flags.backend != "nvml" && !flags.backend.starts_with("sim:")) {
    return OpenNode(flags.backend).status();  // says what there is
  }
  doctor::HostPaths paths;
  if (const auto root = GetEnv("FLEXMIG_SIM_ROOT")) paths.driver_root = *root;
  if (const auto state = StateDirectory(); state.ok()) paths.state = *state;
  if (flags.nccl) paths.nccl = *flags.nccl;
  doctor::SystemView system;
  system.boards = ReadBoards(flags.backend, paths.driver_root);
  system.host = doctor::ReadHost(paths);
  system.collectives = DecideCollectives(flags);
  const doctor::Findings findings = doctor::Examine(system);
  if (!doctor::IsHealthy(findings)) exit_code = kExitNegative;
  return WriteOut(flags.format == OutputFormat::kTable
                      ? AsText(findings)
                      : FormatDocument(AsDocument(findings), flags.format));
}

}  // namespace

void AddDoctorCommand(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("doctor", "Look at what jobs need here, and say what is missing");
  const auto flags = std::make_shared<DoctorFlags>();
  AddBackendOption(*command, flags->backend)->required(false);
  command->add_option("--nccl", flags->nccl,
                      "This NCCL (a file or its folder) instead of the one "
                      "that programs would load");
  AddOutputOption(*command, flags->format, kEveryFormat);
  command->footer(
      "The exit code is 1 if a check fails. Without --backend the boards are this machine's.");
  command->callback([flags, &exit_code] {
    int answer = kExitOk;
    const Status status = RunDoctor(*flags, answer);
    exit_code = status.ok() ? answer : Report(status);
  });
}

}  // namespace flexmig::app

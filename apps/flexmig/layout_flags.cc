#include "layout_flags.h"

#include <algorithm>
#include <filesystem>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

#include "node.h"

namespace flexmig::app {
namespace {

// The GPUs of "0,1", in the order of the node; without a text all that have MIG.
Result<std::vector<hw::GpuStatus>> SelectGpus(const std::optional<std::string>& text,
                                              const std::vector<hw::GpuStatus>& all) {
  if (!text) {
    std::vector<hw::GpuStatus> capable;
    std::ranges::copy_if(all, std::back_inserter(capable),
                         [](const hw::GpuStatus& gpu) { return !gpu.model->profiles.empty(); });
    if (capable.empty() && !all.empty()) {
      return FailedPreconditionError(
          "no board of this node has MIG; `flexmig discover` lists them");
    }
    return capable;
  }
  std::vector<bool> chosen(all.size(), false);
  for (const std::string_view word : StrSplit(*text, ',')) {
    const auto index = ParseInt(word, 0, INT32_MAX);
    if (!index.ok()) return index.status().WithContext("--gpu");
    if (*index >= static_cast<int64_t>(all.size())) {
      return NotFoundError(StrCat("--gpu: no GPU ", *index, ": the node has ", all.size()));
    }
    if (chosen[static_cast<size_t>(*index)]) {
      return InvalidArgumentError(StrCat("--gpu: GPU ", *index, " is named twice"));
    }
    chosen[static_cast<size_t>(*index)] = true;
  }
  std::vector<hw::GpuStatus> selected;
  for (size_t i = 0; i < all.size(); ++i) {
    if (chosen[i]) selected.push_back(all[i]);
  }
  return selected;
}

Result<partition::DesiredGpu> DesiredFor(const hw::GpuStatus& gpu,
                                         const std::optional<std::string>& layout) {
  if (layout == "off") return partition::DesiredGpu{gpu.index, false, {}};
  const mig::GpuModel& model = *gpu.model;
  if (model.profiles.empty()) {
    return InvalidArgumentError(
        StrCat("GPU ", gpu.index.value(), ": ", model.product, " has no MIG"));
  }
  const auto placed = layout ? mig::ParseLayout(model, *layout)
                             : mig::UniformLayout(model, mig::DefaultLeafProfile(model).name);
  if (placed.status().code() == StatusCode::kResourceExhausted) {
    return InvalidArgumentError(placed.status().message());  // waiting would not help
  }
  if (!placed.ok()) return placed.status();
  return partition::DesiredGpu{gpu.index, true, partition::CountProfiles(model, *placed)};
}

}  // namespace

void AddLayoutFlags(CLI::App& command, LayoutFlags& flags) {
  AddBackendOption(command, flags.backend);
  auto* layout = command.add_option(
      "--layout", flags.layout,
      "The instances of each GPU, e.g. 7x1g.5gb, 1g.5gb:6,1g.10gb:1 or off (MIG off); "
      "by default as many of the smallest leaves as fit");
  auto* gpus = command.add_option("--gpu", flags.gpus, "Only these GPUs, e.g. 0,1");
  auto* file =
      command.add_option("-f,--file", flags.config.file,
                         "A configuration file of mig-parted (v1), - for the standard input");
  auto* config = command.add_option("-c,--config", flags.config.config,
                                    "The configuration in the file, if it has several");
  file->excludes(layout)->excludes(gpus);
  config->needs(file);
  AddPlanFlags(command, flags.plan);
}

void AddPlanFlags(CLI::App& command, PlanFlags& flags) {
  command.add_flag("--force", flags.force, "Also destroy instances that flexmig did not create");
  command.add_flag("--steps", flags.show_steps, "Show every step");
  AddOutputOption(command, flags.format, kEveryFormat);
}

Result<partition::MigPartedFile> ReadConfigFile(const ConfigFlags& flags) {
  const bool is_stdin = *flags.file == "-";
  FLEXMIG_ASSIGN_OR_RETURN(const std::string text, ReadFile(is_stdin ? "/dev/stdin" : *flags.file));
  return partition::ParseMigParted(text, is_stdin ? "stdin" : *flags.file);
}

Result<std::vector<partition::DesiredGpu>> ReadDesired(const LayoutFlags& flags,
                                                       hw::MigBackend& backend) {
  // The file first: its errors do not depend on the node.
  partition::MigPartedFile file;
  const bool has_file = flags.config.file.has_value();
  if (has_file) {
    FLEXMIG_ASSIGN_OR_RETURN(file, ReadConfigFile(flags.config));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const auto gpus, backend.ListGpus());
  if (has_file) return partition::SelectConfig(file, flags.config.config, gpus);
  FLEXMIG_ASSIGN_OR_RETURN(const auto selected, SelectGpus(flags.gpus, gpus));
  std::vector<partition::DesiredGpu> desired;
  for (const hw::GpuStatus& gpu : selected) {
    FLEXMIG_ASSIGN_OR_RETURN(desired.emplace_back(), DesiredFor(gpu, flags.layout));
  }
  return desired;
}

}  // namespace flexmig::app

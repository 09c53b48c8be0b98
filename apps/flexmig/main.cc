// flexmig: one job on many MIG leaves.

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "flexmig/base/version.h"

#include "commands.h"
#include "exit_code.h"

int main(int argc, char** argv) {
  namespace app = flexmig::app;
  CLI::App cli("One job on many MIG leaves.", "flexmig");
  cli.set_version_flag("--version", "flexmig " + std::string(flexmig::Version()));
  cli.require_subcommand(1);
  cli.footer(
      "Exit codes: 0 ok, 1 negative answer or failed job, 2 usage, 3 no resources now,\n"
      "4 not found, 5 unavailable or timed out, 6 permission.");
  int exit_code = app::kExitOk;
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::vector<std::string> command = app::TakeCommand(arguments);
  // In the order of the help text.
  app::AddRunCommand(cli, exit_code, command);
  app::AddDoctorCommand(cli, exit_code);
  app::AddDiscoverCommand(cli, exit_code);
  app::AddLeavesCommand(cli, exit_code);
  app::AddPlanCommand(cli, exit_code);
  app::AddApplyCommand(cli, exit_code);
  app::AddAssertCommand(cli, exit_code);
  app::AddExportCommand(cli, exit_code);
  app::AddGenerateConfigCommand(cli, exit_code);
  app::AddCheckpointCommand(cli, exit_code);
  app::AddRestoreCommand(cli, exit_code);
  app::AddExplainCommand(cli, exit_code);
  app::AddFragCommand(cli, exit_code);
  app::AddSimulateCommand(cli, exit_code);
  app::AddTraceCommand(cli, exit_code);
  // CLI11 would only say that a command is missing.
  if (!arguments.empty() && !arguments[0].starts_with('-') &&
      cli.get_subcommands([&](const CLI::App* sub) { return sub->get_name() == arguments[0]; })
          .empty()) {
    std::fprintf(stderr, "flexmig: no command '%s'\nTry `flexmig --help`.\n", arguments[0].c_str());
    return app::kExitUsage;
  }
  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI::App::parse takes a vector
    cli.parse(arguments);
  } catch (const CLI::Success& asked_for_help) {
    return cli.exit(asked_for_help);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "flexmig: %s\nTry `flexmig --help`.\n", error.what());
    return app::kExitUsage;
  }
  return exit_code;
}

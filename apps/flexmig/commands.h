#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace flexmig::app {

// Each adds one subcommand to `app`; if the user asked for it, its callback does the work and
// stores the exit code. One file per command, named after it: void Add<Name>Command(CLI::App&,
// int&).
void AddDoctorCommand(CLI::App& app, int& exit_code);
void AddDiscoverCommand(CLI::App& app, int& exit_code);
void AddLeavesCommand(CLI::App& app, int& exit_code);
void AddPlanCommand(CLI::App& app, int& exit_code);
void AddApplyCommand(CLI::App& app, int& exit_code);
void AddAssertCommand(CLI::App& app, int& exit_code);
void AddExportCommand(CLI::App& app, int& exit_code);
void AddGenerateConfigCommand(CLI::App& app, int& exit_code);
void AddCheckpointCommand(CLI::App& app, int& exit_code);
void AddRestoreCommand(CLI::App& app, int& exit_code);
void AddExplainCommand(CLI::App& app, int& exit_code);
void AddFragCommand(CLI::App& app, int& exit_code);
void AddSimulateCommand(CLI::App& app, int& exit_code);
void AddTraceCommand(CLI::App& app, int& exit_code);
// Below `simulate`.
void AddSimulateArrivalCommand(CLI::App& simulate, int& exit_code);
// `command` is what stood behind "--"; it is read when the subcommand is run.
void AddRunCommand(CLI::App& app, int& exit_code, const std::vector<std::string>& command);

// Cuts the command line of another program, everything behind "--", from the arguments of `run`;
// it is not ours to parse. Returns it without the "--".
std::vector<std::string> TakeCommand(std::vector<std::string>& arguments);

}  // namespace flexmig::app

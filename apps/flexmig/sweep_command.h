#pragma once

#include <CLI/CLI.hpp>

namespace flexmig::app {

// `flexmig simulate sweep` and `flexmig simulate compare`, below `simulate`.
void AddSweepCommands(CLI::App& simulate, int& exit_code);

}  // namespace flexmig::app

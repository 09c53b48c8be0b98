// hsm-perf: how fast are collectives between processes of this host?

#include <cstdio>

#include "app.h"
#include "exit_code.h"

int main(int argc, char** argv) {
  namespace app = flexmig::app;
  const auto parsed = flexmig::perf::ParseArguments(argc, argv);
  if (!parsed.ok()) {
    std::fprintf(stderr, "hsm-perf: %s\nTry `hsm-perf --help`.\n",
                 parsed.status().message().c_str());
    return app::kExitUsage;
  }
  if (!parsed->text.empty()) {
    std::fputs(parsed->text.c_str(), stdout);
    return app::kExitOk;
  }
  return flexmig::perf::RunApp(parsed->options, flexmig::perf::FlexmigLibrary());
}

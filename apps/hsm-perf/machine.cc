#include "machine.h"

#include <ctime>
#include <string>
#include <string_view>

#include <sys/utsname.h>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"
#include "flexmig/base/version.h"

#include "cpus.h"

namespace flexmig::perf {

namespace {

std::string CpuModel() {
  const auto cpuinfo = ReadFile("/proc/cpuinfo");
  if (!cpuinfo.ok()) return "unknown";
  for (const std::string_view line : StrSplit(*cpuinfo, '\n')) {
    const size_t colon = line.find(':');
    if (line.starts_with("model name") && colon != std::string_view::npos) {
      return std::string(StripWhitespace(line.substr(colon + 1)));
    }
  }
  return "unknown";
}

std::string Kernel() {
  utsname name{};
  return ::uname(&name) == 0 ? StrCat(name.sysname, " ", name.release) : "unknown";
}

std::string Date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[32] = "";
  if (::gmtime_r(&now, &parts) != nullptr) {
    static_cast<void>(std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts));
  }
  return text;
}

}  // namespace

nlohmann::json DescribeMachine() {
  return {{"cpu", CpuModel()},
          {"cpus", AllowedCpuCount()},
          {"kernel", Kernel()},
#ifdef __clang__
          {"compiler", StrCat("clang ", __clang_version__)},
#else
          {"compiler", StrCat("GCC ", __VERSION__)},
#endif
          {"flexmig", std::string(Version())},
          {"date", Date()}};
}

}  // namespace flexmig::perf
